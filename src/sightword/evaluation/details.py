"""What a run writes down about every query: JSON for comparisons, Parquet for everybody else's tools."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from sightword.errors import ModelUnavailable, SightwordError
from sightword.evaluation.report import Report

__all__ = ["QUERIES", "need", "read_queries_file", "write_parquet", "write_queries"]

QUERIES = "queries.json"
TOLD = 10


def write_queries(report: Report, path: Path) -> None:
    """Metrics of every query by method, in the queries' order; what ``--compare`` reads."""
    queries = report.loaded.queries
    content = {
        "benchmark": report.benchmark,
        "split": report.loaded.split,
        "left out": list(report.loaded.lost),
        "ids": [query.id for query in queries],
        "tasks": [query.task for query in queries],
        "groups": [query.group or query.id for query in queries],
        "scores": {
            label: {
                metric: [row.get(metric) for row in scores.rows]
                for metric in dict.fromkeys(name for row in scores.rows for name in row)
            }
            for label, scores in report.methods.items()
        },
    }
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def read_queries_file(path: Path) -> dict[str, Any]:
    """What `write_queries` wrote.

    Raises
    ------
    SightwordError
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        count = len(read["ids"])
        lists = [read["tasks"], read["groups"], *(v for m in read["scores"].values() for v in m.values())]
        if all(len(values) == count for values in lists):
            return dict(read)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise SightwordError(
        f"{path} is not there or not complete.", "Run `sightword evaluate ... --out DIR` again."
    )


def write_parquet(report: Report, path: Path) -> None:
    """One row a method and query: words, pictures, place of the best right answer, first ten, metrics.

    Raises
    ------
    ModelUnavailable
        pyarrow is not installed.
    """
    need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    queries = report.loaded.queries
    metrics = list(dict.fromkeys(name for s in report.methods.values() for row in s.rows for name in row))
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "method", "query", "task", "text", "references", "targets", "cosine", "place", "first", *metrics
        )
    }  # fmt: skip
    for label, scores in report.methods.items():
        for number, query in enumerate(queries):
            cosine = report.likeness[number] if report.likeness else math.nan
            values: dict[str, Any] = {
                "method": label,
                "query": query.id,
                "task": query.task,
                "text": query.text,
                "references": list(query.references),
                "targets": list(query.targets),
                "cosine": None if math.isnan(cosine) else cosine,
                "place": (max(scores.places[number], 0) or None) if scores.places else None,
                "first": scores.tops[number][:TOLD] if scores.tops else [],
                **{metric: scores.rows[number].get(metric) for metric in metrics},
            }
            for name, value in values.items():
                columns[name].append(value)
    told = {"benchmark": report.benchmark, "split": report.loaded.split, "left out": list(report.loaded.lost)}
    table = pa.table(columns).replace_schema_metadata({"sightword": json.dumps(told)})
    pq.write_table(table, path, compression="zstd")


def need(package: str) -> None:
    """Say which extra brings a package that is not there.

    Raises
    ------
    ModelUnavailable
    """
    from importlib import import_module

    try:
        import_module(package)
    except ImportError:
        raise ModelUnavailable(
            f"{package} is not installed.", "Install it: pip install 'sightword[report]'."
        ) from None
