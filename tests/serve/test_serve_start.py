"""How `sightword serve` starts: where it listens, who may ask, what it opens; the server itself stands in."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from sightword.cli.door import cli

KEY = "a long enough key"


class Started:
    """What the command handed to the server."""

    def __init__(self) -> None:
        self.bound: list[tuple[str, int]] = []
        self.settings: list[Any] = []
        self.opened: list[str] = []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    seen = Started()

    def run(app: Any, sock: socket.socket, told: Callable[[], None], certificate: Any = None) -> None:
        with sock:
            seen.bound.append(sock.getsockname()[:2])
            seen.settings.append(app.state.sightword.settings)
            told()

    monkeypatch.setattr("sightword.serve.run.run", run)
    monkeypatch.setattr(click, "launch", seen.opened.append)
    return seen


def serve(folder: Path, backbone: Path, *options: str) -> Result:
    words = ["serve", str(folder), "--backbone", str(backbone), "--method", "average", "--port", "0"]
    return CliRunner().invoke(cli, [*words, *options])


def test_only_this_machine_unless_told(started: Started, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    done = serve(tmp_path, tiny_backbone_dir)
    assert done.exit_code == 0, done.output
    ((host, port),) = started.bound
    assert host == "127.0.0.1"
    assert done.stdout == f"http://127.0.0.1:{port}/\n"
    assert (started.settings[0].host, started.settings[0].port) == ("127.0.0.1", port)
    assert started.opened == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "photos.example"])
def test_beyond_this_machine_a_key_is_wanted(
    started: Started, tmp_path: Path, tiny_backbone_dir: Path, host: str
) -> None:
    done = serve(tmp_path, tiny_backbone_dir, "--host", host)
    assert done.exit_code == 2 and "--api-key KEY, or --insecure" in done.stderr
    assert started.bound == []


def test_insecure_is_said_aloud(started: Started, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    done = serve(tmp_path, tiny_backbone_dir, "--host", "0.0.0.0", "--insecure")
    assert done.exit_code == 0, done.output
    assert started.bound[0][0] == "0.0.0.0" and started.settings[0].insecure
    assert "Everybody who can reach this machine" in done.stderr


def test_with_a_key_no_more_is_asked(started: Started, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    done = serve(tmp_path, tiny_backbone_dir, "--host", "0.0.0.0", "--api-key", KEY)
    assert done.exit_code == 0, done.output
    assert started.settings[0].api_key == KEY
    assert KEY not in done.output and KEY not in repr(started.settings[0])


def test_open_opens_the_page(started: Started, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    done = serve(tmp_path, tiny_backbone_dir, "--open")
    assert started.opened == [done.stdout.strip()]
    serve(tmp_path, tiny_backbone_dir, "--open", "--api-key", KEY)
    # Behind "#", which browsers keep to themselves.
    assert started.opened[1].endswith(f"/#key={KEY}")
