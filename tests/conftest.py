"""Fixtures shared by all tests."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from milvus_server import MilvusServer, reason_to_skip
from tiny import write_tiny_backbone, write_tiny_phi

# A shell starts its background jobs with Ctrl-C ignored, and programs inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_backbone_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny backbone directory (see tiny.py); do not change it, copy it first."""
    return write_tiny_backbone(tmp_path_factory.mktemp("backbones") / "tiny")


@pytest.fixture(scope="session")
def tiny_backbone(tiny_backbone_dir: Path):  # type: ignore[no-untyped-def]
    """The tiny backbone, loaded with one thread in float32."""
    from sightword.backbones import load_backbone

    return load_backbone(str(tiny_backbone_dir), threads=1, precision="f32")


@pytest.fixture(scope="session")
def tiny_phi_dir(tiny_backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:  # type: ignore[no-untyped-def]
    """A phi for the tiny backbone: the pseudo-word is the picture's mean colour."""
    return write_tiny_phi(tmp_path_factory.mktemp("methods") / "pic2word", tiny_backbone.spec.weights_hash)


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A real Milvus server that asks nobody for a password; for tests that do not kill it."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.kill()
