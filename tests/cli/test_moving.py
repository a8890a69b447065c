"""``sightword index push`` and ``pull`` between indexes of this disk; against a cluster: tests/index/."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "index"))
from equal import assert_equal_indexes
from samples import MANIFEST, picture, pictures

from sightword.index.base import Failure, Manifest
from sightword.index.origin import origin_of
from sightword.index.store import LocalStore, open_store

Run = Callable[..., Result]


def index_of(folder: Path, count: int = 12, manifest: Manifest = MANIFEST) -> Path:
    """A folder with an index of pictures that are not there."""
    folder.mkdir(exist_ok=True)
    with open_store(folder, create=manifest) as store, store.writer() as writer:
        writer.add(pictures(range(count)))
        writer.mark_gone([picture(3).path])
        writer.fail([Failure(b"bad \xff.jpg", 1, 2, "It is cut off.")])
    return folder


def files_of(folder: Path, numbers: range) -> None:
    """Files as long as those pictures, with nothing in them."""
    for number in numbers:
        item = picture(number)
        path = folder / item.path.decode()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(item.size))


def document(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert isinstance(told, dict)
    return told


def opened(place: Path, *, alone: bool = False) -> LocalStore:
    return open_store(place, index=place if alone else None)


def test_push_and_pull_make_equal_indexes(run: Run, tmp_path: Path) -> None:
    holiday, copy, back = index_of(tmp_path / "holiday"), tmp_path / "copy", tmp_path / "back"
    told = document(run("index", "push", holiday, copy, "--json"))
    assert {name: told[name] for name in ("sent", "updated", "hidden", "not_readable", "unchanged")} == {
        "sent": 12, "updated": 0, "hidden": 0, "not_readable": 1, "unchanged": 0,
    }  # fmt: skip
    assert (told["pictures"], told["complete"], told["damaged"], told["dry_run"]) == (11, True, [], False)
    back.mkdir()  # a folder of pictures, so the index goes where it always is
    document(run("index", "pull", copy, back, "--json"))
    with opened(holiday) as one, opened(back) as other, opened(copy, alone=True) as middle:
        assert_equal_indexes(one, other)
        assert_equal_indexes(one, middle)
    again = run("index", "pull", copy, back)
    assert again.exit_code == 0 and "nothing to do; unchanged 13" in again.stdout


def test_the_directory_of_an_index_can_be_pushed(run: Run, tmp_path: Path) -> None:
    index_of(tmp_path / "holiday")
    told = document(run("index", "push", tmp_path / "holiday" / ".sightword", tmp_path / "copy", "--json"))
    assert told["pictures"] == 11


def test_a_dry_run_writes_nothing(run: Run, tmp_path: Path) -> None:
    holiday, copy = index_of(tmp_path / "holiday"), tmp_path / "copy"
    told = document(run("index", "push", holiday, copy, "--dry-run", "--json"))
    assert (told["sent"], told["not_readable"], told["pictures"], told["dry_run"]) == (12, 1, 0, True)
    assert not copy.exists()
    document(run("index", "push", holiday, copy, "--json"))
    with opened(holiday) as store, store.writer() as writer:
        writer.add(pictures([20, 21]))
        writer.mark_gone([picture(4).path])
    result = run("index", "push", holiday, copy, "--dry-run")
    assert "11 pictures; would be: sent 2, hidden 1; unchanged 12" in result.stdout
    with opened(copy, alone=True) as store:
        assert store.info()["pictures"] == 11


def test_what_looks_like_the_wrong_folder_is_refused(run: Run, tmp_path: Path) -> None:
    holiday, other = index_of(tmp_path / "holiday", 20), index_of(tmp_path / "other", 2)
    copy = tmp_path / "copy"
    document(run("index", "push", holiday, copy, "--json"))
    refused = run("index", "push", other, copy)
    assert refused.exit_code == 3
    assert "lacks 17 of" in refused.stderr and "--prune" in refused.stderr
    with opened(copy, alone=True) as store:
        assert store.info()["pictures"] == 19
    told = document(run("index", "push", other, copy, "--prune", "--json"))
    assert (told["hidden"], told["pictures"]) == (17, 2)
    told = document(run("index", "push", holiday, copy, "--json"))
    assert (told["updated"], told["pictures"]) == (17, 19)  # nothing had been lost


def test_pull_hides_nothing_that_only_this_side_has(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    document(run("index", "push", index_of(tmp_path / "holiday", 20), copy, "--json"))
    mine = tmp_path / "mine"
    mine.mkdir()
    with open_store(mine, create=MANIFEST) as store, store.writer() as writer:
        writer.add([picture(19), *pictures(range(100, 103))])
        writer.fail([Failure(b"mine.jpg", 1, 2, "It is cut off.")])
    files_of(mine, range(17))  # brought along, and not indexed yet
    told = document(run("index", "pull", copy, mine, "--json"))
    assert (told["hidden"], told["kept"], told["pictures"]) == (0, 4, 22)
    again = run("index", "pull", copy, mine)
    assert again.exit_code == 0 and "nothing to do" in again.stdout
    assert "4 that only" in again.stderr and "--prune hides them" in again.stderr
    dry = document(run("index", "pull", copy, mine, "--prune", "--dry-run", "--json"))
    told = document(run("index", "pull", copy, mine, "--prune", "--json"))
    assert dry["hidden"] == told["hidden"] == 4 and told["pictures"] == 19
    with opened(copy, alone=True) as one, opened(mine) as other:
        live = [
            {path for path, state in each.known().items() if state.status == "live"} for each in (one, other)
        ]
        assert live[0] == live[1]


@pytest.mark.parametrize("numbers", [range(100, 110), range(10)], ids=["other names", "the same names"])
def test_pull_of_the_wrong_collection_is_refused(run: Run, tmp_path: Path, numbers: range) -> None:
    copy, mine = tmp_path / "copy", tmp_path / "mine"
    document(run("index", "push", index_of(tmp_path / "holiday", 20), copy, "--json"))
    mine.mkdir()
    with open_store(mine, create=MANIFEST) as store, store.writer() as writer:
        writer.add([picture(at, content_hash=bytes([at]) * 32, size=5) for at in numbers])
        before = store.known()
    refused = run("index", "pull", copy, mine)
    assert refused.exit_code == 3
    assert f" lacks {len(numbers)} of the 10 pictures of {mine}" in refused.stderr
    assert f"its pictures are not in {mine}; nothing was changed" in refused.stderr
    assert f"sightword index pull {copy} {mine} --prune" in refused.stderr
    assert run("index", "pull", copy, mine, "--dry-run").exit_code == 3
    with opened(mine) as store:
        assert store.known() == before
    files_of(mine, range(6))  # a third of them are not enough
    assert run("index", "pull", copy, mine).exit_code == 3
    assert document(run("index", "pull", copy, mine, "--prune", "--json"))["pictures"] == 19


def test_pull_into_an_index_alone_looks_for_no_files(run: Run, tmp_path: Path) -> None:
    holiday, other = index_of(tmp_path / "holiday", 20), tmp_path / "other"
    with open_store(other, index=other, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures(range(100, 110)))
    refused = run("index", "pull", holiday, other)
    assert refused.exit_code == 3 and "lacks 10 of the 10" in refused.stderr
    assert "bring them" not in refused.stderr


def test_pull_of_what_the_folder_itself_filled(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever became of it since."""
    copy, mine = tmp_path / "copy", tmp_path / "mine"
    document(run("index", "push", index_of(tmp_path / "holiday", 20), copy, "--json"))
    mine.mkdir()
    with open_store(mine, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures(range(100, 110)))
    said = ["box:/elsewhere"]
    monkeypatch.setattr(LocalStore, "origin", property(lambda store: said[0]))
    refused = run("index", "pull", copy, mine)
    assert refused.exit_code == 3 and "which was filled from box:/elsewhere," in refused.stderr
    said[0] = origin_of(mine)
    assert document(run("index", "pull", copy, mine, "--json"))["pictures"] == 29


def test_pull_into_a_folder_that_is_behind(run: Run, tmp_path: Path) -> None:
    """A restored backup, a second machine: the folder has less, and few pictures of its own."""
    copy, mine = tmp_path / "copy", tmp_path / "mine"
    document(run("index", "push", index_of(tmp_path / "holiday", 20), copy, "--json"))
    mine.mkdir()
    with open_store(mine, create=MANIFEST) as store, store.writer() as writer:
        writer.add(pictures([0, 1, 2, 4, 5, 100]))
    assert document(run("index", "pull", copy, mine, "--json"))["pictures"] == 20


@pytest.mark.parametrize("source", ["camera", "camera/.sightword"])
def test_push_replaces_no_others_of_the_same_names(run: Run, tmp_path: Path, source: str) -> None:
    """Whoever filled the target: nobody knows, when it is an index alone."""
    camera, copy = tmp_path / "camera", tmp_path / "copy"
    document(run("index", "push", index_of(tmp_path / "holiday", 20), copy, "--json"))
    camera.mkdir()
    with open_store(camera, create=MANIFEST) as store, store.writer() as writer:
        writer.add([picture(at, content_hash=bytes([at]) * 32) for at in range(20)])
    refused = run("index", "push", tmp_path / source, copy)
    assert refused.exit_code == 3
    assert "lacks 19 of the 19 pictures" in refused.stderr and "hidden or replaced" in refused.stderr
    assert document(run("index", "push", tmp_path / source, copy, "--prune", "--json"))["sent"] == 20


def test_push_takes_edited_pictures_where_they_came_from(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holiday, copy = index_of(tmp_path / "holiday", 20), tmp_path / "copy"
    document(run("index", "push", holiday, copy, "--json"))
    monkeypatch.setattr(LocalStore, "origin", origin_of(holiday))
    with opened(holiday) as store, store.writer() as writer:
        writer.add([picture(at, content_hash=bytes([at]) * 32) for at in range(20)])
    assert document(run("index", "push", holiday, copy, "--json"))["sent"] == 20


def test_another_backbone_is_refused(run: Run, tmp_path: Path) -> None:
    one = index_of(tmp_path / "one")
    other = index_of(tmp_path / "other", manifest=Manifest("else", "1" * 64, "product", MANIFEST.dim))
    result = run("index", "push", one, other / ".sightword")
    assert result.exit_code == 3
    assert "backbone else" in result.stderr and "Traceback" not in result.stderr


def test_damaged_pictures_are_left_out_and_told(run: Run, tmp_path: Path) -> None:
    holiday = index_of(tmp_path / "holiday")
    connection = sqlite3.connect(holiday / ".sightword" / "index.db", isolation_level=None)
    connection.execute("UPDATE vectors SET norm = 0.0 WHERE id = 6")
    connection.close()
    result = run("index", "push", holiday, tmp_path / "copy", "--json")
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert told["damaged"] == [
        {"path": picture(5).path.decode(), "reason": "Its norm is not a positive number."}
    ]
    assert (told["sent"], told["complete"], told["pictures"]) == (11, False, 10)
    assert "1 damaged pictures" in result.stderr and "sightword check" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("push", "nowhere", "copy"), 2, "no folder 'nowhere'"),
        (("push", ".", "copy"), 3, "no index"),
        (("pull", ".", "milvus://127.0.0.1:1/a"), 2, "sightword index push . milvus://127.0.0.1:1/a"),
        (("push", "milvus://127.0.0.1:1/a", "here"), 2, "sightword index pull milvus://127.0.0.1:1/a here"),
        (("push", "milvus://127.0.0.1:1/a", "here"), 2, "sightword index push here milvus://127.0.0.1:1/a"),
        (("push", ".", "127.0.0.1:1/copy"), 2, "Write: sightword index push . milvus://127.0.0.1:1/copy ("),
        (("push", ".", "http://db/copy"), 2, "Write: sightword index push . milvus://db/copy\n"),
        (("pull", "db:1/x", "copy"), 2, "Write: sightword index pull milvus://db:1/x copy"),
        (("pull", ".", "db:1/copy"), 2, "Write: sightword index push . milvus://db:1/copy"),
        (("push", ".", "copy", "--pictures", "javascript:{path}"), 2, "http"),
        (("push", ".", "copy", "--pictures", "https://example.org/"), 2, "{path}"),
        (("push", "."), 2, "TARGET"),
    ],
)
def test_mistakes_are_sentences(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("index", *words)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr and "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_index_on_this_disk_keeps_no_addresses(run: Run, tmp_path: Path) -> None:
    template = "https://pictures.example.org/{path}"
    result = run("index", "push", index_of(tmp_path / "holiday"), tmp_path / "copy", "--pictures", template)
    assert result.exit_code == 2 and "keeps no addresses" in result.stderr


def test_a_folder_called_push_is_reachable(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "push").mkdir()
    monkeypatch.chdir(tmp_path)
    result = run("index", "./push")
    assert result.exit_code == 0 and "0 pictures in the index" in result.stdout


class TestKilled:
    """A push that dies anywhere is finished by the same command."""

    @pytest.mark.parametrize(
        "failpoint",
        [
            "restore.after_commit:2",
            *(
                pytest.param(name, marks=pytest.mark.slow)
                for name in (
                    "restore.after_insert:2",
                    "fail.before_commit",
                    "mark_gone.after_commit",
                    "matrix.during_write",
                )
            ),
        ],
    )
    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
    def test_and_resumed(
        self, run_process: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path, failpoint: str
    ) -> None:
        holiday, copy = index_of(tmp_path / "holiday", 4500), tmp_path / "copy"
        with opened(index_of(tmp_path / "before", 6)) as store, store.writer() as writer:
            writer.mark_gone([b"bad \xff.jpg"])
        # The copy has something to hide already.
        words = ["index", "push", str(tmp_path / "before"), str(copy)]
        assert run_process(*words).returncode == 0
        with opened(holiday) as store, store.writer() as writer:
            writer.mark_gone([picture(5).path])
        environ = {**os.environ, "SIGHTWORD_FAILPOINT": failpoint}
        words = ["index", "push", str(holiday), str(copy), "--json"]
        assert run_process(*words, env=environ).returncode == -signal.SIGKILL
        with opened(copy, alone=True) as store:
            assert {picture(at).path for at in range(6)} <= set(store.known())
        done = run_process(*words)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["complete"]
        if failpoint == "restore.after_commit:2":
            assert told["sent"] < 4494 - 2000
        with opened(holiday) as one, opened(copy, alone=True) as other:
            assert_equal_indexes(one, other)
            assert other.check(repair=False).ok
