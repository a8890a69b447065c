"""An index moves to a real Milvus server and back, whoever is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from equal import assert_equal_indexes
from samples import DIM, MANIFEST, feature, picture, pictures, unit

from milvus_server import MilvusServer
from sightword.cli.door import cli
from sightword.index.base import Failure, Manifest
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.store import MilvusStore
from sightword.index.store import open_store

pytestmark = pytest.mark.slow

ROWS, AT_ONCE = 9000, 2000


@pytest.fixture
def collection(milvus_server: MilvusServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a collection that is not there yet, and is dropped afterwards."""
    name = "moved_" + "".join(sign if sign.isalnum() else "_" for sign in request.node.name)
    yield milvus_server.url(name)
    from pymilvus import MilvusClient

    client = MilvusClient(uri=f"http://127.0.0.1:{milvus_server.port}", dedicated=True)
    client.drop_collection(name)
    client.close()


def command(*words: object) -> list[str]:
    """``sightword index push`` or ``pull`` as a process."""
    return [sys.executable, "-m", "sightword", "index", *map(str, words), "--json"]


def run(*words: object) -> Result:
    """The same in this process, which has the client library already."""
    return CliRunner().invoke(cli, ["index", *map(str, words), "--json"])


def opened(address: str) -> MilvusStore:
    return MilvusStore.open(parse_address(address))


def indexed(folder: Path, rows: int = 40, manifest: Manifest = MANIFEST) -> Path:
    """A folder's index with live, vanished and unreadable files, and names of any bytes."""
    folder.mkdir()
    with open_store(folder, create=manifest) as store, store.writer() as writer:
        for start in range(0, rows, 1000):
            writer.add(pictures(range(start, min(rows, start + 1000))))
        writer.add([picture(5, b"\xff copy of 5.jpg"), picture(6, b'quo"te\\/\xe2\x80\xae{}.png')])
        writer.mark_gone([picture(3).path, picture(7).path])
        writer.fail(
            [Failure(b"cut \xfe off.jpg", 5, 6, 'It is "cut off".'), Failure(b"b.gif", 7, 8, "It is empty.")]
        )
    return folder


def document(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_there_and_back_is_the_same_bit_for_bit(collection: str, tmp_path: Path, dtype: str) -> None:
    manifest = replace(MANIFEST, dtype=dtype)  # type: ignore[arg-type]
    here, back = indexed(tmp_path / "here", 60, manifest), tmp_path / "back"
    first = document(run("push", here, collection))
    assert (first["sent"], first["not_readable"], first["pictures"], first["complete"]) == (62, 2, 60, True)
    again = document(run("push", here, collection))
    assert (again["sent"], again["unchanged"]) == (0, 64)
    document(run("pull", collection, back))
    with (
        open_store(here) as one,
        open_store(back, index=back) as other,
        closing(opened(collection)) as there,
    ):
        assert other.manifest == one.manifest == there.manifest
        assert_equal_indexes(one, there)
        assert_equal_indexes(one, other)
        assert other.check(repair=False).ok
        for seed in range(5):
            query = unit(feature(seed))
            found = [
                [(hit.score, hit.picture.path) for hit in each.scan(query, 12)]
                for each in (one, there, other)
            ]
            assert found[0] == found[1] == found[2]


def test_changes_travel_and_nothing_is_lost(collection: str, tmp_path: Path) -> None:
    here = indexed(tmp_path / "here")
    document(run("push", here, collection))
    with open_store(here) as store, store.writer() as writer:
        writer.add([picture(50), picture(51, path=picture(0).path)])
        writer.move([(picture(2).path, b"elsewhere.jpg", 15, 16)])
        writer.touch({picture(3).path: (13, 14)})
        writer.mark_gone([picture(8).path])
        writer.fail([Failure(picture(9).path, 17, 18, "No.")])
    dry = document(run("push", here, collection, "--dry-run"))
    told = document(run("push", here, collection))
    counts = {"sent": 3, "updated": 1, "hidden": 2, "not_readable": 1}
    assert {name: told[name] for name in counts} == {name: dry[name] for name in counts} == counts
    assert document(run("push", here, collection))["unchanged"] == told["unchanged"] + 6
    with open_store(here) as store:
        store.compact()
    with closing(opened(collection)) as there:
        known = there.known()
        assert known[picture(2).path].status == known[picture(8).path].status == "gone"
        query = unit(picture(50).feature)
        assert there.scan(query, 1)[0].picture.path == picture(50).path


def test_a_killed_push_goes_on(collection: str, tmp_path: Path) -> None:
    here = indexed(tmp_path / "here", ROWS)
    environ = {**os.environ, "SIGHTWORD_FAILPOINT": "transfer.after_batch:2"}
    died = subprocess.run(command("push", here, collection), env=environ, timeout=200, check=False)
    assert died.returncode == -signal.SIGKILL
    told = document(run("push", here, collection))
    assert told["sent"] == ROWS + 2 - 2 * AT_ONCE
    with open_store(here) as one, closing(opened(collection)) as there:
        assert_equal_indexes(one, there)


@pytest.fixture
def own_server(milvus_server: MilvusServer, tmp_path: Path) -> Iterator[MilvusServer]:
    """One that may be killed; asking for the shared one skips where there can be none."""
    server = MilvusServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()


def test_a_killed_server_loses_nothing(own_server: MilvusServer, tmp_path: Path) -> None:
    collection = own_server.url("moved")
    here = indexed(tmp_path / "here", ROWS)
    environ = {
        **os.environ,
        "SIGHTWORD_FAILPOINT": "transfer.after_batch=sleep:1",
        "SIGHTWORD_MILVUS_TIMEOUT": "5",
    }
    with subprocess.Popen(
        command("push", here, collection),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        _await_rows(collection, 2 * AT_ONCE)
        acknowledged = _rows(collection)
        own_server.kill()
        time.sleep(1)
        own_server.start()
        output, errors = process.communicate(timeout=240)
    with closing(opened(collection)) as there:
        assert len(there.known()) >= acknowledged >= 2 * AT_ONCE
    if process.returncode != 0:  # the server was away for longer than a push waits: it is told how to go on
        assert "goes on from there" in errors and "Traceback" not in errors
    else:
        assert json.loads(output)["complete"]
    told = document(run("push", here, collection))
    assert told["pictures"] == ROWS
    assert process.returncode != 0 or told["unchanged"] == ROWS + 4
    with open_store(here) as one, closing(opened(collection)) as there:
        assert_equal_indexes(one, there)


def _await_rows(collection: str, least: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if _rows(collection) >= least:
                return
        except Exception:  # not made yet
            pass
        time.sleep(0.3)
    raise AssertionError("the push does not get on")


def _rows(collection: str) -> int:
    with closing(opened(collection)) as there:
        return len(there.known())


def test_another_backbone_is_refused(collection: str, tmp_path: Path) -> None:
    document(run("push", indexed(tmp_path / "one", 10), collection))
    other = indexed(tmp_path / "other", 10, Manifest("else", "1" * 64, "product", DIM))
    refused = run("push", other, collection)
    assert refused.exit_code == 3 and "backbone tiny" in refused.stderr
    back = run("pull", collection, other)
    assert back.exit_code == 3 and "Traceback" not in back.stderr
    with open_store(other) as store:
        assert store.manifest.backbone == "else" and store.info()["pictures"] == 10


def test_the_collection_knows_where_its_pictures_are(collection: str, tmp_path: Path) -> None:
    here = indexed(tmp_path / "here", 12)
    template = "https://pictures.example.org/{path}"
    document(run("push", here, collection, "--pictures", "HTTPS://Pictures.example.org:443/{path}"))
    with closing(opened(collection)) as there:
        assert there.pictures == template
    document(run("push", here, collection))  # without the option it stays
    with closing(opened(collection)) as there:
        assert there.pictures == template
        there.set_pictures(None)
        assert there.pictures is None
