"""A folder's name on every machine: it stays when the machine's does not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sightword.index import origin
from sightword.index.origin import origin_of, same_origin, shown_origin


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the system keeps its id; nothing at first."""
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    monkeypatch.setattr(origin, "_SYSTEM_IDS", (tmp_path / "machine-id",))
    monkeypatch.setenv("SIGHTWORD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "machine-id"


def test_it_says_machine_and_folder(system: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    found = origin_of(tmp_path / "link")
    assert found == origin_of(os.fsencode(tmp_path / "real"))
    assert shown_origin(found) == f"box:{os.path.realpath(tmp_path / 'real')}"


def test_the_systems_id_is_used_and_not_shown(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system.write_text("0123456789abcdef0123456789abcdef\n")
    before = origin_of("/photos")
    assert re.fullmatch("box#[0-9a-f]{16}:/photos", before) and "0123456789abcdef" not in before
    monkeypatch.setattr("socket.gethostname", lambda: "dhcp-7")
    assert origin_of("/photos") != before and same_origin(origin_of("/photos"), before)
    system.write_text("f" * 32)
    assert not same_origin(origin_of("/photos"), before)


@pytest.mark.parametrize("said", [None, "", "uninitialized\n"])
def test_without_one_an_id_is_kept_in_the_cache(
    system: Path, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said is not None:
        system.write_text(said)
    before = origin_of("/photos")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["machine"]
    monkeypatch.setattr("socket.gethostname", lambda: "dhcp-7")
    assert same_origin(origin_of("/photos"), before)
    (tmp_path / "cache" / "machine").write_bytes(b"\xff")  # cut off, or something else
    assert re.fullmatch("dhcp-7#[0-9a-f]{16}:/photos", origin_of("/photos"))


def test_without_a_place_for_it_the_name_must_do(system: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file is in the way")
    assert origin_of("/photos") == "box:/photos"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("box:/photos", "box:/photos", True),  # older collections
        ("box:/photos", "box#0123456789abcdef:/photos", True),
        ("box:/photos", "dhcp-7#0123456789abcdef:/photos", False),
        ("box#0123456789abcdef:/photos", "box#fedcba9876543210:/photos", True),  # a container of fixed name
        ("box#0123456789abcdef:/photos", "box#0123456789abcdef:/other", False),
        ("another machine:/mnt", "another machine:/mnt", True),
        ("box:C:\\photos", "new#0123456789abcdef:C:\\photos", False),
        ("", "box:/photos", False),
    ],
)
def test_which_are_the_same(one: str, other: str, same: bool) -> None:
    assert same_origin(one, other) is same_origin(other, one) is same
