"""Folder against index."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pytest

from sightword.pictures.changes import Changes, MoveFinder, compare, vanished_notice
from sightword.pictures.scan import FoundFile, ScanProblem


@dataclass(frozen=True)
class Known:
    size: int = 10
    mtime_ns: int = 20
    content_hash: bytes = b"h"
    status: str = "live"


def found(*names: bytes, size: int = 10, mtime_ns: int = 20) -> list[FoundFile]:
    return [FoundFile(name, size, mtime_ns) for name in names]


def test_nothing_changed() -> None:
    changes = compare({b"a": Known()}, found(b"a"))
    assert not changes
    assert changes == Changes(live=1)


def test_added_changed_missing() -> None:
    known = {b"same": Known(), b"edited": Known(), b"touched": Known(), b"away": Known()}
    files = [*found(b"same", b"new"), *found(b"edited", size=11), *found(b"touched", mtime_ns=21)]
    changes = compare(known, files)
    assert [file.path for file in changes.added] == [b"new"]
    assert [file.path for file in changes.changed] == [b"edited", b"touched"]
    assert (changes.missing, changes.live) == ([b"away"], 4)


def test_failed_files_get_another_chance_only_when_they_change() -> None:
    known = {
        b"a": Known(status="failed", content_hash=b""),
        b"b": Known(status="failed"),
        b"c": Known(status="failed"),
    }
    changes = compare(known, [*found(b"a"), *found(b"b", mtime_ns=99)])
    assert [file.path for file in changes.changed] == [b"b"]
    assert (changes.lost_failures, changes.missing, changes.live) == ([b"c"], [], 0)


def test_gone_pictures_stay_gone_or_come_back() -> None:
    known = {b"still": Known(status="gone"), b"back": Known(status="gone"), b"other": Known(status="gone")}
    changes = compare(known, [*found(b"back"), *found(b"other", size=1)])
    assert [file.path for file in changes.revived] == [b"back"]
    assert [file.path for file in changes.changed] == [b"other"]
    assert changes.missing == []


def test_files_behind_a_locked_door_are_not_missing() -> None:
    known = {b"locked/a": Known(), b"locked2/b": Known(), b"c": Known()}
    problems = [
        ScanProblem(b"locked", "", True),
        ScanProblem(b"c", "", True),
        ScanProblem(b"locked2", "", False),
    ]
    assert compare(known, [], problems).missing == [b"locked2/b"]


def test_problems_are_read_after_the_walk() -> None:
    problems: list[ScanProblem] = []

    def walk():  # type: ignore[no-untyped-def]
        yield from found(b"a")
        problems.append(ScanProblem(b"locked", "", True))

    assert compare({b"a": Known(), b"locked/b": Known()}, walk(), problems).missing == []


NFC = unicodedata.normalize("NFC", "café/ü.png").encode()
NFD = unicodedata.normalize("NFD", "café/ü.png").encode()


@pytest.mark.parametrize("before, after", [(NFC, NFD), (NFD, NFC)])
def test_another_unicode_form_is_a_move(before: bytes, after: bytes) -> None:
    assert before != after
    changes = compare({before: Known()}, found(after))
    assert changes.renamed == [(before, FoundFile(after, 10, 20))]
    assert changes.added == changes.missing == []


def test_another_unicode_form_with_other_content_is_not() -> None:
    changes = compare({NFC: Known()}, found(NFD, size=11))
    assert (changes.renamed, changes.missing) == ([], [NFC])
    assert [file.path for file in changes.added] == [NFD]


def test_both_unicode_forms_may_exist() -> None:
    assert not compare({NFC: Known(), NFD: Known()}, found(NFC, NFD))


def test_moves_prefer_the_same_name_and_are_given_out_once() -> None:
    known = {
        b"old/a.png": Known(content_hash=b"1"),
        b"old/b.png": Known(content_hash=b"1"),
        b"gone.png": Known(content_hash=b"2", status="gone"),
        b"failed.png": Known(content_hash=b"", status="gone"),
    }
    finder = MoveFinder(known, [b"old/a.png", b"old/b.png"])
    assert finder.take(b"1", b"new/b.png") == b"old/b.png"
    assert finder.take(b"1", b"new/c.png") == b"old/a.png"
    assert finder.take(b"1", b"new/d.png") is None
    assert finder.take(b"2", b"x.png") == b"gone.png"
    assert finder.take(b"", b"y.png") is None


@pytest.mark.parametrize(
    "missing, live, prune, kept",
    [
        (3, 10, False, False),
        (4, 10, False, True),
        (10, 10, False, True),
        (10, 10, True, False),
        (0, 0, False, False),
    ],
)
def test_the_unplugged_drive(missing: int, live: int, prune: bool, kept: bool) -> None:
    notice = vanished_notice(missing, live, prune=prune)
    assert (notice is not None) == kept
    if notice:
        assert notice.startswith(f"{missing} of {live} pictures are not there") and "--prune" in notice
