"""Bulk work on a real Ray cluster: the local pipeline's answers, whoever dies on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from bulk_album import failures, fill, in_features, in_index, run
from pseudo_terminal import on_a_terminal
from ray_box import Box, box, until
from sightword.errors import SightwordError
from sightword.scale import ray_session
from sightword.scale.features import Features

# Looked for, not imported: this process needs no Ray of its own.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("ray") is None, reason="ray is an extra")]
LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Box]:
    with box() as made:
        yield made


def result(driver: subprocess.Popen[str]) -> dict[str, int]:
    out, err = driver.communicate(timeout=150)
    assert driver.returncode == 0, err
    # Ray itself may write lines there when workers die; the command guards against that.
    return json.loads(out.splitlines()[-1])  # type: ignore[no-any-return]


def slow_pictures(folder: Path, count: int) -> Path:
    """Pictures that take 0.3 s each, and one that kills whatever decodes it."""
    fill(folder, count)
    for path in sorted(folder.rglob("[01]*.png")):
        path.rename(path.with_name(f"slow{path.name}"))
    shutil.copyfile(next(folder.rglob("slow*.png")), folder / "kill.png")
    return folder


@LINUX
def test_everything_listens_on_the_loopback_interface_alone(cluster: Box) -> None:
    ours = {
        str(link.readlink())
        for pid in cluster.processes()
        for link in Path(f"/proc/{pid}/fd").glob("*")
        if link.is_symlink()
    }
    places = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in ours:
                places.append(fields[1].partition(":")[0])
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert places and set(places) <= loopback


@LINUX
def test_nothing_is_reported_home(cluster: Box) -> None:
    told = {
        pid: Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        for word in ("raylet", "dashboard.py")
        for pid in cluster.workers(word)
    }
    assert told and all(b"RAY_USAGE_STATS_ENABLED=0" in settings for settings in told.values())
    # Ray keeps this process for the statistics alone; it must show nothing either.
    titles = [title for _, title in cluster.processes().values() if "dashboard.py" in title]
    assert all("--disable-frontend" in title and "=UsageStatsHead" in title for title in titles)


def test_the_index_is_the_local_one(cluster: Box, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    folder = fill(tmp_path / "pictures", 60)
    options = ("--backbone", tiny_backbone_dir, "--engine", "ray", "--address", cluster.address)
    done = cluster.command("index", folder, *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "60 pictures in the index.\n"
    lines = done.stderr.splitlines()  # nothing of Ray's own, and no progress: this is no terminal
    assert len(lines) == 2 and lines[0].startswith("sightword: Pictures: 60 new in ")
    assert lines[1].startswith("sightword: 2 files could not be read")
    run(folder, None, tiny_backbone_dir, index=tmp_path / "local")
    assert in_index(folder) == in_index(folder, tmp_path / "local")


@LINUX
def test_a_killed_driver_and_killed_workers_lose_nothing(
    cluster: Box, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    folder, target = slow_pictures(tmp_path / "pictures", 80), tmp_path / "out.parquet"
    options = {"backbone": str(tiny_backbone_dir), "program": "faulty_worker", "average": 5}

    def finished() -> int:
        return len(list(target.glob("pictures/*.parquet")))

    driver = cluster.start(folder, target, pause=0.5, **options)
    until(lambda: finished() >= 2 or driver.poll() is not None, 120, "the first shard")
    assert driver.poll() is None, driver.communicate()
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    assert not Features.open(target).manifest.complete
    until(lambda: not cluster.workers("Encoder"), 60, "the end of the dead driver's workers")

    driver = cluster.start(folder, target, **options)
    until(
        lambda: (
            (cluster.workers("Encoder") and cluster.workers("Decoder")) or driver.poll() is not None
        ),
        120, "the start of the workers",
    )  # fmt: skip
    time.sleep(4)  # they are at work: 80 pictures take 24 seconds
    assert driver.poll() is None, driver.communicate()
    killed = [*cluster.workers("Encoder"), *cluster.workers("Decoder")]
    assert len(killed) >= 2
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    done = result(driver)
    assert done["already"] >= 2 and done["pictures"] == 80 and Features.open(target).manifest.complete

    run(folder, tmp_path / "local.parquet", tiny_backbone_dir, program="faulty_worker", average=5)
    assert in_features(target) == in_features(tmp_path / "local.parquet")
    assert failures(target) == failures(tmp_path / "local.parquet")
    assert set(failures(target)) == {b"broken.jpg", b"empty.png", b"kill.png"}
    names = [
        {path.name for path in where.glob("*/*.parquet")} for where in (target, tmp_path / "local.parquet")
    ]
    assert names[0] == names[1]


def test_pictures_inside_parquet(cluster: Box, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    import pyarrow
    import pyarrow.parquet as parquet

    files = sorted(fill(tmp_path / "pictures", 60).rglob("*.*"))
    table = tmp_path / "in.parquet"
    columns = {"image": [path.read_bytes() for path in files], "name": [path.name for path in files]}
    parquet.write_table(pyarrow.table(columns), table, row_group_size=7)
    options = ("--backbone", tiny_backbone_dir, "--engine", "ray", "--address", cluster.address, "--json")
    done = cluster.command("index", table, "--to", tmp_path / "out.parquet", *options)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["pictures"], facts["encoded"], facts["failed"]) == (60, 60, 2)
    run(table, tmp_path / "local.parquet", tiny_backbone_dir)
    assert in_features(tmp_path / "out.parquet") == in_features(tmp_path / "local.parquet")
    assert failures(tmp_path / "out.parquet") == failures(tmp_path / "local.parquet")


def test_progress_on_a_terminal(cluster: Box, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    folder = fill(tmp_path / "pictures", 300)
    options = ("--backbone", tiny_backbone_dir, "--engine", "ray", "--address", cluster.address)
    code, shown = on_a_terminal(cluster.env, "index", folder, *options)
    assert code == 0, shown
    for words in ("Joining the Ray cluster", "Ray: up to", "reading pictures", "/302", "300 pictures in the"):
        assert words in shown, (words, shown)


@LINUX
def test_standard_output_is_json_alone_whoever_dies(
    cluster: Box, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    folder = fill(tmp_path / "pictures", 300)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
    (tmp_path / "list.txt").write_text("\n".join([*names, "sub/missing.png"]))
    options = ("--to", folder, "--backbone", tiny_backbone_dir, "--engine", "ray", "--json")
    command = cluster.begin("index", tmp_path / "list.txt", *options, "--address", cluster.address)
    until(
        lambda: (
            (cluster.workers("Encoder") and cluster.workers("Decoder")) or command.poll() is not None
        ),
        120, "the start of the workers",
    )  # fmt: skip
    killed = [*cluster.workers("Encoder"), *cluster.workers("Decoder")]
    assert killed and command.poll() is None
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    out, err = command.communicate(timeout=150)
    assert command.returncode == 0, err
    facts = json.loads(out)
    assert (facts["pictures"], facts["added"], facts["not_looked_at"]) == (300, 300, 0)
    assert facts["failed"] == facts["not_readable"] == 3 and "3 files could not be read" in err
    reasons = failures(folder)
    assert set(reasons) == {b"broken.jpg", b"empty.png", b"sub/missing.png"}
    assert reasons[b"sub/missing.png"] == "The file cannot be read: No such file or directory."


def test_an_error_of_a_worker_is_a_sentence(cluster: Box, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    folder, away = fill(tmp_path / "pictures", 3), tmp_path / "away"
    shutil.copytree(tiny_backbone_dir, away)
    (away / "image.bin").write_bytes(b"\0" * (away / "image.bin").stat().st_size)
    driver = cluster.start(folder, None, backbone=str(away))
    (away / "image.xml").write_text("no graph")
    out, err = driver.communicate(timeout=150)
    assert driver.returncode == 1 and not out
    assert "\nModelUnavailable: " in f"\n{err}" and "cannot be compiled" in err and "Traceback" not in err


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        pytest.raises(SightwordError, match="No Ray cluster answers at") as told,
        ray_session.ray_session(f"127.0.0.1:{port}"),
    ):
        pass
    assert "ray start --head" in str(told.value)
    for address in ("nonsense", "ray://127.0.0.1:10001", "127.0.0.1:99999"):
        with (
            pytest.raises(SightwordError, match="is no address of a Ray cluster"),
            ray_session.ray_session(address),
        ):
            pass


def test_somebody_else_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_session, "_ANSWER_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=_greet, args=(other,), daemon=True).start()
        with pytest.raises(SightwordError, match="no answer that Ray would give"):
            ray_session._check_ray(f"127.0.0.1:{other.getsockname()[1]}")


def _greet(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].sendall(b"220 mail\r\n")
        except OSError:
            return
