"""Run the command in this process or as its own, away from the user's settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gallery import make_gallery


@pytest.fixture
def environ(tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with a tiny backbone and nothing of the user's."""
    for name in list(os.environ):
        if name.startswith("SIGHTWORD_") or name in ("NO_COLOR", "COLORTERM", "TERM_PROGRAM"):
            monkeypatch.delenv(name)
    own = {
        "SIGHTWORD_BACKBONE": str(tiny_backbone_dir),
        "SIGHTWORD_METHOD": "average",
        "SIGHTWORD_CONFIG": str(tmp_path / "user.toml"),
        "SIGHTWORD_CACHE": str(tmp_path / "cache"),
        "SIGHTWORD_MODELS": str(tmp_path / "models"),
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return own


@pytest.fixture
def run(environ: dict[str, str]) -> Callable[..., Result]:
    """Run the command here: fast, with stdout and stderr apart."""
    from sightword.cli.door import cli

    def call(*args: str | Path, **options: object) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], **options)  # type: ignore[arg-type]

    return call


@pytest.fixture
def run_process(environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the command as a process: slower, with real bytes."""

    def call(*args: str | bytes | Path, **options: object) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "sightword", *args]
        return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)  # type: ignore[call-overload, no-any-return]

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight plain pictures, not indexed yet."""
    return make_gallery(tmp_path / "pictures")
