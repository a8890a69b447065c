"""Tables of docs/scale.md about recall: shorter vectors, engines that look at some, what is needed."""

from __future__ import annotations

import re
from typing import Any

from _growth_measured import BATCHES, Results
from _markdown import amount, count, interval, table

__all__ = [
    "COMPOSED",
    "MISSING",
    "flat_engines",
    "needed",
    "searching_engines",
    "smallest",
    "where_queries_lie",
]

COMPOSED = "pic2word+pdv"
FLAT = ("fp32", "fp16", "bf16", "int8", "int8-faiss", "int8-both", "pq96", "pq48")
SEARCHING = ("ivf", "hnsw")
MISSING = "Not measured yet."


def _galleries(results: Results) -> dict[str, dict[str, Any]]:
    """Engines by gallery, and what is told of it; reports of the same rows together."""
    found: dict[str, dict[str, Any]] = {}
    for name in BATCHES:
        report = results.report(name)
        if report is None:
            continue
        settings = report["settings"]
        title = f"{count(settings['rows'])} vectors"
        if settings["rows"] > settings["real_rows"]:
            title += f", of which {count(settings['real_rows'])} real"
        held = found.setdefault(title, {"engines": {}, "queries": report["results"]["queries"], "from": []})
        held["engines"].update(report["results"]["engines"])
        held["from"].append(name)
    return found


def where_queries_lie(results: Results, choice: object) -> str:
    """How far the nearest pictures are, and how near each other."""
    columns = {
        "cosine of the 1st": "cosine_of_the_1st",
        "of the 10th": "cosine_of_the_10th",
        "10th minus 42nd": "10th_minus_42nd",
        "10th minus 11th, median": "10th_minus_11th_median",
        "all pictures: mean": "background_mean",
        "deviation": "background_deviation",
    }
    parts = []
    for title, held in _galleries(results).items():
        head = ["queries", "number (independent)", *columns, "values beyond the int8 grid"]
        rows = []
        for kind, row in held["queries"].items():
            told = [f"{row[key]:.4f}".replace("0.", ".", 1) for key in columns.values()]
            beyond = f"{100 * row['share_of_values_beyond_the_int8_grid']:.2f} %"
            rows.append([f"`{kind}`", f"{row['queries']} ({row['groups']})", *told, beyond])
        parts.append(f"**{title}**\n\n{table(head, rows)}")
    return "\n\n".join([*parts, results.source(*BATCHES)]) if parts else MISSING


def _engine_tables(results: Results, names: tuple[str, ...]) -> str:
    parts = []
    for title, held in _galleries(results).items():
        kinds = list(held["queries"])
        head = [
            "engine",
            "MB a million",
            "ms a query",
            *(f"`{kind}`" for kind in kinds),
            f"`{COMPOSED}` - `image`",
        ]
        rows = []
        for name in _of(held["engines"], names):
            engine = held["engines"][name]
            rows += [_row(name, engine, row, kinds) for row in engine["asked"]]
        if rows:
            parts.append(f"**{title}**\n\n{table(head, rows)}")
    return "\n\n".join([*parts, results.source(*BATCHES)]) if parts else MISSING


def _of(engines: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    """Engines that were measured, variants such as ``ivf-4096`` behind the plain one."""
    return [name for wanted in names for name in sorted(engines) if re.fullmatch(rf"{wanted}(-\d+)?", name)]


def _label(name: str, engine: dict[str, Any]) -> str:
    return f"ivf, {count(engine['cells'])} cells," if "cells" in engine else name


def _row(name: str, engine: dict[str, Any], row: dict[str, Any], kinds: list[str]) -> list[str]:
    label = " ".join(part for part in (_label(name, engine), row["setting"]) if part)
    if row["rescored"]:
        label += f", {row['rescored']} rescored"
    asked = row["kinds"]
    against = asked[COMPOSED]
    return [
        label,
        amount(engine["mb_per_million"]),
        amount(asked[COMPOSED]["ms"]),
        *(interval(asked[kind]["recall"], asked[kind]["low"], asked[kind]["high"]) for kind in kinds),
        interval(against["minus_image"], against["minus_low"], against["minus_high"]),
    ]


def flat_engines(results: Results, choice: object) -> str:
    """Every vector is looked at, in fewer bytes."""
    return _engine_tables(results, FLAT)


def searching_engines(results: Results, choice: object) -> str:
    """Engines that look at some of the vectors."""
    return _engine_tables(results, SEARCHING)


def needed(results: Results, choice: object) -> str:
    """The smallest setting that reaches a recall, by kind of query."""
    parts = []
    for title, held in _galleries(results).items():
        kinds = list(held["queries"])
        head = ["engine", "recall@10", *(f"`{kind}`" for kind in kinds)]
        rows = []
        for name in _of(held["engines"], SEARCHING):
            engine = held["engines"][name]
            label = _label(name, engine).rstrip(",")
            for level in (0.9, 0.95, 0.99):
                rows.append(
                    [label, f"{level:g}", *(smallest(engine["asked"], kind, level) for kind in kinds)]
                )
        if rows:
            parts.append(f"**{title}**\n\n{table(head, rows)}")
    return "\n\n".join(parts) if parts else MISSING


def smallest(asked: list[dict[str, Any]], kind: str, level: float) -> str:
    """The first setting whose recall is at least that, and its time."""
    for row in asked:
        told = row["kinds"][kind]
        if told["recall"] >= level:
            return f"{row['setting']} ({amount(told['ms'])} ms)"
    return f"more than {asked[-1]['setting']}"
