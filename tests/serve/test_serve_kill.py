"""A server that is killed while it refreshes under load loses nothing that it had called finished."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gallery import COLOURS, make_gallery, paint

sys.path.insert(0, str(Path(__file__).parent))
from real import server

from sightword.client import Client, ServerError
from sightword.search import open as open_engine

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals")]


def searching(url: str, stop: threading.Event, counts: dict[str, int]) -> None:
    """Ask until told to stop; answers must be whole."""
    with Client(url) as client:
        while not stop.is_set():
            try:
                answer = client.search(text="red", k=5)
                assert answer.hits and answer.hits[0].rank == 1
                counts["answered"] += 1
            except ServerError:
                counts["failed"] += 1
                if stop.wait(0.02):
                    return


@pytest.mark.parametrize("delay", [0.05, 0.4, 1.0])
def test_kill_during_a_refresh(
    tiny_backbone: Any, tiny_backbone_dir: Path, tmp_path: Path, delay: float
) -> None:
    folder = make_gallery(tmp_path / "pictures")
    stop, counts = threading.Event(), {"answered": 0, "failed": 0}
    with server(tiny_backbone_dir, folder) as (url, process), Client(url) as client:
        threads = [threading.Thread(target=searching, args=(url, stop, counts)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(40):
            paint(folder / "first" / f"{number:03}.png", list(COLOURS)[number % 8], (40 + number, 41))
        finished = client.refresh("pictures", wait=60)
        assert finished.state == "finished" and finished.report is not None
        assert finished.report["added"] == 40 and counts["failed"] == 0
        for number in range(300):
            shutil.copyfile(folder / "red.png", folder / f"copy{number}.png")
            paint(folder / "second" / f"{number:03}.png", list(COLOURS)[number % 8], (41, 40 + number))
        running = client.refresh("pictures")
        assert running.state in ("queued", "running")
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        stop.set()
        for thread in threads:
            thread.join()
    assert counts["answered"] > 0
    with open_engine(folder, backbone=tiny_backbone) as engine:
        report = engine.store.check(repair=False)
        assert not [
            problem
            for problem in report.problems
            if problem not in report.repaired and "matrix" not in problem
        ]
        paths = set(engine.store.known())
        assert {b"first/%03d.png" % number for number in range(40)} <= paths
        assert engine.info()["pictures"] >= 48
        engine.update()  # and it goes on from there
        assert engine.info()["pictures"] == 648


def test_term_finishes_what_was_accepted(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    """Four requests of which the server has the head and half of the body when it is told to end."""
    folder = make_gallery(tmp_path / "pictures")
    body = json.dumps({"text": "red", "k": 8}).encode()
    with server(tiny_backbone_dir, folder) as (url, process):
        address = (urlsplit(url).hostname, urlsplit(url).port)
        head = (
            f"POST /v1/search HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nOrigin: {url.rstrip('/')}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        accepted = [socket.create_connection(address, 30) for _ in range(4)]
        for each in accepted:
            each.sendall(head.encode() + body[:5])
        with Client(url) as client:
            client.search(text="red")  # asked after them and answered: their heads were read
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while not refused(address):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for each in accepted:
            each.sendall(body[5:])
        for each in accepted:
            with each, each.makefile("rb") as answer:
                whole = answer.read()
            assert whole.startswith(b"HTTP/1.1 200 ")
            assert len(json.loads(whole.partition(b"\r\n\r\n")[2])["results"][0]["hits"]) == 8
        process.wait(40)
    assert process.returncode in (0, -signal.SIGTERM)


def refused(address: tuple[str | None, int | None]) -> bool:
    """Whether nobody listens there any more."""
    try:
        socket.create_connection(address, 5).close()
    except OSError:
        return True
    return False
