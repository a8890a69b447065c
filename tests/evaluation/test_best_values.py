"""Sweeps of several datasets side by side: which value and prompt is best where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sightword.evaluation.compare import Results, best_bars, markdown, read_results
from sightword.evaluation.plots import best_of_each


def results(folder: Path, benchmark: str, means: dict[str, float | None]) -> Results:
    """What ``--out`` writes of a sweep, as far as a comparison reads it."""
    variants = {
        label: {"method": label.partition(" ")[0], "prompt": "searle", "options": {}, "swept": None}
        for label in means
    }
    told: dict[str, Any] = {
        "benchmark": benchmark,
        "split": "val",
        "variants": variants,
        "tasks": {
            "chance": {},
            **{k: {"overall": {"R@5": {"mean": v}}} if v else {} for k, v in means.items()},
        },
        "comparisons": {"metric": "R@5", "baseline": None, "methods": {}},
    }
    (folder / benchmark).mkdir()
    (folder / benchmark / "results.json").write_text(json.dumps(told))
    return read_results(folder / benchmark)


def test_the_best_value_of_each_dataset(tmp_path: Path) -> None:
    cirr = results(
        tmp_path,
        "cirr",
        {"image": 0.1, "weighted weight=0.2": 0.3, "weighted weight=0.8": 0.5, "text [searle]": 0.25,
         "text [pic2word]": 0.2},
    )  # fmt: skip
    circo = results(tmp_path, "circo", {"weighted weight=0.2": 0.4, "weighted weight=0.8": 0.2})
    assert cirr.best == {"weighted": ("weight=0.8", 0.5, 0.3), "text": ("[searle]", 0.25, 0.2)}
    page = markdown([cirr, circo], [])
    assert "| best of | cirr: cirr val R@5 | circo: circo val R@5 |" in page
    assert "| weighted | weight=0.8: .500 (worst .300) | weight=0.2: .400 (worst .200) |" in page
    assert "| text | [searle]: .250 (worst .200) | – |" in page


def test_without_sweeps_there_is_no_such_table(tmp_path: Path) -> None:
    assert "best of" not in markdown([results(tmp_path, "cirr", {"image": 0.1, "text": None})] * 2, [])


def test_bars_show_one_way_of_each_method(tmp_path: Path) -> None:
    """All ways of a sweep would leave a picture no room."""
    cirr = results(tmp_path, "cirr", {"image": 0.1, "weighted weight=0.2": 0.3, "weighted weight=0.8": 0.5})
    circo = results(tmp_path, "circo", {"weighted weight=0.2": 0.4, "slerp": 0.2, "text": None})
    assert best_bars([cirr, circo]) == {
        "image": [0.1, None],
        "weighted, best": [0.5, 0.4],
        "slerp": [None, 0.2],
        "text": [None, None],
    }


def test_a_cost_is_drawn_once_for_each_method() -> None:
    means = {"lincir": 0.2, "lincir+pdv beta=0.5": 0.3, "lincir+pdv beta=1": 0.4}
    methods = {label: label.partition(" ")[0] for label in means}
    assert best_of_each(means, methods) == ["lincir", "lincir+pdv beta=1"]
