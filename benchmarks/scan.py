"""Exact search over many rows: time of a query, of a filtered one, and the memory it takes.

Fills an index with random unit vectors (or uses the one in ``--directory``) and asks it in a fresh process.
The ratio sets a whole query (scan, rescore, rows, background) against one bare pass over the same matrix.

    python benchmarks/scan.py --rows 1000000 --dim 384 --json benchmarks/results/scan.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import write_report
from _rows import anonymous_mb, fill, query

from sightword.index.scan import score_rows
from sightword.index.store import open_store
from sightword.index.where import Compare


def milliseconds(runs: int, ask: Callable[[int], Any]) -> list[float]:
    """Times of several calls."""
    times = []
    for number in range(runs):
        start = time.perf_counter()
        ask(number)
        times.append(1000 * (time.perf_counter() - start))
    return times


def ask(folder: Path, runs: int) -> dict[str, float]:
    """Everything that is measured in the fresh process."""
    before = anonymous_mb()
    start = time.perf_counter()
    with open_store(folder, readonly=True) as store:
        dim = store.manifest.dim
        store.scan(query(0, dim), 50)
        first = 1000 * (time.perf_counter() - start)

        def both(number: int) -> None:
            store.scan(query(number, dim), 50)
            store.background(query(number, dim))

        with store.current() as moment:
            view = moment.view
            assert view.matrix is not None
            matrix, out = view.matrix.rows, np.empty(len(view.matrix.rows), np.float32)
            bare = milliseconds(runs, lambda n: score_rows(matrix, query(n, dim), out))
        scans = milliseconds(runs, lambda n: store.scan(query(1000 + n, dim), 50))
        whole = milliseconds(runs, lambda n: both(2000 + n))
        few = Compare("width", "<", 140.0)
        half = Compare("width", "<", 2100.0)
        first_filtered = milliseconds(1, lambda n: store.scan(query(3000, dim), 50, where=few))
        filtered = milliseconds(runs, lambda n: store.scan(query(3001 + n, dim), 50, where=few))
        first_half = milliseconds(1, lambda n: store.scan(query(4000, dim), 50, where=half))
        halves = milliseconds(runs, lambda n: store.scan(query(4001 + n, dim), 50, where=half))
        memory = anonymous_mb()
        known = milliseconds(1, lambda n: store.known())
        return {
            "rows": len(view),
            "tail": view.tail,
            "open_and_first_scan_ms": first,
            "bare_pass_ms_median": statistics.median(bare),
            "scan_ms_median": statistics.median(scans),
            "scan_ms_max": max(scans),
            "scan_and_background_ms_median": statistics.median(whole),
            "scan_and_background_ms_max": max(whole),
            "filter_1_percent_first_ms": first_filtered[0],
            "filter_1_percent_ms_median": statistics.median(filtered),
            "filter_50_percent_first_ms": first_half[0],
            "filter_50_percent_ms_median": statistics.median(halves),
            "known_ms": known[0],
            "anonymous_mb": memory,
            "anonymous_mb_of_the_index": memory - before,
            "matrix_mb": matrix.nbytes / 1e6,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--directory", type=Path, help="keep the index here, and use it when it is there")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ask is not None:
        print(json.dumps(ask(args.ask, args.runs)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.directory or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        filled = fill(folder, args.rows, args.dim, args.dtype)
        command = [sys.executable, __file__, "--ask", str(folder), "--runs", str(args.runs)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        asked = json.loads(done.stdout)
    write_report(
        args.json,
        name="scan",
        settings={"rows": args.rows, "dim": args.dim, "dtype": args.dtype, "runs": args.runs, "k": 50},
        results={**asked, **filled},
        ratios={
            "scan_and_background / bare_pass": asked["scan_and_background_ms_median"]
            / asked["bare_pass_ms_median"],
            "scan / bare_pass": asked["scan_ms_median"] / asked["bare_pass_ms_median"],
        },
    )


if __name__ == "__main__":
    main()
