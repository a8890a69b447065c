"""`sightword.client` and `search --server`, against a server of its own process; and `serve` itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gallery import make_gallery, paint

sys.path.insert(0, str(Path(__file__).parent))
from real import server

from sightword.cli.door import cli
from sightword.client import Client, ServerError
from sightword.errors import PictureError, UsageError


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module")
def url(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("client")
    make_gallery(root / "pictures")
    make_gallery(root / "other", ["red", "blue"])
    with server(tiny_backbone_dir, root / "pictures", root / "other") as (address, _):
        yield address


@pytest.mark.slow
class TestAgainstAServer:
    def test_the_client(self, url: str, tmp_path: Path) -> None:
        picture = paint(tmp_path / "x.png", "red", (60, 50))
        with Client(url) as client:
            assert {item.id: item.pictures for item in client.indexes()} == {"pictures": 8, "other": 2}
            assert "average" in client.methods()
            answer = client.search(picture, "blue", without=["green", picture], k=3, explain=True)
            assert len(answer.hits) == 3 and answer.method == "average" and answer.explanation
            assert client.search(picture.read_bytes()).hits[0].path == "red.png"
            red = client.search(text="red", k=1).hits[0]
            assert client.search([red.id], text="red").hits[0].id != red.id
            assert client.image(red.id).startswith(b"\x89PNG") and client.thumbnail(red.id).startswith(
                b"\xff\xd8"
            )
            assert len(client.embed(["red"], [picture, red.id])) == 3
            assert client.refresh("other", wait=30).state == "finished"
            with pytest.raises(ServerError, match="no picture") as refused:
                client.search("pictures.999")
            assert refused.value.status == 404
            with pytest.raises(PictureError):
                client.search(tmp_path / "nowhere.png")

    def test_search_there(self, url: str, tmp_path: Path) -> None:
        picture = paint(tmp_path / "x.png", "red", (60, 50))
        done = run("search", "--server", url, "blue", "-i", picture, "-k", "2", "--json")
        assert done.exit_code == 0, done.output
        document = json.loads(done.stdout)
        assert (document["index"], document["method"], len(document["hits"])) == ("pictures", "average", 2)
        assert run("search", "--server", url, "other", "blue", "--paths").stdout.splitlines()[0] == "blue.png"
        assert "blue.png" in run("search", "--server", url, "blue", "-k", "1").stdout
        assert run("search", "--server", url, "blue", "--min-score", "9z").exit_code == 5
        assert run("search", "--server", url, "blue", "--index", "x").exit_code == 2

    def test_exit_codes_are_those_of_a_local_search(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
        cases: list[tuple[list[object], str]] = [
            (["blue", "--where", "width >"], "filter"),
            (["blue", "--method", "nosuch"], "There is no method nosuch"),
            (["blue", "-i", tmp_path / "cut.png"], "cut.png: "),
            (["nowhere", "blue"], "There is no index nowhere"),
            ([], "nothing to look for"),
        ]
        for (words, said), code in zip(cases, (2, 4, 1, 2, 2)):
            done = run("search", "--server", url, *words)
            assert done.exit_code == code, (words, done.output)
            assert said in done.stderr

    def test_an_explanation_is_as_long_as_a_local_one(
        self, url: str, tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picture = paint(tmp_path / "x.png", "red", (60, 50))
        folder = make_gallery(tmp_path / "pictures")
        words = ["blue", "-i", picture, "-k", "3", "--explain", "--method", "average"]
        there = run("search", "--server", url, *words)
        here = run("search", folder, *words, "--backbone", tiny_backbone_dir)
        assert there.exit_code == here.exit_code == 0, there.output + here.output
        told = [done.stdout.split("\n\n", 1)[1].splitlines() for done in (there, here)]
        assert [line.split(":")[0] for line in told[0]] == [line.split(":")[0] for line in told[1]]
        assert any(line.startswith("picture: cosine") for line in told[0])
        monkeypatch.setenv("SIGHTWORD_BACKBONE", str(tiny_backbone_dir))
        documents = [
            json.loads(run("search", *where, *words, "--json").stdout)
            for where in (["--server", url], [folder])
        ]
        assert documents[0]["explain"].keys() == documents[1]["explain"].keys()
        assert documents[0]["query"] == documents[1]["query"]

    def test_from_the_environment(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIGHTWORD_SERVER", url)
        assert run("search", "blue", "-k", "1", "--paths").stdout == "deep/blue.png\n"


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Client(url) as client, pytest.raises(ServerError, match="No server answers"):
            client.search(text="x")
        done = run("search", "--server", url, "x")
    assert done.exit_code == 1 or isinstance(done.exception, ServerError)
    for wrong in ("ftp://x", "http://", "http://x:port"):
        with pytest.raises(UsageError):
            Client(wrong)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "0.0.0.0"], "there is no key"),
        (["--api-key", "short"], "shorter"),
        (["--host", "no.such.host.invalid"], "no address"),
        (["--method", "nonsense"], "nonsense"),
    ],
)
def test_serve_refuses(options: list[str], told: str, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    if "no.such" in str(options):
        options = [*options, "--insecure"]
    done = run("serve", tmp_path, "--backbone", tiny_backbone_dir, "--port", "0", *options)
    assert done.exit_code != 0
    assert told in str(done.exception) + done.output


def test_a_port_that_is_taken(tmp_path: Path, tiny_backbone_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", tmp_path, "--backbone", tiny_backbone_dir, "--port", taken.getsockname()[1])
    assert "cannot be used" in str(done.exception) + done.output


def test_help_loads_no_server() -> None:
    code = (
        "import sys, runpy; sys.argv[1:] = ['serve', '--help']\n"
        "try: runpy.run_module('sightword', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "bad = {'fastapi', 'uvicorn', 'pydantic', 'starlette', 'prometheus_client'} & set(sys.modules)\n"
        "sys.exit(f'loaded {bad}' if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--api-key" in done.stdout


def test_config_show_keeps_the_key_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTWORD_API_KEY", "a very secret key")
    shown = run("config", "show")
    assert "secret" not in shown.output and "(hidden)" in shown.output
