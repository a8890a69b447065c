"""The directory of an index in a folder's place: it is searched as it is, and never taken for pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import sightword
from sightword.index.location import is_index

Run = Callable[..., Result]


@pytest.fixture
def backup(run: Run, folder: Path, tmp_path: Path) -> Path:
    """A copy of the index of eight pictures, without the pictures."""
    assert run("index", folder).exit_code == 0
    assert run("index", "push", folder, tmp_path / "backup").exit_code == 0
    return tmp_path / "backup"


def hits(result: Result) -> list[tuple[str, float]]:
    assert result.exit_code == 0, result.stderr
    return [(hit["path"], hit["score"]) for hit in json.loads(result.stdout)["hits"]]


def test_it_is_searched_and_looked_after(run: Run, folder: Path, backup: Path, tiny_backbone) -> None:  # type: ignore[no-untyped-def]
    ask = ("a red ball", "--json", "-k", "3", "--no-fold")
    before = sorted(path.name for path in backup.iterdir())
    found = hits(run("search", backup, *ask))
    assert [(str(folder / path), score) for path, score in found] == hits(run("search", folder, *ask))
    document = json.loads(run("search", backup, *ask).stdout)
    assert (document["folder"], document["indexed"], document["complete"]) == (str(backup), 8, None)
    facts = json.loads(run("info", backup, "--json").stdout)
    assert (facts["pictures"], facts["location"]) == (8, str(backup))
    assert json.loads(run("check", backup, "--json").stdout)["pictures"] == 8
    assert sorted(path.name for path in backup.iterdir()) == before
    assert run("compact", backup).exit_code == 0
    doctor = json.loads(run("doctor", backup, "--json").stdout)
    assert doctor["index"]["pictures"] == 8
    with sightword.open(backup, backbone=tiny_backbone, method="average") as engine:
        assert not engine.has_folder and engine.update().gone == 0
        assert engine.info()["pictures"] == 8


def test_it_is_served(backup: Path, tiny_backbone) -> None:  # type: ignore[no-untyped-def]
    from serving import serving

    with serving(tiny_backbone, backup) as client:
        (index,) = client.get("/v1/indexes").json()
        # Its pictures are nowhere here: there is no folder to open.
        assert (index["name"], index["folder"], index["pictures"]) == ("backup", None, 8)
        found = client.post("/v1/search", json={"text": "red", "k": 3}).json()["results"][0]["hits"]
        assert len(found) == 3
        assert client.get(f"/v1/images/{found[0]['id']}").status_code == 404


def test_it_cannot_be_indexed(run: Run, backup: Path) -> None:
    for words in ((backup,), (backup, "--index", backup), (backup, "--watch")):
        result = run("index", *words)
        assert result.exit_code == 2
        assert f"{backup} is the directory of an index" in result.stderr
        assert f"sightword index FOLDER --index {backup}" in result.stderr


def test_an_empty_one_says_how_to_fill_it(run: Run, backup: Path) -> None:
    for path in ("a", "b"):
        (backup.parent / path).mkdir()
    # All pictures are gone and forgotten.
    assert run("index", backup.parent / "a", "--index", backup, "--prune").exit_code == 0
    result = run("search", backup, "a red ball")
    assert result.exit_code == 5
    assert f"The index {backup} is empty" in result.stderr
    assert f"sightword index push FOLDER {backup}" in result.stderr


def test_a_folder_of_pictures_is_none(run: Run, folder: Path, backup: Path, tmp_path: Path) -> None:
    assert is_index(backup) and is_index(folder / ".sightword")
    assert not is_index(folder) and not is_index(tmp_path / "nothing")
    mixed = tmp_path / "mixed"
    shutil.copytree(backup, mixed)
    shutil.copy(next(folder.glob("*.png")), mixed)  # --index FOLDER, the folder itself
    assert not is_index(mixed)
    deep = tmp_path / "deep"
    shutil.copytree(backup, deep)
    (deep / "holiday").mkdir()
    assert not is_index(deep)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    assert not is_index(tmp_path / "other")
    (tmp_path / "other" / "index.db").write_bytes(b"")
    assert not is_index(tmp_path / "other")


def test_a_backup_knows_its_folder(run: Run, folder: Path, backup: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other, ignore=lambda *_: [".sightword"])
    for path in other.rglob("*.png"):  # the same names, other contents
        path.write_bytes(path.read_bytes() + b"\0")
    before = json.loads(run("search", backup, "a red ball", "--json").stdout)["hits"]
    facts = json.loads(run("info", backup, "--json").stdout)
    assert facts["origin"].endswith(f":{folder.resolve()}")
    for words in (("search", other, "red", "--index", backup), ("index", other, "--index", backup)):
        refused = run(*words)
        assert refused.exit_code == 3
        assert f"8 of the 8 pictures of {backup}, which was filled from " in refused.stderr
    assert json.loads(run("search", backup, "a red ball", "--json").stdout)["hits"] == before
    assert run("search", folder, "red", "--index", backup).exit_code == 0
    assert run("index", other, "--index", backup, "--prune").exit_code == 0
    assert json.loads(run("info", backup, "--json").stdout)["origin"].endswith(f":{other.resolve()}")


def test_an_index_beside_its_pictures_moves_with_them(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("index", folder).exit_code == 0
    assert json.loads(run("info", folder, "--json").stdout)["origin"] is None
    folder.rename(tmp_path / "moved")
    done = run("search", tmp_path / "moved", "red", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["indexed"] == 8
