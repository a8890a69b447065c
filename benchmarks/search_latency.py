"""How long a person waits: cold `sightword search` of an indexed folder, and a warm query in process.

Makes a folder of small random JPEGs (the index does not care what they show), indexes it once,
then starts the command afresh several times and asks one engine many times. The operating system's file
cache is warm; the process is not.

    python benchmarks/search_latency.py --json benchmarks/results/search_latency.json
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _report import write_report
from PIL import Image

import sightword


def make_folder(folder: Path, count: int) -> Path:
    """`count` JPEGs of 64 px with random blobs, and a query picture that is not among them."""
    rng = np.random.default_rng(0)
    for number in range(count):
        sub = folder / f"{number // 500:03d}"
        sub.mkdir(parents=True, exist_ok=True)
        small = rng.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(sub / f"{number:05d}.jpg")
    query = folder.parent / "query.jpg"
    Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).resize((256, 256)).save(query)
    return query


def cold(folder: Path, query: Path, runs: int) -> list[float]:
    """Seconds of whole processes."""
    command = [sys.executable, "-m", "sightword", "search", str(folder), "as a line drawing"]
    command += ["--image", str(query), "--json"]
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return times


def warm(folder: Path, query: Path, runs: int) -> list[float]:
    """Seconds of queries in one process, picture decoded and encoded anew each time."""
    times = []
    with sightword.open(folder) as engine:
        for number in range(runs + 3):
            start = time.perf_counter()
            engine.search(images=[str(query)], text="as a line drawing")
            if number >= 3:
                times.append(time.perf_counter() - start)
    return times


def main() -> None:
    """Run and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        query = make_folder(folder, args.pictures)
        start = time.perf_counter()
        with sightword.open(folder) as engine:
            engine.update()
        indexing = time.perf_counter() - start
        cold_seconds = cold(folder, query, args.runs)
        warm_seconds = warm(folder, query, 50)
    write_report(
        args.json,
        name="search_latency",
        settings={"pictures": args.pictures, "runs": args.runs},
        results={
            "index_seconds": indexing,
            "cold_seconds_median": statistics.median(cold_seconds),
            "cold_seconds_max": max(cold_seconds),
            "warm_ms_median": 1000 * statistics.median(warm_seconds),
            "warm_ms_p95": 1000 * sorted(warm_seconds)[int(0.95 * len(warm_seconds))],
        },
        ratios={},
    )


if __name__ == "__main__":
    main()
