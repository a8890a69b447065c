"""The commands and the library on an index on a real Milvus server, and what is said when none is there."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import sightword
from milvus_server import MilvusServer, reason_to_skip
from sightword.errors import UsageError

HITS = ("--json", "-k", "3", "--no-fold")


@pytest.fixture
def there(milvus_server: MilvusServer) -> str:
    """The address of a collection that is not there yet."""
    return milvus_server.url(f"cli_{uuid.uuid4().hex[:8]}")


def answered(result) -> list[tuple[str, float, float]]:  # type: ignore[no-untyped-def]
    assert result.exit_code == 0, result.output
    return [(hit["path"], hit["score"], hit["z"]) for hit in json.loads(result.stdout)["hits"]]


@pytest.mark.slow
def test_from_a_folder_and_without_one(run, folder: Path, there: str, tiny_backbone, monkeypatch) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    assert run("index", folder, "--index", there).stdout == "8 pictures in the index.\n"
    assert not (folder / ".sightword").exists()
    ask = ("a red ball", *HITS)
    here = answered(run("search", folder, *ask))
    assert answered(run("search", folder, *ask, "--index", there)) == here
    # What is named by a folder is found under it; without a folder names are the index's own.
    alone = answered(run("search", there, *ask))
    assert alone == [(str(Path(path).relative_to(folder)), score, z) for path, score, z in here]
    document = json.loads(run("search", *ask, "--index", there).stdout)
    assert document["folder"] == there
    assert (document["complete"], document["indexed"], document["reason"]) == (None, 8, "no folder was named")
    monkeypatch.setenv("SIGHTWORD_INDEX", there)
    assert answered(run("search", *ask)) == alone
    monkeypatch.delenv("SIGHTWORD_INDEX")

    facts = json.loads(run("info", there, "--json").stdout)
    assert (facts["pictures"], facts["failed"], facts["backbone"]) == (8, 1, "tiny")
    assert (facts["location"], facts["place"], facts["vector_index"]) == (there, "cluster", "FLAT")
    assert facts["failures"][0]["path"] == "broken.png"
    assert json.loads(run("check", there, "--json").stdout)["ok"] is True
    assert "all is well" in run("check", folder, "--index", there).stdout
    next(folder.glob("*.png")).unlink()
    assert run("compact", there).exit_code == 0
    assert run("doctor", folder, "--index", there).exit_code == 0
    _the_library(there, tiny_backbone, folder, monkeypatch)


def _the_library(there: str, backbone, folder: Path, monkeypatch) -> None:
    from sightword.serve.files import open_picture
    from sightword.serve.library import Library
    from sightword.serve.problems import Refused

    # Names of the index must lead nowhere here, not even when files of these names lie about.
    monkeypatch.chdir(folder)
    with sightword.open(there, backbone=backbone, method="average") as engine:
        hits = engine.search("a red ball", k=3)
        assert hits and not engine.has_folder
        assert (folder / hits[0].path).exists() and engine.thumbnail(hits[0].id, 32) is None
        assert engine.update().added == 0
        stopped = threading.Event()
        stopped.set()
        engine.watch(stop=stopped)
        shelf = next(iter(Library([engine]).shelves.values()))
        assert shelf.name == there.rpartition("/")[2]
        assert shelf.count() == engine.info()["pictures"]
        with pytest.raises(Refused):
            open_picture(engine.folder, engine.store.row(hits[0].id))
        # A picture of the index is a reference by its id, wherever its file is.
        assert engine.search(images=[hits[0].id], k=1, include_reference=True)[0].score > 0.999


@pytest.mark.slow
def test_another_backbone_and_other_collections_are_refused(
    run, folder: Path, there: str, milvus_server
) -> None:
    from sightword.index.base import Manifest
    from sightword.index.milvus.address import parse_address
    from sightword.index.milvus.connection import Connection
    from sightword.index.milvus.schema import make_schema
    from sightword.index.milvus.store import MilvusStore

    MilvusStore.create(parse_address(there), Manifest("other", "1" * 64, "product", 16)).close()
    for words in (("search", there, "a dog"), ("index", folder, "--index", there)):
        result = run(*words)
        assert result.exit_code == 3
        assert "made with the backbone other" in result.stderr
    connection = Connection(parse_address(there))
    for name, description, said in (
        ("of_somebody_else", "our holidays", "was not made by Sightword"),
        ("of_the_future", '{"sightword": 99}', "Upgrade Sightword"),
    ):
        schema = make_schema(connection.library, Manifest("x", "", "clip", 8))
        schema._description = description
        connection.call("create_collection", collection_name=name, schema=schema)
        result = run("info", milvus_server.url(name))
        assert result.exit_code == 3
        assert said in result.stderr and "Traceback" not in result.output
        connection.call("drop_collection", collection_name=name)
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["info", "check", "compact", "search"])
def test_a_collection_that_is_not_there(run, there: str, command: str) -> None:
    words = [command, there, *(["a dog"] if command == "search" else [])]
    result = run(*words)
    assert result.exit_code == 3
    assert f"sightword index FOLDER --index {there}" in result.stderr.replace("\n", " ")


@pytest.mark.slow
def test_an_old_server_is_refused(run, there: str, monkeypatch) -> None:
    monkeypatch.setattr("sightword.index.milvus.connection.OLDEST", (9, 9))
    result = run("info", there)
    assert result.exit_code == 3
    assert "is Milvus v2.3.5-lite; this release needs" in result.stderr


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """A server that asks who we are."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    server = MilvusServer(tmp_path_factory.mktemp("guarded"), password="Milvus")
    server.start()
    yield server
    server.kill()


@pytest.mark.slow
def test_passwords(run, folder: Path, guarded: MilvusServer, monkeypatch) -> None:
    there = guarded.url("private")
    result = run("index", folder, "--index", there)
    assert result.exit_code == 2
    assert "SIGHTWORD_MILVUS_PASSWORD" in result.stderr
    monkeypatch.setenv("SIGHTWORD_MILVUS_PASSWORD", "wrong-s3cret")
    result = run("index", folder, "--index", there)
    assert result.exit_code == 3
    assert "does not let the user 'root' in" in result.stderr
    result = run("info", there.replace("root@", "nobody@"))
    assert result.exit_code == 3 and "'nobody'" in result.stderr
    assert "s3cret" not in result.output
    monkeypatch.delenv("SIGHTWORD_MILVUS_PASSWORD")
    result = run("info", there.replace("root@", ""))
    assert result.exit_code == 3 and "anybody without a name and a password" in result.stderr
    monkeypatch.setenv("SIGHTWORD_MILVUS_PASSWORD", "Milvus")
    assert run("index", folder, "--index", there).stdout == "8 pictures in the index.\n"
    monkeypatch.setenv("SIGHTWORD_MILVUS_TOKEN", "root:Milvus")
    assert json.loads(run("info", there.replace("root@", ""), "--json").stdout)["pictures"] == 8


def test_nobody_there(run) -> None:
    pytest.importorskip("pymilvus", reason="the package pymilvus is not installed")
    result = run("search", "milvus://127.0.0.1:1/x", "a dog")
    assert result.exit_code == 3
    assert "No Milvus server can be reached at 127.0.0.1:1: nobody listens there." in result.stderr
    assert "Traceback" not in result.output


def test_without_the_client_library(run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    result = run("info", "milvus://127.0.0.1:1/x")
    assert result.exit_code == 4
    assert "pip install 'sightword[milvus]'" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("info", "milvus://ann:s3cret@db/x"), "holds a password"),
        (("search", "milvus://db", "a dog"), "names no collection"),
        (("search", "milvus://db/x", "a", "dog"), "put the text in quotes"),
        (("serve", "milvus://db/x?shards=many"), "whole number"),
        (("index", ".", "--index", "milvus://db/x/y/z"), "a database and a collection"),
        (("search", "milvus://db/x", "a dog", "--index", "milvus://db/y"), "Two indexes are named"),
    ],
)
def test_words_that_are_wrong(run, words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "s3cret" not in result.output


def test_an_engine_needs_a_folder_or_an_address(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        sightword.open(tmp_path / "nothing")
    with pytest.raises(UsageError, match="collection"):
        sightword.open("milvus://db")
