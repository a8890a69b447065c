"""The hub's client against a hub on this machine: resume, preference, the cache, and errors as sentences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fake_hub import FakeHub, serve
from sightword.backbones.hub import split_revision

BIG = 12 << 20
"""Bytes; the client writes ten megabytes at a time, and a resume needs one such block."""

CLIENT = """
import json, sys
from sightword.backbones.hub import fetch, fetch_directory
told = []
for call in json.loads(sys.argv[1]):
    name = call.pop("call")
    try:
        told.append(str({"fetch": fetch, "directory": fetch_directory}[name](**call, what="the weights")))
    except Exception as error:
        told.append(f"{type(error).__name__}: {error}")
print(json.dumps(told))
"""


def ask(hub: FakeHub, home: Path, *calls: dict[str, object]) -> list[str]:
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, json.dumps(calls)],
        capture_output=True,
        text=True,
        env={**os.environ, **own},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_a_broken_download_is_resumed_and_kept(tmp_path: Path) -> None:
    content = os.urandom(BIG)
    hub = FakeHub({"me/phi": {"model.safetensors": content, "config.json": b"{}", "other.txt": b"x"}})
    hub.cut = (11 << 20) + 5
    wanted = {"call": "fetch", "repo": "me/phi", "names": ["nothing.bin", "model.safetensors"]}
    whole = {"call": "directory", "repo": "me/phi", "names": ["*.json", "*.safetensors"]}
    with serve(hub):
        first, again, folder = ask(hub, tmp_path, wanted, wanted, whole)
    assert Path(first).read_bytes() == content
    asked = [line for line in hub.asked if line.startswith("GET /me/phi/resolve") and "model" in line]
    assert (
        len(asked) == 2 and f"bytes={10 << 20}-" in asked[1]
    )  # once more from where it broke, then never again
    assert again == first
    assert {path.name for path in Path(folder).iterdir()} == {"model.safetensors", "config.json"}
    before = len(hub.asked)
    offline = ask(hub, tmp_path, {**wanted, "local_files_only": True}, {**whole, "local_files_only": True})
    assert offline == [first, folder] and len(hub.asked) == before


@pytest.mark.slow
def test_errors_are_sentences_with_the_next_step(tmp_path: Path) -> None:
    hub = FakeHub({"me/phi": {"config.json": b"{}"}})
    with serve(hub):
        told = ask(
            hub,
            tmp_path,
            {"call": "fetch", "repo": "me/none", "names": ["a"]},
            {"call": "fetch", "repo": "me/phi", "names": ["a", "b"]},
            {"call": "fetch", "repo": "not a name", "names": ["a"]},
            {"call": "fetch", "repo": "me/phi", "names": ["a"], "local_files_only": True},
            {"call": "directory", "repo": "me/none", "names": ["a"]},
            {"call": "fetch", "repo": "me/phi", "names": ["config.json"], "prefer_cache": False},
        )
    assert told[0].startswith("ModelUnavailable: The hub has no repository me/none")
    assert told[1].startswith("ModelUnavailable: The repository me/phi holds no a (the weights).")
    assert told[2].startswith("UsageError: 'not a name' is not a repository's name.")
    assert "Not here: the weights (a of me/phi)" in told[3] and "`hf download me/phi a`" in told[3]
    assert str(tmp_path / "hub" / "models--me--phi") in told[3]
    assert told[4].startswith("ModelUnavailable: The hub has no repository me/none")
    assert told[5].endswith("config.json")


def test_a_network_that_is_not_there_is_noticed_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from sightword.backbones.hub import fetch
    from sightword.errors import ModelUnavailable

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://nowhere.invalid")
    with pytest.raises(ModelUnavailable, match="the hub cannot be asked"):
        fetch("me/phi", ["a"], what="the weights", cache=tmp_path)


def test_a_network_that_swallows_everything_is_noticed_soon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Looking up a name knows no time limit; nor does --offline look anything up."""
    from sightword.backbones import hub
    from sightword.errors import ModelUnavailable

    over, asked = threading.Event(), []

    def swallow(*address: object, **_: object) -> None:
        asked.append(address)
        over.wait(60)
        raise OSError

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hub.socket, "getaddrinfo", swallow)
    monkeypatch.setattr(hub, "PATIENCE", 0.2)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    try:
        for call in (hub.fetch, hub.fetch_directory):
            with pytest.raises(ModelUnavailable, match="Not here: the weights"):
                call("me/phi", ["a"], what="the weights", cache=tmp_path, local_files_only=True)
        assert not asked
        for call in (hub.fetch, hub.fetch_directory):
            start = time.monotonic()
            with pytest.raises(ModelUnavailable, match="the hub cannot be asked"):
                call("me/phi", ["a"], what="the weights", cache=tmp_path)
            assert time.monotonic() - start < 10
        assert asked
    finally:
        over.set()


def test_revisions_are_split_off() -> None:
    assert split_revision("hf-hub:me/phi@v1.0") == ("me/phi", "v1.0")
    assert split_revision("me/phi") == ("me/phi", None)
