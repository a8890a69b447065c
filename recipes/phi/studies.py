"""What matters when pictures are turned into words: one phi a row, all judged on StyleShift's validation half.

    STARTER_CACHE=... python recipes/phi/studies.py --data STYLESHIFT [--only STUDY ...] [--steps-scale 1.0]
    python recipes/phi/studies.py --table            # writes docs/methods/studies.md from studies.json

Rows that are in ``studies.json`` already are not made again. Within a study only what its name says differs;
each row tells mAP@10 over all tasks with its interval, the paired difference to the study's first row (sign
flips over base concepts), how many held-out pictures their own pseudo-word finds, and the minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from make import Recipe
from study_rows import STUDIES, Studio, Study

from data import CACHE
from sightword.evaluation.styleshift import evaluate

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "studies.json"
Maker = Callable[[Studio], tuple[Path, dict[str, Any]]]
PAGE = HERE.parent.parent / "docs" / "methods" / "studies.md"


def judged(recipe: Recipe, phi: Path, data: Path) -> tuple[dict[str, Any], list[dict[str, float]], Any]:
    """Overall mAP@10 and every task's, and the scores of all queries."""
    report = evaluate(recipe.backbone, data, [str(phi)], split="validation")
    told = report.as_json()
    scores = report.methods[str(phi)]
    tasks = {
        task: {"mean": row["mAP@10"]["mean"], "interval": row["mAP@10"]["interval"]}
        for task, row in told["tasks"][str(phi)].items()
        if "mAP@10" in row
    }
    return tasks, scores.rows, report


def paired(report: Any, rows: list[dict[str, float]], base: list[dict[str, float]]) -> dict[str, Any]:
    """The difference to the study's first row, over all tasks."""
    from dataclasses import replace

    from sightword.evaluation.judging import MethodScores

    both = replace(report, methods={"base": MethodScores(base), "row": MethodScores(rows)}, variants={})
    return dict(both.comparisons("mAP@10", "base")["row"]["overall"])


def run(args: argparse.Namespace) -> None:
    """Make the rows that are missing."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    work = CACHE / "studies"
    recipe = Recipe(work / "phis", args.scale, args.threads, "bf16")
    studio = Studio(recipe, args.scale)
    report: Any = None
    for study in STUDIES:
        if args.only and study.name not in args.only:
            continue
        base: list[dict[str, float]] | None = None
        for name, make in study.rows.items():
            rows, call = found.setdefault(study.name, {}), call_of(make)
            kept = work / "scores" / f"{study.name}-{name}.json"
            if not (name in rows and kept.is_file()):
                print(f"{study.name}: {name}", flush=True)
                twin = next((r for each in found.values() for r in each.values() if r["call"] == call), None)
                if twin is not None:
                    row = {key: value for key, value in twin.items() if key != "against the first"}
                    scores = json.loads((CACHE / row["scores"]).read_text())
                else:
                    recipe.out = work / "phis" / f"{study.name}-{name}"
                    shutil.rmtree(recipe.out, ignore_errors=True)
                    began, spent = time.monotonic(), time.process_time()
                    phi, facts = make(studio)
                    row = {
                        "call": call,
                        "minutes": round((time.monotonic() - began) / 60, 2),
                        "cpu_minutes": round((time.process_time() - spent) / 60, 2),
                        "scores": str(kept.relative_to(CACHE)),
                        "phi": str(phi.relative_to(CACHE)),
                        **facts,
                    }
                    row["tasks"], scores, report = judged(recipe, phi, args.data)
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(scores))
                if base is not None:
                    report = report or judged(recipe, CACHE / row["phi"], args.data)[2]
                    row["against the first"] = paired(report, scores, base)
                rows[name] = row
                RESULTS.write_text(json.dumps(found, indent=1) + "\n")
                print(f"  overall {row['tasks']['overall']} in {row['minutes']} min", flush=True)
            base = base or json.loads(kept.read_text())


def call_of(make: Maker) -> str:
    """What is trained, with its defaults: equal calls are made once."""
    function = make.func if isinstance(make, partial) else make
    given = make.keywords if isinstance(make, partial) else {}
    bound = signature(function).bind(None, **given)
    bound.apply_defaults()
    told = {name: value for name, value in bound.arguments.items() if name != "self"}
    return f"{function.__name__} {json.dumps(told, sort_keys=True)}"


def table(study: Study, rows: dict[str, Any]) -> list[str]:
    """One study in Markdown."""
    lines = [
        f"## {study.title}", "", study.words, "",
        "| | overall mAP@10 | domain | against the first row | p | finds its own picture, R@10 | CPU minutes |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in study.rows:
        if name not in rows:
            continue
        row = rows[name]
        overall, domain = row["tasks"]["overall"], row["tasks"]["domain"]
        low, high = overall["interval"]
        versus = row.get("against the first")
        told = (
            "–"
            if versus is None
            else (
                f"{versus['difference']:+.3f} ({versus['interval'][0]:+.3f} to {versus['interval'][1]:+.3f})"
            )
        )
        lines.append(
            f"| {name} | {overall['mean']:.3f} ({low:.3f}–{high:.3f}) | {domain['mean']:.3f} | {told} | "
            f"{'–' if versus is None else format(versus['p'], '.4f')} | {row['found']:.3f} | {row['cpu_minutes']:.1f} |"
        )
    return [*lines, ""]


SAID = """
## What they say

- **More than one pseudo-word helps Pic2Word** (k = 2: +.011, k = 4: +.016) and LinCIR (+.013, +.070) and hurts masked pairs (−.006, −.011) and
  SEARLE (−.022, −.074), which see far fewer pictures: SEARLE's φ must foretell more numbers from the same 400. With `+pdv` Pic2Word's gain is gone
  ([pic2word](pic2word.md)).
- **Pictures**: 100 teach next to nothing, 1,000 three quarters, 10,000 nearly all of what 40,000 teach.
- **Captions beside pictures** change nothing that can be told (+.003, −.001 to +.007).
- **Masked pairs**: τ from .1 to .3 is alike, from .5 on worse; pairs that keep the most of the picture teach least; the longest noun is a
  worse choice than a random or the head noun; captions that the backbone made itself are no worse than people's (both
  are a style and a name in a template: names from CLDR and titles, or the backbone's nearest; nobody's free sentences are in it).
- **LinCIR**: little noise is best, moving phi's inputs over the modality gap does not help, captions of photographs teach more than glosses and
  names. All its rows stay far below `average` here.
"""


def write_page() -> None:
    """docs/methods/studies.md."""
    found = json.loads(RESULTS.read_text())
    lines = [
        "# Studies", "",
        "Written by `python recipes/phi/studies.py --table` from `recipes/phi/studies.json`; made by",
        "`python recipes/phi/studies.py --data STYLESHIFT` on two shared AMD EPYC cores, 2026-11-22, on the second",
        "starter (`a74be9d91c38`, before the one that ships), one thread, text tower in",
        "bfloat16. StyleShift, **validation** half (3,744 pictures, 6,829 queries), the bare method without `+pdv`; 95 % intervals over base",
        "concepts; differences are paired. Runs are short, so compare rows of one study with each other and with nothing else.", "",
    ]  # fmt: skip
    lines += [*SAID.strip().splitlines(), ""]
    for study in STUDIES:
        if study.name in found:
            lines += table(study, found[study.name])
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def main() -> None:
    """Run, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", choices=[study.name for study in STUDIES])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.table:
        write_page()
        return
    if args.data is None:
        parser.error("--data is needed")
    run(args)


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
