"""What shorter vectors and approximate engines lose on composed queries, against the exact scan.

A composed query lies between the pictures and the words of the joint space, or on the words' side: its
nearest pictures are far away and nearly equally far. Engines are usually tuned on pictures that look for
pictures. Here the same questions of StyleShift are put in several ways (KINDS), to real features:

    SIGHTWORD_CACHE=DIR python benchmarks/quantisation.py --styleshift DIR --views DIR/views --json FILE
    ... --rows 1000000 --engines fp32,fp16,bf16,int8,int8-both,pq96,pq48       (real rows and moved copies)
    ... --rows 1000000 --engines ivf [--cells 4096]        ... --engines hnsw --build-threads 2

``--styleshift`` is what ``sightword data styleshift DIR`` built; ``--views`` is what the starter's recipe
leaves in its cache (without it, StyleShift's own pictures have to do). Needs the extras ``bench`` and, for
views, ``torch``. Reported for every engine and setting: recall@10 (ties of 1e-6 count) with 95 % intervals
over concepts, the paired difference to picture queries, MB per million vectors, and milliseconds of one
query in one thread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from _nearest import Positions, Truth, check_against_scan, exact, recalls, settle, top_products
from _quantisers import BFloat16, Codec, Float16, Float32, Int8, Int8Both
from _real import KINDS, Asked, asked, drawn, grown, styleshift_gallery, with_views
from _report import write_report
from _threads import one_thread

from sightword.backbones import load_backbone
from sightword.backbones.base import Array
from sightword.evaluation.intervals import bootstrap_interval, compare
from sightword.index.scan import best

K = 10
CODECS: dict[str, type[Codec]] = {kind.name: kind for kind in (Float32, Float16, BFloat16, Int8, Int8Both)}
FAISS = ("int8-faiss", "pq96", "pq48", "ivf", "hnsw")
Answers = Iterator[tuple[str, int | None, dict[str, Positions], dict[str, float]]]
"""Setting, how many more are rescored, positions by kind, milliseconds by kind."""


def milliseconds(ask: Callable[[Array], Any], vectors: Array, most: int = 30, limit: float = 1.5) -> float:
    """Median time of single queries; at least three of them, then until the limit in seconds."""
    ask(vectors[-1:])
    times: list[float] = []
    for number in range(min(most, len(vectors))):
        start = time.perf_counter()
        ask(vectors[number : number + 1])
        times.append(1000 * (time.perf_counter() - start))
        if len(times) >= 3 and sum(times) > 1000 * limit:
            break
    return statistics.median(times)


def by_kind(
    kinds: Mapping[str, Asked], blocks: Any, see: Callable[[Array], Array], count: int
) -> dict[str, Positions]:
    """The best candidates of all kinds, in one pass over the rows."""
    vectors = see(np.concatenate([one.vectors for one in kinds.values()]))
    found, parts, start = top_products(blocks, vectors, count), {}, 0
    for kind, one in kinds.items():
        parts[kind], start = found[start : start + len(one.vectors)], start + len(one.vectors)
    return parts


def ask_codec(codec: Codec, kinds: Mapping[str, Asked], truths: Mapping[str, Truth]) -> Answers:
    """Every row is looked at; k, or k + 32 rescored. With full vectors that is the truth itself."""
    first = next(iter(kinds.values())).vectors
    took = milliseconds(lambda query: best(codec.scores(query[0]), K, query.shape[1]), first)
    if codec.name == "fp32":
        yield "", None, {kind: truths[kind].positions for kind in kinds}, dict.fromkeys(kinds, took)
        return
    found = by_kind(kinds, codec.blocks(), codec.see, K + 33)
    for again in (None, 32):
        yield "", again, found, dict.fromkeys(kinds, took)


def ask_faiss(engine: Any, kinds: Mapping[str, Asked], truths: Mapping[str, Truth]) -> Answers:
    """Each setting of an engine of `_engines`."""
    deepest = max(again or 0 for again in engine.again)
    for value in engine.settings or (0,):
        engine.use(value)
        took = {
            kind: milliseconds(lambda query: engine.search(query, K + 1 + deepest), one.vectors)
            for kind, one in kinds.items()
        }
        if engine.flat:
            found = by_kind(kinds, engine.blocks(), lambda queries: queries, K + 1 + deepest)
        else:
            found = {kind: engine.search(one.vectors, K + 1) for kind, one in kinds.items()}
        for again in engine.again:
            yield f"{engine.setting}={value}" if engine.settings else "", again, found, took


def measure(
    answers: Answers, gallery: Array, kinds: Mapping[str, Asked], truths: Mapping[str, Truth]
) -> list[dict[str, Any]]:
    """Recall by kind, and each kind against ``image`` on the same questions."""
    rows = []
    for setting, again, found, took in answers:
        scored = {}
        for kind, one in kinds.items():
            _, scores = settle(gallery, one.vectors, found[kind], one.references, K, again)
            scored[kind] = recalls(scores, truths[kind], K)
        row: dict[str, Any] = {"setting": setting, "rescored": 0 if again is None else K + again}
        row["kinds"] = {
            kind: {"ms": round(took[kind], 3), **_told(scored[kind], scored.get("image"), one.groups)}
            for kind, one in kinds.items()
        }
        rows.append(row)
    return rows


def _told(scores: Any, of_pictures: Any, groups: list[str]) -> dict[str, float]:
    low, high = bootstrap_interval(scores, groups=groups)
    told = {"recall": float(scores.mean()), "low": low, "high": high}
    if of_pictures is not None and of_pictures is not scores:
        against = compare(scores, of_pictures, groups=groups)
        low, high = against.interval
        told |= {"minus_image": against.difference, "minus_low": low, "minus_high": high, "p": against.p}
    return {key: round(value, 5) for key, value in told.items()}


def lie(
    gallery: Array, kinds: Mapping[str, Asked], truths: Mapping[str, Truth], grid: Int8Both
) -> dict[str, Any]:
    """Where the queries are, and how near each other their nearest pictures."""
    some = gallery[:: max(1, len(gallery) // 20_000)]
    told = {}
    for kind, one in kinds.items():
        scores, rest = truths[kind].scores, one.vectors @ some.T
        told[kind] = {
            "queries": len(one.vectors),
            "groups": len(set(one.groups)),
            "cosine_of_the_1st": float(scores[:, 0].mean()),
            "cosine_of_the_10th": float(scores[:, K - 1].mean()),
            "10th_minus_42nd": float((scores[:, K - 1] - scores[:, K + 31]).mean()),
            "10th_minus_11th_median": float(np.median(scores[:, K - 1] - scores[:, K])),
            "background_mean": float(rest.mean()),
            "background_deviation": float(rest.std(axis=1).mean()),
            "share_of_values_beyond_the_int8_grid": float(grid.cut(one.vectors).mean()),
        }
    return {kind: {key: round(value, 6) for key, value in row.items()} for kind, row in told.items()}


def main() -> None:
    """Run and write the report."""
    one_thread()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--styleshift", type=Path, required=True)
    parser.add_argument("--views", type=Path)
    parser.add_argument("--rows", type=int, help="more than there are real ones: moved copies fill up")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--split", default="test", help="of the queries; the gallery holds both halves")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--engines", default=",".join([*CODECS, *FAISS]))
    parser.add_argument("--build-threads", type=int, default=1)
    parser.add_argument("--cells", type=int, default=0, help="of ivf, instead of about the root of the rows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    began, wanted = time.perf_counter(), args.engines.split(",")
    if unknown := set(wanted) - {*CODECS, *FAISS}:
        parser.error(f"there is no engine {', '.join(sorted(unknown))}")
    backbone = load_backbone("starter", threads=1)
    pictures = styleshift_gallery(backbone, args.styleshift, ("test", "validation"))
    if args.views:
        pictures = with_views(pictures, args.views)
    questions = drawn(args.styleshift, args.split, args.queries, args.seed)
    kinds = asked(backbone, pictures, questions, args.kinds.split(","))
    gallery = grown(pictures, args.rows or len(pictures.rows), args.seed)
    truths = {kind: exact(gallery, one.vectors, one.references, K) for kind, one in kinds.items()}
    for kind, one in kinds.items():
        check_against_scan(gallery, one.vectors[:3], one.references[:3], truths[kind], K)
    engines: dict[str, Any] = {}
    print(f"{len(gallery):,} rows, exact answers: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    for name in wanted:
        start = time.perf_counter()
        if name in CODECS:
            built: Any = CODECS[name](gallery)
            ask: Callable[..., Answers] = ask_codec
        else:
            import faiss
            from _engines import ENGINES, IVF

            IVF.cells = args.cells
            faiss.omp_set_num_threads(args.build_threads)
            built, ask = ENGINES[name](gallery), ask_faiss
            faiss.omp_set_num_threads(1)
        took = time.perf_counter() - start
        engines[f"{name}-{args.cells}" if name == "ivf" and args.cells else name] = {
            "mb_per_million": round(built.nbytes / len(gallery), 1),
            "build_seconds": round(took, 2),
            "build_threads": 1 if name in CODECS else args.build_threads,
            **({"cells": built.cells} if name == "ivf" else {}),
            "asked": measure(ask(built, kinds, truths), gallery, kinds, truths),
        }
        whole = time.perf_counter() - start
        print(f"{name}: built in {took:.1f} s, asked in {whole - took:.1f} s", file=sys.stderr)
        del built
    write_report(
        args.json,
        name="quantisation",
        settings={
            "rows": len(gallery),
            "real_rows": min(len(gallery), len(pictures.rows)),
            "dim": gallery.shape[1],
            "k": K,
            "backbone": backbone.spec.name,
            "weights_hash": backbone.spec.weights_hash[:16],
            "queries": f"{len(questions)} of StyleShift's {args.split} half, seed {args.seed}",
            "threads": 1,
        },
        results={"queries": lie(gallery, kinds, truths, Int8Both(gallery)), "engines": engines},
        ratios={},
    )


if __name__ == "__main__":
    main()
