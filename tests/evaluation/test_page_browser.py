"""The page's filter, in a real browser."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

import made_field
from sightword.backbones import Backbone
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.page import write_page
from sightword.evaluation.run import run

pytestmark = pytest.mark.slow


def test_only_where_one_beats_the_other(tmp_path: Path, tiny_backbone: Backbone) -> None:
    path = Path(__file__).parents[1] / "serve" / "browsing.py"
    spec = importlib.util.spec_from_file_location("browsing_of_serve", path)
    assert spec is not None
    assert spec.loader is not None
    browsing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(browsing)
    benchmark = benchmark_named("circo", allow_missing=True)
    loaded = benchmark.load(made_field.circo(tmp_path), "val")
    report = run(benchmark, loaded, tiny_backbone, ["average", "image"], cache=tmp_path / "cache")
    wins = sum(
        one["mAP@5"] > other["mAP@5"]
        for one, other in zip(report.methods["average"].rows, report.methods["image"].rows)
    )
    assert 0 < wins < 18
    with browsing.browser() as running:
        page = running.new_page()
        page.goto(write_page(report, tmp_path).as_uri())
        assert page.locator("article:visible").count() == 18
        page.check("#only")
        assert page.locator("article:visible").count() == wins
        assert page.inner_text("#count") == f"{wins} of 18"
        shown = page.locator("article:visible").evaluate_all("all => all.map(each => each.dataset.scores)")
        assert all(json.loads(text)["average"] > json.loads(text)["image"] for text in shown)
        page.select_option("#a", "image")
        page.select_option("#b", "average")
        assert page.locator("article:visible").count() == sum(
            one["mAP@5"] < other["mAP@5"]
            for one, other in zip(report.methods["average"].rows, report.methods["image"].rows)
        )
        assert page.evaluate("[...document.images].every(i => !i.complete || i.naturalWidth > 0)")
