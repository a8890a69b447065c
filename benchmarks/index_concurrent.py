"""Queries while another process writes: none may take longer than twice the quiet time.

Fills an index, measures queries (scan and background) in peace, then starts a process that adds rows in
batches and rewrites the matrix file at the end of its job, and measures until that job is done. On a shared
machine the hypervisor now and then gives a core to somebody else, in peace as well: ``stolen_ms`` says how
much while a query ran (all cores together, in steps of 10 ms), and the slowest query is given with such and
without. With ``--elsewhere`` the other process writes an index of its own, as large: what sharing a processor
and memory costs, whatever is written.

    python benchmarks/index_concurrent.py --rows 1000000 --json benchmarks/results/index_concurrent.json
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _report import write_report
from _rows import fill, query

from sightword.index.store import LocalStore, open_store


def timed(store: LocalStore, number: int, dim: int) -> tuple[float, float, int]:
    """Milliseconds of one query, on the clock and of the processor; page faults."""
    vector, faults = query(number, dim), page_faults()
    start, worked = time.perf_counter(), time.thread_time()
    store.scan(vector, 50)
    store.background(vector)
    took, cpu = 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - worked)
    return took, cpu, page_faults() - faults


def stolen() -> float:
    """Milliseconds that the hypervisor kept from all cores so far."""
    first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return 1000 * int(first[8]) / os.sysconf("SC_CLK_TCK")


def page_faults() -> int:
    """Of this thread so far."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument(
        "--add", type=int, help="rows that the other process adds (default: 12 %% of the rows)"
    )
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between queries")
    parser.add_argument("--quiet", type=int, default=60, help="queries in peace")
    parser.add_argument("--directory", type=Path, help="keep the index here, and use it when it is there")
    parser.add_argument("--elsewhere", action="store_true", help="the other process writes another index")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write is not None:
        fill(args.write, args.rows, args.dim, "float32", args.batch)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.directory or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        fill(folder, args.rows, args.dim, "float32", 1000)
        written = folder
        if args.elsewhere:
            written = Path(scratch) / "elsewhere"
            written.mkdir()
            fill(written, args.rows, args.dim, "float32", 1000)
        os.sync()  # or the disk is still at work when the queries begin
        more = args.add if args.add is not None else max(args.batch, args.rows * 12 // 100)
        with open_store(folder, readonly=True) as store:
            before = int(store.info()["pictures"])
            for number in range(5):
                timed(store, number, args.dim)
            quiet, quiet_cpu, _ = zip(*(timed(store, 100 + number, args.dim) for number in range(args.quiet)))
            command = [sys.executable, __file__, "--write", str(written), "--rows"]
            command.append(str((args.rows if args.elsewhere else before) + more))
            command += ["--dim", str(args.dim), "--batch", str(args.batch)]
            sizes, both = set(), []
            born: dict[int, float] = {}  # when each generation was first asked
            moments: list[dict[str, float]] = []
            start = time.perf_counter()
            with subprocess.Popen(command, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}) as process:
                while process.poll() is None:
                    at, before_it = time.perf_counter(), stolen()
                    took, cpu, faults = timed(store, 1000 + len(both), args.dim)
                    kept = stolen() - before_it
                    both.append((took, cpu))
                    with store.current() as moment:
                        sizes.add(len(moment.view))
                        age = at - born.setdefault(moment.view.generation, at)
                    moments.append(
                        {"ms": round(took, 1), "cpu_ms": round(cpu, 1), "page_faults": faults,
                         "stolen_ms": round(kept), "seconds_after_start": round(at - start, 1),
                         "age_of_generation_s": round(age, 1)}
                    )  # fmt: skip
                    time.sleep(args.pause)
                if process.returncode:
                    sys.exit("the writing process failed")
            seconds = time.perf_counter() - start
            after = [timed(store, 5000 + number, args.dim)[0] for number in range(10)]
            seen = int(store.info()["pictures"])
    busy, busy_cpu = zip(*both)
    ordered = sorted(busy)
    whole = max((each["ms"] for each in moments if not each["stolen_ms"]), default=float("nan"))
    write_report(
        args.json,
        name="index_concurrent",
        settings={
            "rows": before,
            "added": more,
            "batch": args.batch,
            "dim": args.dim,
            "pause": args.pause,
            "written": "another index" if args.elsewhere else "the index that is asked",
        },
        results={
            "quiet_ms_median": statistics.median(quiet),
            "quiet_ms_max": max(quiet),
            "busy_queries": len(busy),
            "busy_ms_median": statistics.median(busy),
            "busy_ms_p99": ordered[int(0.99 * (len(ordered) - 1))],
            "busy_ms_max": ordered[-1],
            "busy_queries_with_stolen_time": sum(bool(each["stolen_ms"]) for each in moments),
            "busy_ms_max_without_stolen_time": whole,
            "after_ms_max": max(after),
            "quiet_cpu_ms_median": statistics.median(quiet_cpu),
            "busy_cpu_ms_median": statistics.median(busy_cpu),
            "busy_cpu_ms_max": max(busy_cpu),
            "states_seen": len(sizes),
            "generations_seen": len(born),
            "pictures_seen_at_the_end": seen,
            "writing_seconds": seconds,
            "slowest": sorted(moments, key=lambda each: -each["ms"])[:12],
        },
        ratios={
            "slowest busy / median quiet": ordered[-1] / statistics.median(quiet),
            "slowest busy without stolen time / median quiet": whole / statistics.median(quiet),
            "slowest busy / slowest quiet": ordered[-1] / max(quiet),
            "median busy / median quiet": statistics.median(busy) / statistics.median(quiet),
            "slowest busy / median quiet, processor time": max(busy_cpu) / statistics.median(quiet_cpu),
        },
    )


if __name__ == "__main__":
    main()
