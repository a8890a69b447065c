"""Numbers that papers print, beside which a report sets its own. The table is ``published.json``.

Values are kept as printed (strings), in per cent. Each row names where it was read; most tables repeat
numbers of earlier papers, so the source is the table, not always the first to measure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Published", "published_rows"]

ALIKE = {("cirr", "val"): "test1", ("circo", "val"): "test"}
"""Papers report the test split; validation stands beside it, with a note."""


@dataclass(frozen=True)
class Published:
    """One published row.

    Attributes
    ----------
    backbone, method : str
    metrics : dict of str to str
        Such as ``R@10`` (overall) or ``dress R@10``; in per cent, as printed.
    source : str
    note : str
        About the table.
    """

    backbone: str
    method: str
    metrics: Mapping[str, str]
    source: str
    note: str = ""


def published_rows(benchmark: str, split: str) -> list[Published]:
    """The rows for a benchmark's split; none for benchmarks that nobody has published on."""
    table = _tables().get(benchmark)
    if table is None:
        return []
    note = table.get("note", "")
    if other := ALIKE.get((benchmark, split)):
        note = "; ".join(part for part in (f"published: split {other}, this run: {split}", note) if part)
    rows = []
    for backbone, method, values, source in table["rows"]:
        metrics = {head: value for head, value in zip(table["metrics"], values) if value}
        rows.append(Published(backbone, method, metrics, source, note))
    return rows


@cache
def _tables() -> dict[str, Any]:
    path = Path(__file__).with_name("published.json")
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read
