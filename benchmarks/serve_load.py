"""The HTTP service under load: composed queries from 1, 8, 32 and 64 clients, batched against unbatched.

Two servers of the same folder and threads run in turns, one with dynamic batching and one that encodes every
request by itself (`--no-batching`); while one is asked the other idles. Every second query uploads a picture
that the index does not know, the others name an indexed one; all have words. Clients are threads of this
process: they share the machine with the server. Then one batched server is asked for five minutes more and
its memory is watched.

    python benchmarks/serve_load.py --json benchmarks/results/serve_load.json
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _report import write_report
from PIL import Image

import sightword
from sightword.client import Client, ServerError

TEXTS = (
    "as a line drawing",
    "at night",
    "in winter with two people",
    "as a painting of a boat",
    "the same but blue",
    "with a dog on the beach",
    "from far away",
    "as a child's toy on a wooden table",
)
QUERIES = 64


@dataclass
class Load:
    """What happened in one block of load."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    wall: float = 0.0

    def add(self, other: Load) -> None:
        self.seconds += other.seconds
        self.refused += other.refused
        self.failed += other.failed
        self.wall += other.wall

    def figures(self) -> dict[str, Any]:
        p50, p95, p99 = np.percentile(self.seconds, [50, 95, 99]) if self.seconds else (0, 0, 0)
        return {
            "answered": len(self.seconds),
            "per_second": round(len(self.seconds) / self.wall, 2),
            "p50_ms": round(1e3 * p50, 1),
            "p95_ms": round(1e3 * p95, 1),
            "p99_ms": round(1e3 * p99, 1),
            "slowest_ms": round(1e3 * max(self.seconds, default=0), 1),
            "refused_429": self.refused,
            "failed": dict(self.failed),
        }


def make_pictures(root: Path, count: int) -> tuple[Path, list[bytes]]:
    """A folder of small JPEGs, and query pictures of half a megapixel that are not in it."""
    rng = np.random.default_rng(0)
    folder = root / "pictures"
    folder.mkdir()
    for number in range(count):
        small = rng.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC).save(folder / f"{number:05d}.jpg")
    queries = []
    for number in range(QUERIES):
        path = root / f"query{number}.jpg"
        large = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(large).resize((816, 612), Image.Resampling.BICUBIC).save(path, quality=90)
        queries.append(path.read_bytes())
    return folder, queries


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Address and process id of a server that is ready."""
    command = [sys.executable, "-m", "sightword", "serve", str(folder), "--port", "0", "--no-update"]
    with subprocess.Popen(
        [*command, "--rate", "1000000", *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            with Client(url) as client:
                while True:
                    try:
                        client._ask("GET", "/readyz")
                        break
                    except ServerError:
                        time.sleep(0.1)
            yield url, process.pid
        finally:
            process.terminate()


def load(url: str, clients: int, seconds: float, queries: list[bytes], pictures: int) -> Load:
    """Ask from several threads, each one question after the other."""
    total, lock = Load(), threading.Lock()
    start = threading.Barrier(clients + 1)
    end = [0.0]

    def ask(number: int) -> None:
        mine, turn = Load(), number
        with Client(url) as client:
            start.wait()
            while time.perf_counter() < end[0]:
                began = time.perf_counter()
                picture: Any = queries[turn % QUERIES] if turn % 2 else f"pictures.{1 + turn % pictures}"
                try:
                    client.search([picture], TEXTS[turn % len(TEXTS)], k=10)
                    mine.seconds.append(time.perf_counter() - began)
                except ServerError as error:
                    if error.status == 429:
                        mine.refused += 1
                    else:
                        mine.failed[str(error.status)] += 1
                turn += 1
        with lock:
            total.add(mine)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    end[0] = began + seconds
    start.wait()
    for thread in threads:
        thread.join()
    total.wall = time.perf_counter() - began
    return total


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its decoding workers."""
    total = 0.0
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread may end meanwhile
            pids += [int(child) for child in (task / "children").read_text().split()]
    for each in pids:
        try:
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
        except FileNotFoundError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0) / 1024
    return total


def soak(
    url: str, pid: int, clients: int, seconds: float, queries: list[bytes], pictures: int
) -> dict[str, Any]:
    """Memory under steady load: medians of the second and of the last fifth of the time."""
    samples: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(max(0.2, seconds / 300)):
            samples.append(memory_mb(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    asked = load(url, clients, seconds, queries, pictures)
    done.set()
    watcher.join()
    fifth = max(1, len(samples) // 5)
    early, late = float(np.median(samples[fifth : 2 * fifth])), float(np.median(samples[-fifth:]))
    return {
        "clients": clients,
        "seconds": seconds,
        "early_mb": round(early, 1),
        "late_mb": round(late, 1),
    } | asked.figures()


def main() -> None:
    """Run and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each block")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=float, default=300.0, help="seconds")
    args = parser.parse_args()
    kinds = {"batched": (), "unbatched": ("--no-batching",)}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder, queries = make_pictures(Path(scratch), args.pictures)
        with sightword.open(folder) as engine:
            engine.update()
        servers = {kind: stack.enter_context(server(folder, *options)) for kind, options in kinds.items()}
        for url, _ in servers.values():
            load(url, max(args.clients), min(5.0, args.seconds), queries, args.pictures)  # not counted
        totals = {kind: {clients: Load() for clients in args.clients} for kind in kinds}
        rounds: dict[int, list[float]] = {clients: [] for clients in args.clients}
        for turn in range(args.rounds):
            for clients in args.clients:
                speed = {}
                for kind in list(kinds)[:: 1 if turn % 2 == 0 else -1]:
                    url, _ = servers[kind]
                    block = load(url, clients, args.seconds, queries, args.pictures)
                    speed[kind] = len(block.seconds) / block.wall
                    totals[kind][clients].add(block)
                rounds[clients].append(speed["batched"] / max(speed["unbatched"], 1e-9))
        results: dict[str, Any] = {
            kind: {str(clients): each.figures() for clients, each in loads.items()}
            for kind, loads in totals.items()
        }
        results["throughput_batched_over_unbatched_by_round"] = {
            str(clients): [round(each, 4) for each in sorted(ratios)] for clients, ratios in rounds.items()
        }
        url, pid = servers["batched"]
        results["soak"] = soak(url, pid, min(32, max(args.clients)), args.soak, queries, args.pictures)
    batched, unbatched = results["batched"], results["unbatched"]
    ratios = {"memory_late_over_early": results["soak"]["late_mb"] / results["soak"]["early_mb"]}
    for clients in map(str, args.clients):
        by_round = results["throughput_batched_over_unbatched_by_round"][clients]
        ratios[f"throughput_batched_over_unbatched_{clients}_median_of_rounds"] = float(np.median(by_round))
        ratios[f"throughput_batched_over_unbatched_{clients}"] = batched[clients]["per_second"] / max(
            unbatched[clients]["per_second"], 1e-9
        )
        ratios[f"p99_batched_over_unbatched_{clients}"] = batched[clients]["p99_ms"] / max(
            unbatched[clients]["p99_ms"], 1e-9
        )
    settings = {
        "pictures": args.pictures,
        "seconds": args.seconds,
        "rounds": args.rounds,
        "query_pixels": "816 x 612",
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
    }
    write_report(args.json, name="serve_load", settings=settings, results=results, ratios=ratios)


if __name__ == "__main__":
    main()
