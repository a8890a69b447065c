"""Metrics and top-k at CIRCO's size: 800 queries, 123,403 pictures, 768 dimensions, random features.

The matrix product is measured apart. In the same run the same scores go through a plain loop as reference
code writes it: for each query a full argsort, an array of all names indexed by it, the first 50, the metrics.
Both must agree.

    python benchmarks/evaluate_circo_size.py --json benchmarks/results/evaluate_circo_size.json
    python benchmarks/evaluate_circo_size.py --scale 0.1      (a quick look)
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from _report import write_report

from sightword.evaluation.circo import CIRCO, KS
from sightword.evaluation.field import FieldQuery
from sightword.evaluation.ranking import Ranking
from sightword.methods.vectors import unit

QUERIES, PICTURES, DIM, BLOCK = 800, 123_403, 768, 64


def random_rows(count: int, dim: int, seed: int) -> np.ndarray:
    """Unit vectors, float32 [count, dim], made in blocks so that no float64 copy of all exists."""
    dice, rows = np.random.default_rng(seed), np.empty((count, dim), np.float32)
    for start in range(0, count, 4096):
        part = rows[start : start + 4096]
        dice.standard_normal(part.shape, dtype=np.float32, out=part)
        part[:] = unit(part)
    return rows


def plain_loop(scores: np.ndarray, names: list[str], query: FieldQuery) -> dict[str, float]:
    """One query as reference code answers it."""
    order = np.argsort(-scores)
    ranked = np.array(names)[order][:50]
    hits = np.isin(ranked, np.array(query.targets))
    precision = np.cumsum(hits) * hits / np.arange(1, 51)
    found = {f"mAP@{k}": float(precision[:k].sum() / min(len(query.targets), k)) for k in KS}
    first = ranked == query.targets[0]
    return found | {f"R@{k}": float(first[:k].any()) for k in KS}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the queries and pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    count, size = round(QUERIES * args.scale), round(PICTURES * args.scale)
    dice = np.random.default_rng(args.seed + 2)
    gallery, vectors = random_rows(size, DIM, args.seed), random_rows(count, DIM, args.seed + 1)
    names = [str(number) for number in range(size)]
    rows = {name: row for row, name in enumerate(names)}
    queries = []
    for number in range(count):
        drawn = dice.choice(size, int(dice.integers(1, 15)), replace=False)
        targets = tuple(names[row] for row in drawn)
        # Right answers lie a little nearer than the others, so that the metrics are not all zero.
        vectors[number] = unit(vectors[number] + 0.15 * gallery[drawn].sum(axis=0))
        queries.append(FieldQuery(str(number), "circo", "", "val", (), "", targets))
    benchmark = CIRCO()
    product = ours = loop = 0.0
    found, plain = [], []
    for start in range(0, count, BLOCK):
        begin = time.perf_counter()
        scores = vectors[start : start + BLOCK] @ gallery.T
        product += time.perf_counter() - begin
        begin = time.perf_counter()
        for line, query in zip(scores, queries[start : start + BLOCK]):
            found.append(benchmark.score(query, Ranking(line, rows, names)))
        ours += time.perf_counter() - begin
        begin = time.perf_counter()
        for line, query in zip(scores, queries[start : start + BLOCK]):
            plain.append(plain_loop(line, names, query))
        loop += time.perf_counter() - begin
    for one, other in zip(found, plain):
        assert one.keys() == other.keys() and np.allclose(list(one.values()), list(other.values()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    write_report(
        args.json,
        name="evaluate_circo_size",
        settings={"queries": count, "pictures": size, "dim": DIM, "block": BLOCK, "seed": args.seed},
        results={
            "matrix_product_s": product,
            "metrics_and_top_k_s": ours,
            "plain_loop_s": loop,
            "peak_mb_with_features_and_loop": peak,
            "features_mb": gallery.nbytes / 1e6,
            "mAP@10_mean": float(np.mean([row["mAP@10"] for row in found])),
        },
        ratios={"plain_loop / metrics_and_top_k": loop / ours},
    )


if __name__ == "__main__":
    main()
