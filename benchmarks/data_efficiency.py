"""How many triplets does it take? Supervised methods against zero-shot ones, on StyleShift.

Pic2Word's claim is that a phi learnt without triplets beats methods that learn from few of them. Every method
gets the first 10, 100, 1,000 and 10,000 triplets of StyleShift's training half (tasks take turns; several
draws of the smaller sizes), of which it holds a tenth out itself, to choose its weights, from 1,000 on. All
are asked the validation half (to choose settings) or the test half (to report), beside `average` and the
zero-shot method. Features are computed once and kept in the cache.

    sightword data styleshift styleshift-train --split train
    sightword data styleshift styleshift
    python benchmarks/data_efficiency.py --train styleshift-train --data styleshift --split test \
        --json benchmarks/results/data_efficiency.json --markdown benchmarks/results/data_efficiency.md
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _efficiency import LEARNERS, Budget
from _efficiency_tables import plot, table
from _report import write_report

from sightword.backbones import load_backbone
from sightword.config import cache_home
from sightword.evaluation.judging import MethodScores
from sightword.evaluation.report import OVERALL, Report
from sightword.evaluation.run import run, some
from sightword.evaluation.styleshift import StyleShift
from sightword.training.loop import LoopSettings, Run
from sightword.training.readers.triplets import open_triplets
from sightword.training.run_supervised import split
from sightword.training.supervised import TripletJob, learn_triplets
from sightword.training.triplets import Triplets, collect

BUDGETS = {
    10: Budget(steps=60, batch=10, draws=3),
    100: Budget(steps=120, batch=90, draws=2),
    1_000: Budget(steps=250, batch=256, draws=1),
    10_000: Budget(steps=600, batch=256, draws=1),
}
"""Chosen on the validation half; steps are an upper bound, the best weights on a run's own held-out triplets
are kept."""


def learn(arguments: argparse.Namespace, backbone: Any, triplets: Triplets, home: Path) -> dict[str, Any]:
    """Train every method on every subset; what is known of each run, by the directory's name."""
    told: dict[str, Any] = {}
    largest = max(arguments.sizes)
    whole = Triplets(triplets.rows[: max(largest, sum_of(arguments.sizes))], [])
    whole.pictures = list({i.name: i for row in whole.rows for i in (row.reference, row.target)}.values())
    for name in arguments.methods:
        learner = LEARNERS[name](backbone, arguments.base)
        data = learner.features(whole, arguments.cache)
        for size in arguments.sizes:
            budget = BUDGETS.get(size, Budget(steps=50, batch=min(size, 256), draws=1))
            for draw, rows in enumerate(
                np.array_split(np.arange(size * budget.draws), budget.draws) if size else ()
            ):
                part = learner.part(data, rows)
                training, held_out = split(part, len(part), None, draw)
                steps = budget.steps if arguments.steps is None else min(arguments.steps, budget.steps)
                settings = LoopSettings(
                    steps=steps, batch=budget.batch, warmup=steps // 10, schedule="cosine", seed=draw,
                    betas=(0.9, 0.999), eps=1e-8, **learner.settings,
                )  # fmt: skip
                out = home / f"{name}-{size}-{draw}"
                job = TripletJob(
                    backbone, out, settings, loss=learner.loss, looks=10, patience=4,
                    run=Run(progress=False),
                )  # fmt: skip
                known = out / "training.json"
                if known.is_file():  # --keep: a run that was interrupted goes on
                    report = json.loads(known.read_text(encoding="utf-8"))
                else:
                    report = learn_triplets(job, learner.network(draw), part, training, held_out)
                told[out.name] = {
                    "method": name, "triplets": size, "draw": draw, "learnt from": len(training),
                    "steps": report["steps done"], "kept after": report["kept after"],
                    "held_out": report["held_out"], "network": report["network"],
                    "seconds": report["seconds"],
                }  # fmt: skip
                print(f"{out.name}: {report['seconds']} s", flush=True)
    return told


def sum_of(sizes: Sequence[int]) -> int:
    """Triplets that the draws of any one size need."""
    return max(size * BUDGETS.get(size, Budget(1, 1, 1)).draws for size in sizes)


def together(report: Report, names: Sequence[str]) -> MethodScores:
    """Several draws as one method: the mean of each query's scores."""
    found = [report.methods[name].rows for name in names]
    return MethodScores(
        [{key: float(np.mean([r[key] for r in rows])) for key in rows[0]} for rows in zip(*found)]
    )


def main() -> None:
    """Learn, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--train", type=Path, required=True, help="StyleShift with its training half")
    parser.add_argument("--data", type=Path, required=True, help="StyleShift with test and validation")
    parser.add_argument("--split", default="validation", choices=["validation", "test"])
    parser.add_argument("--backbone", default="starter")
    parser.add_argument("--base", default="pic2word+pdv", help="the zero-shot method")
    parser.add_argument("--methods", nargs="+", default=list(LEARNERS), choices=list(LEARNERS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1_000, 10_000])
    parser.add_argument("--steps", type=int, help="at most so many; for a quick look")
    parser.add_argument("--limit", type=int, help="at most so many queries of each aspect")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=cache_home() / "training")
    parser.add_argument("--beside", type=Path, help="a report of other methods, on the same queries")
    parser.add_argument(
        "--keep", type=Path, help="leave the trained directories here; those there are not trained again"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    against = ("average", arguments.base)
    torch.set_num_threads(arguments.threads)
    backbone = load_backbone(arguments.backbone, threads=arguments.threads)
    triplets = collect(open_triplets(str(arguments.train)), where=str(arguments.train))
    with tempfile.TemporaryDirectory() as scratch:
        home = arguments.keep or Path(scratch)
        told = learn(arguments, backbone, triplets, home)
        benchmark = StyleShift()
        loaded = some(benchmark.load(arguments.data, arguments.split), arguments.limit)
        began = time.process_time()
        report = run(benchmark, loaded, backbone, [*against, *(str(home / name) for name in told)])
        asked = time.process_time() - began
    draws: dict[tuple[str, int], list[str]] = {}
    for name, about in told.items():
        draws.setdefault((about["method"], about["triplets"]), []).append(str(home / name))
    methods = {name: report.methods[name] for name in against}
    methods |= {f"{name}, {size:,}": together(report, runs) for (name, size), runs in draws.items()}
    whole = Report(
        report.benchmark, report.loaded, methods, report.chance, report.protocol, report.backbone,
        main=report.main, shown=report.shown,
    )  # fmt: skip
    results: dict[str, Any] = {"runs": told, "methods": {}}
    compared = {base: whole.comparisons(whole.main, base) for base in against}
    for name, scores in methods.items():
        results["methods"][name] = {
            task: {
                "mean": whole.mean(scores, numbers, whole.main),
                "interval": list(whole.interval(scores, numbers, whole.main)),
                **{f"minus {base}": compared[base].get(name, {}).get(task) for base in against},
            }
            for task, numbers in whole.tasks.items()
            if whole.main in whole.metrics(numbers)
        }
    if arguments.beside:
        earlier = json.loads(arguments.beside.read_text(encoding="utf-8"))["results"]
        results["methods"] = {**earlier["methods"], **results["methods"]}
        results["runs"] = {**earlier["runs"], **told}
    results["single draws, overall"] = {
        Path(name).name: whole.mean(scores, whole.tasks[OVERALL], whole.main)
        for name, scores in report.methods.items()
    }
    if arguments.beside:
        results["single draws, overall"] |= earlier["single draws, overall"]
    results["cpu_seconds_of_asking"] = round(asked, 1)
    settings = {
        "split": arguments.split, "backbone": dict(report.backbone), "sizes": arguments.sizes,
        "triplets there are": len(triplets), "queries": len(loaded.queries), "limit": arguments.limit,
        "threads": arguments.threads, "steps at most": arguments.steps,
        "budgets": {size: vars(budget) for size, budget in BUDGETS.items()},
    }  # fmt: skip
    text = table(results["methods"], against)
    print(text)
    write_report(arguments.json, name="data_efficiency", settings=settings, results=results, ratios={})
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")
    if arguments.plot:
        plot(results["methods"], against, arguments.plot)


if __name__ == "__main__":
    main()
