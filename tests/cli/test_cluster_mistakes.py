"""Mistakes with an index on a cluster: what is refused, what is told, and that nothing is left behind."""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "index"))
from samples import MANIFEST, pictures

from gallery import make_gallery
from milvus_server import MilvusServer
from sightword.errors import IndexProblem, IndexWarning
from sightword.index.milvus import creation
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.store import MilvusStore
from sightword.index.origin import origin_of, shown_origin


@contextmanager
def asked(server: MilvusServer, database: str = "") -> Iterator[Any]:
    """The client library itself."""
    from pymilvus import MilvusClient

    client = MilvusClient(uri=f"http://127.0.0.1:{server.port}", db_name=database, dedicated=True)
    yield client
    client.close()


@pytest.fixture
def name(milvus_server: MilvusServer) -> Iterator[str]:
    """A collection that is not there yet, and is dropped afterwards."""
    made = f"slip_{uuid.uuid4().hex[:8]}"
    yield made
    with asked(milvus_server) as client:
        client.drop_collection(made)


@pytest.fixture
def there(milvus_server: MilvusServer, name: str) -> str:
    return milvus_server.url(name)


def paths(address: str) -> dict[str, str]:
    store = MilvusStore.open(parse_address(address))
    try:
        return {path.decode(): state.status for path, state in store.known().items()}
    finally:
        store.close()


@pytest.mark.slow
def test_the_wrong_folder(run, folder: Path, there: str, tmp_path: Path) -> None:
    assert run("index", folder, "--index", there).exit_code == 0
    facts = json.loads(run("info", there, "--json").stdout)
    assert (facts["origin"], facts["replicas"]) == (origin_of(folder), 1)
    assert f"filled from  {shown_origin(origin_of(folder))}" in run("info", there).stdout
    before = paths(there)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for number, path in enumerate(sorted(folder.rglob("*.png"))[:3]):
        shutil.copy2(path, wrong / f"copy {number}.png")
    result = run("index", wrong, "--index", there)
    assert result.exit_code == 3
    filled = shown_origin(origin_of(folder))
    assert f"5 of the 8 pictures of {there}, which was filled from {filled}," in result.stderr
    assert f"sightword index {wrong} --index {there} --prune" in result.stderr
    assert paths(there) == before
    # An answer would name pictures in a folder that does not hold them.
    result = run("search", wrong, "a red ball", "--index", there, "--json")
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"`sightword search {there}` asks without a folder" in result.stderr
    assert run("search", wrong, "a red ball", "--index", there, "--no-update").exit_code == 0
    assert paths(there) == before
    assert run("index", wrong, "--index", there, "--prune").exit_code == 0
    assert json.loads(run("info", there, "--json").stdout)["origin"] == origin_of(wrong)


@pytest.mark.slow
def test_a_push_leaves_word_of_its_folder(run, folder: Path, there: str, tmp_path: Path) -> None:
    assert run("index", folder).exit_code == 0
    assert run("index", "push", folder, there).exit_code == 0
    assert json.loads(run("info", there, "--json").stdout)["origin"] == origin_of(folder)
    camera = tmp_path / "camera"
    make_gallery(camera)
    names = sorted(path.relative_to(camera) for path in camera.rglob("*.png"))
    data = [(camera / path).read_bytes() for path in names]
    for path, content in zip(names, data):  # the same names, other contents
        (camera / path).write_bytes(content + b"\0")
    assert run("index", camera).exit_code == 0
    refused = run("index", "push", camera, there)
    assert refused.exit_code == 3
    filled = shown_origin(origin_of(folder))
    assert f"lacks 8 of the 8 pictures of {there}, which was filled from {filled}" in refused.stderr
    assert f"sightword index push {camera} {there} --prune" in refused.stderr
    assert run("index", "push", camera, there, "--prune").exit_code == 0
    assert json.loads(run("info", there, "--json").stdout)["origin"] == origin_of(camera)


@pytest.mark.slow
def test_a_collection_in_sync_learns_its_folder(run, folder: Path, there: str, tmp_path: Path) -> None:
    assert run("index", folder).exit_code == 0
    assert run("index", "push", folder / ".sightword", there).exit_code == 0
    assert json.loads(run("info", there, "--json").stdout)["origin"] is None
    assert run("index", folder, "--index", there).exit_code == 0
    assert json.loads(run("info", there, "--json").stdout)["origin"] == origin_of(folder)
    unplugged = folder.rename(tmp_path / "unplugged")
    folder.mkdir()
    result = run("search", folder, "a red ball", "--index", there, "--json")
    assert result.exit_code == 0 and "unplugged" in result.stderr
    assert set(paths(there).values()) == {"live"} and unplugged.is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["alone", "option", "folder"])
def test_serve_needs_a_collection_that_is_there(run, folder: Path, there: str, form: str) -> None:
    words = {"alone": [there], "option": ["--index", there], "folder": [folder, "--index", there]}[form]
    result = run("serve", *words, "--port", "0")
    assert result.exit_code == 3
    named = folder if form == "folder" else "FOLDER"
    assert f"sightword index {named} --index {there}" in result.stderr


def test_serve_needs_a_folder(run) -> None:
    result = run("serve")
    assert result.exit_code == 2 and "FOLDER" in result.stderr


@pytest.mark.slow
def test_what_the_server_shows_of_a_collection(run, folder: Path, there: str, tiny_backbone) -> None:
    from serving import serving

    assert run("index", folder, "--index", there).exit_code == 0
    with serving(tiny_backbone, there.replace("milvus://", "MILVUS://")) as client:  # type: ignore[arg-type]
        (index,) = client.get("/v1/indexes").json()
        assert (index["folder"], index["pictures"]) == (there, 8)


@pytest.mark.slow
def test_a_failed_creation_leaves_nothing(
    run, folder: Path, there: str, name: str, milvus_server: MilvusServer
) -> None:
    result = run("index", folder, "--index", f"{there}?replicas=2")
    assert result.exit_code == 3
    assert "cannot be loaded 2 times" in result.stderr
    assert f"start more of them, or write {there}." in result.stderr
    with asked(milvus_server) as client:
        assert not client.has_collection(name)
    assert run("index", folder, "--index", there).exit_code == 0


@pytest.mark.slow
def test_what_another_process_uses_is_not_dropped(
    there: str, name: str, milvus_server: MilvusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two make it at once; one fails, and must not take the other's away."""
    load, address = creation._load, parse_address(there)

    def failing(connection: Any) -> None:
        load(connection)  # as the other one did
        raise IndexProblem("No.")

    monkeypatch.setattr(creation, "_load", failing)
    with pytest.raises(IndexProblem, match="No"):
        MilvusStore.create(address, MANIFEST)
    monkeypatch.undo()
    store = MilvusStore.open(address)
    with store.writer() as writer:
        writer.add(pictures(range(2)))
    monkeypatch.setattr(creation, "_load", failing)
    with pytest.raises(IndexProblem, match="No"):  # there before: never dropped
        MilvusStore.create(address, MANIFEST)
    assert store.info()["pictures"] == 2
    store.close()


@pytest.mark.slow
def test_other_replicas_than_asked_for_are_told(run, folder: Path, there: str) -> None:
    assert run("index", folder, "--index", there).exit_code == 0
    two = f"{there}?replicas=2"
    for words in (("search", two, "a red ball"), ("info", two), ("check", two)):
        result = run(*words)
        assert result.exit_code == 0, result.stderr
        assert f"{there} is in memory once, not 2 times as ?replicas=2 asks" in result.stderr
        assert f"sightword compact '{two}'" in result.stderr
        assert "?replicas=2" not in result.stdout
    with pytest.warns(IndexWarning, match="once, not 2 times"):
        MilvusStore.open(parse_address(two)).close()
    # There is one query node. What cannot be done leaves all as it was.
    result = run("compact", two)
    assert result.exit_code == 3
    assert "cannot be loaded 2 times" in result.stderr and "sightword compact" not in result.stderr
    assert run("search", there, "a red ball").exit_code == 0


@pytest.mark.slow
def test_a_database_that_is_not_there(
    run, folder: Path, there: str, name: str, milvus_server: MilvusServer
) -> None:
    elsewhere = there.replace(f"/{name}", f"/team/{name}")
    assert run("index", folder).exit_code == 0
    for words in (
        ("info", elsewhere),
        ("search", elsewhere, "a red ball"),
        ("index", folder, "--index", elsewhere),
        ("index", "push", folder, elsewhere),
        ("serve", elsewhere, "--port", "0"),
    ):
        result = run(*words)
        assert result.exit_code == 3
        assert "has no database 'team'" in result.stderr
        assert "collection" not in result.stderr.lower()
        assert (
            f"There are: default. Sightword makes none; for the default one write {there}." in result.stderr
        )
    with asked(milvus_server) as client:
        client.create_database("team")
        result = run("info", elsewhere)
        assert result.exit_code == 3 and f"There is no collection {name}" in result.stderr
        assert run("index", "push", folder, elsewhere).exit_code == 0
        assert json.loads(run("info", elsewhere, "--json").stdout)["location"] == elsewhere
        with asked(milvus_server, "team") as inside:
            inside.drop_collection(name)
        client.drop_database("team")


@pytest.mark.slow
def test_an_empty_collection(run, there: str, tiny_backbone) -> None:
    from sightword.index.base import Manifest

    spec = tiny_backbone.spec
    MilvusStore.create(
        parse_address(there), Manifest(spec.name, spec.weights_hash, "product", spec.dim)
    ).close()
    result = run("search", there, "a red ball")
    assert result.exit_code == 5
    assert f"The index {there} is empty." in result.stderr
    assert f"sightword index FOLDER --index {there}, or sightword index push FOLDER {there}" in result.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("index", "milvus://db/x", "."), "Write: sightword index . --index milvus://db:19530/x"),
        (("index", "--json", "milvus://db/x"), "Write: sightword index FOLDER --index milvus://db:19530/x"),
        (("index", "milvus://db/x?replicas=2", "no such"), "--index 'milvus://db:19530/x?replicas=2'"),
        (("index", ".", "--index", "db:1/x"), "Write: --index milvus://db:1/x"),
        (("search", ".", "a dog", "--index", "http://db/x"), "Write: --index milvus://db/x"),
        (("info", "db:1/x"), "Write: milvus://db:1/x"),
        (("search", "db:1/x", "a dog"), "Write: sightword search milvus://db:1/x 'a dog'"),
        (("search", "db:1/x"), "Write: sightword search milvus://db:1/x TEXT"),
        (("serve", "db:1/x"), "Write: milvus://db:1/x"),
        (("search", "milvus://db/1x", "a dog"), "Write milvus://db/_1x, for instance."),
    ],
)
def test_words_in_the_wrong_place(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == 2, result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.output and not (tmp_path / "db:1").exists()
