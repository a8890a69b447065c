"""docs/methods/supervised.md says what the benchmark's report says."""

from __future__ import annotations

import json
from pathlib import Path

from _efficiency_tables import table

ROOT = Path(__file__).parents[2]


def test_the_page_holds_the_table_of_the_report() -> None:
    report = json.loads((ROOT / "benchmarks" / "results" / "data_efficiency.json").read_text())
    page = (ROOT / "docs" / "methods" / "supervised.md").read_text(encoding="utf-8")
    assert table(report["results"]["methods"], ("average", "pic2word+pdv")) in page


def test_a_table_by_hand() -> None:
    methods = {
        "average": {"overall": {"mean": 0.2054, "interval": [0.187, 0.224], "minus average": None}},
        "mine, 10": {
            "overall": {
                "mean": 0.25, "interval": [0.2, 0.3],
                "minus average": {"difference": 0.0446, "interval": [0.01, 0.08], "p": 0.01},
            }
        },
    }  # fmt: skip
    assert table(methods, ("average",)).splitlines() == [
        "| method, triplets | overall | overall minus `average` |",
        "|---|---|---|",
        "| average | .205 (.187 to .224) | – |",
        "| mine, 10 | .250 (.200 to .300) | +0.045 (+0.010 to +0.080) |",
    ]
