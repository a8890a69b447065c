"""What was left out of a benchmark stands in every output of it, and every published count is compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import made_field
from sightword.backbones import Backbone
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.compare import markdown, read_results
from sightword.evaluation.output import write_out
from sightword.evaluation.report import Report
from sightword.evaluation.run import run


def shrunken(folder: Path, backbone: Backbone, split: str = "val") -> Report:
    benchmark = benchmark_named("circo", allow_missing=True)
    loaded = benchmark.load(made_field.circo(folder / "circo"), split)
    assert loaded.lost == ["queries: 18 instead of " + ("220" if split == "val" else "800"), loaded.lost[1]]
    return run(benchmark, loaded, backbone, ["image", "average"], cache=folder / "cache")


def test_json_and_comparisons_say_what_was_left_out(tmp_path: Path, tiny_backbone: Backbone) -> None:
    report = shrunken(tmp_path, tiny_backbone)
    write_out(report, tmp_path / "out", page=False)
    assert json.loads((tmp_path / "out" / "queries.json").read_text())["left out"] == report.loaded.lost
    results = read_results(tmp_path / "out")
    assert results.lost == report.loaded.lost
    assert "**out: not the whole benchmark: queries: 18 instead of 220;" in markdown([results, results], [])


@pytest.mark.slow  # matplotlib
def test_plots_and_parquet_say_what_was_left_out(tmp_path: Path, tiny_backbone: Backbone) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is in the extra [report]")
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [report]")
    report = shrunken(tmp_path, tiny_backbone)
    write_out(report, tmp_path / "out", page=False)
    told = parquet.read_schema(tmp_path / "out" / "ranks.parquet").metadata[b"sightword"]
    assert json.loads(told) == {"benchmark": "circo", "split": "val", "left out": report.loaded.lost}
    pictures = list((tmp_path / "out").glob("*.png"))
    assert len(pictures) >= 3
    for path in pictures:
        with Image.open(path) as image:
            assert "queries: 18 instead of 220" in image.info["Description"], path.name


def test_files_for_a_server_that_lack_queries_are_told(tmp_path: Path, tiny_backbone: Backbone) -> None:
    told: list[str] = []
    write_out(shrunken(tmp_path, tiny_backbone, "test"), tmp_path / "out", warn=told.append)
    assert any("The server will refuse" in text and "782 queries are missing" in text for text in told)


def test_semantic_aspects_are_judged_by_map_at_10(tmp_path: Path, tiny_backbone: Backbone) -> None:
    """As CIRCO's own script does; the main metric is mAP@5."""
    report = shrunken(tmp_path, tiny_backbone)
    page = report.markdown()
    assert "mAP@10 by aspect" in page
    assert "mAP@5 by likeness" in page
    numbers = report.slices["by aspect"]["addition"]
    mean = np.mean([report.methods["average"].rows[n]["mAP@10"] for n in numbers])
    assert report.as_json()["slices"]["by aspect"]["average"]["addition"]["mAP@10"] == pytest.approx(mean)


def test_domains_of_imagenet_r_have_published_counts(tmp_path: Path) -> None:
    loaded = benchmark_named("imagenet-r", allow_missing=True).load(made_field.imagenet_r(tmp_path), "val")
    sizes = {size.what: (size.found, size.published) for size in loaded.sizes}
    assert sizes["cartoon pictures"] == (6, 3726)
    assert sizes["origami pictures"] == (5, 550)
    assert sizes["photographs"] == (12, 10_000)
    assert "sculpture pictures: 6 instead of 1,196" in loaded.lost


def test_versions_of_what_computed_the_features(tmp_path: Path, tiny_backbone: Backbone) -> None:
    versions = shrunken(tmp_path, tiny_backbone).as_json()["versions"]
    runtime = "openvino" if "OpenVINO" in type(tiny_backbone).__name__ else "onnxruntime"
    assert versions[runtime][:1].isdigit()
    assert versions["pillow"][:1].isdigit()
