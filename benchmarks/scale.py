"""What a picture and a query cost at 10k, 100k, 1M and 3M pictures: bytes, seconds, memory.

Fills one index with random unit vectors, size after size, and asks it in fresh processes: once with its
files asked out of the page cache (the share that was still there is told), then warm. One query is the scan
for 50 hits and the folder's background, as a search does.

    python benchmarks/scale.py --json benchmarks/results/scale.json
    python benchmarks/scale.py --rows 3000000 --directory /tmp/scale --json benchmarks/results/scale_3m.json
    python benchmarks/scale.py --index milvus://127.0.0.1:19530/scale --rows 10000,100000 --json FILE
    python benchmarks/scale.py --own-milvus flat --rows 10000,100000 --json FILE

The last two ask a Milvus server the same queries (extra ``milvus``): one that runs, or the standalone server
of the package ``milvus``, started for the occasion; of that one the memory is told, too.
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
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from _cache import drop, resident
from _milvus import own_server, resident_mb
from _report import write_report
from _rows import anonymous_mb, fill, query
from _threads import one_thread

from sightword.index.location import locate
from sightword.index.opening import open_index
from sightword.index.store import open_store
from sightword.index.where import Compare

K = 50


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came back."""
    start = time.perf_counter()
    made = work()
    return 1000 * (time.perf_counter() - start), made


def times_of(store: Any, dim: int, runs: int) -> dict[str, float]:
    """Queries of any store, after the first: all rows, and a filter that one in a hundred passes."""

    def whole(number: int) -> None:
        store.scan(query(number, dim), K)
        store.background(query(number, dim))

    few = Compare("width", "<", 140.0)
    whole(0)
    times = [timed(lambda n=n: whole(n))[0] for n in range(100, 100 + runs)]
    scans = [timed(lambda n=n: store.scan(query(n, dim), K))[0] for n in range(500, 500 + runs)]
    first = timed(lambda: store.scan(query(900, dim), K, where=few))[0]
    filtered = [timed(lambda n=n: store.scan(query(n, dim), K, where=few))[0] for n in range(901, 901 + runs)]
    return {
        "query_ms_median": statistics.median(times),
        "query_ms_max": max(times),
        "scan_ms_median": statistics.median(scans),
        "filter_1_percent_first_ms": first,
        "filter_1_percent_ms_median": statistics.median(filtered),
    }


def open_and_ask(folder: Path, dim: int) -> tuple[dict[str, float], Any]:
    """Milliseconds of opening, and of the first query."""
    opening, store = timed(lambda: open_store(folder, readonly=True))
    first = timed(lambda: (store.scan(query(1, dim), K), store.background(query(1, dim))))[0]
    return {"open_ms": opening, "first_query_ms": first}, store


def ask(folder: Path, dim: int, runs: int, cold: bool) -> dict[str, float]:
    """What a fresh process measures."""
    before = anonymous_mb()
    told, store = open_and_ask(folder, dim)
    if not cold:
        told |= times_of(store, dim, runs)
        told["anonymous_mb"] = anonymous_mb()
        told["anonymous_mb_of_the_index"] = told["anonymous_mb"] - before
        told["known_seconds"] = timed(store.known)[0] / 1000
    store.close()
    return told


def in_a_process(folder: Path, dim: int, runs: int, *more: str) -> dict[str, float]:
    """`ask`, in a process of its own."""
    command = [sys.executable, __file__, "--ask", str(folder), "--dim", str(dim), "--runs", str(runs), *more]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def files_of(folder: Path) -> tuple[list[Path], list[Path]]:
    """Database files, and matrix files."""
    directory = locate(folder).directory
    matrices = sorted(directory.glob("matrix-*"))
    return sorted(path for path in directory.glob("index.db*")), matrices


def local(folder: Path, rows: int, dim: int, runs: int, rounds: int) -> dict[str, Any]:
    """Everything about one size of an index on this disk."""
    folder.mkdir(parents=True, exist_ok=True)
    filled = fill(folder, rows, dim, "float32")
    with open_store(folder) as store, store.writer():
        pass  # the next writer removes the generation before
    database, matrices = files_of(folder)
    sizes = [sum(path.stat().st_size for path in paths) for paths in (database, matrices)]
    colds, left = [], []
    for _ in range(rounds):
        drop([*database, *matrices])
        left.append(resident([*database, *matrices]))
        colds.append(in_a_process(folder, dim, runs, "--cold"))
    in_a_process(folder, dim, runs, "--cold")  # brings everything back
    warm = in_a_process(folder, dim, runs)
    return {
        "rows": rows,
        "database_bytes_per_picture": sizes[0] / rows,
        "matrix_bytes_per_picture": sizes[1] / rows,
        "cold_open_ms": statistics.median(cold["open_ms"] for cold in colds),
        "cold_first_query_ms": statistics.median(cold["first_query_ms"] for cold in colds),
        "resident_when_cold": max(left),
        **{f"warm_{key}" if key in colds[0] else key: value for key, value in warm.items()},
        **filled,
    }


def clustered(url: str, rows: int, dim: int, runs: int, server: int | None) -> dict[str, Any]:
    """The same queries to a server, over the same interface."""
    filled = fill(Path(), rows, dim, "float32", index=url)
    opening, store = timed(lambda: open_index(Path(), index=url, readonly=True))
    first = timed(lambda: (store.scan(query(1, dim), K), store.background(query(1, dim))))[0]
    told = {"rows": rows, "warm_open_ms": opening, "warm_first_query_ms": first, **times_of(store, dim, runs)}
    told["known_seconds"] = timed(store.known)[0] / 1000
    told["anonymous_mb"] = anonymous_mb()
    if server is not None:
        told["server_mb"] = resident_mb(server)
    store.close()
    return {**told, **filled}


def main() -> None:
    """Run and write the report."""
    one_thread()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="10000,100000,1000000", help="sizes, separated by commas")
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3, help="cold starts")
    parser.add_argument("--directory", type=Path, help="keep the index here, and let it grow")
    parser.add_argument("--index", help="milvus://HOST:PORT/COLLECTION instead of this disk")
    parser.add_argument("--own-milvus", metavar="INDEX", help="start a server, with flat, hnsw or ivf_flat")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cold", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ask is not None:
        print(json.dumps(ask(args.ask, args.dim, args.runs, args.cold)))
        return
    results = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = args.directory or Path(scratch)
        url, server = args.index, None
        if args.own_milvus:
            url, server = stack.enter_context(own_server(Path(scratch), args.own_milvus))
        for rows in sorted(int(size) for size in args.rows.split(",")):
            start = time.perf_counter()
            if url:
                results[str(rows)] = clustered(url, rows, args.dim, args.runs, server)
            else:
                results[str(rows)] = local(folder, rows, args.dim, args.runs, args.rounds)
            print(f"{rows:,} rows: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    index = args.index or (f"own server, {args.own_milvus}" if args.own_milvus else None)
    settings = {"dim": args.dim, "k": K, "runs": args.runs, "cold_starts": args.rounds, "index": index}
    write_report(args.json, name="scale", settings=settings, results=results, ratios={})


if __name__ == "__main__":
    main()
