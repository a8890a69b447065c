"""What --out writes: results, per-query files, plots, the page; and what --compare reads of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import made_field
from sightword.backbones import Backbone
from sightword.errors import SightwordError, UsageError
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.compare import compare_results, markdown, read_results
from sightword.evaluation.costs import Cost, training_costs
from sightword.evaluation.output import write_out
from sightword.evaluation.page import choose_queries
from sightword.evaluation.plots import recall_curve
from sightword.evaluation.published import published_rows
from sightword.evaluation.report import Report
from sightword.evaluation.run import run


def made(name: str, folder: Path, backbone: Backbone, methods: list[str]) -> Report:
    benchmark = benchmark_named(name, allow_missing=True)
    data = {"circo": made_field.circo, "fashioniq": made_field.fashioniq}[name](folder / name)
    loaded = benchmark.load(data, "val")
    return run(benchmark, loaded, backbone, methods, cache=folder / "cache", command="sightword evaluate")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Backbone) -> Report:
    return made("circo", tmp_path_factory.mktemp("made"), tiny_backbone, ["image", "text", "average"])


@pytest.fixture(scope="module")
def out(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [report]")
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [report]")
    folder = tmp_path_factory.mktemp("out") / "one"
    written = write_out(report, folder, costs={"average": Cost(2.5)})
    assert all((folder / name).is_file() for name in written)
    return folder


@pytest.mark.slow  # matplotlib
def test_everything_is_written(out: Path) -> None:
    names = {path.name for path in out.iterdir()}
    assert names >= {
        "results.json", "results.md", "queries.json", "ranks.parquet", "recall.png", "tasks.png", "cost.png",
        "queries.html", "thumbs",
    }  # fmt: skip
    told = json.loads((out / "results.json").read_text())
    assert told["command"] == "sightword evaluate"
    assert told["training minutes"] == {"average": 2.5}
    assert {"aspect", "likeness"} <= {word for kind in told["slices"] for word in re.findall(r"\w+", kind)}
    assert told["slices"]["by aspect"]["average"]["addition"]["queries"] == 6
    assert "submissions" not in names  # the answers of val are public


def test_slices_add_up(report: Report) -> None:
    for kind in (
        "by category of the reference, as the backbone sees it",
        "by likeness of reference and target",
    ):
        if kind in report.slices:
            numbers = [n for part in report.slices[kind].values() for n in part]
            assert sorted(numbers) == list(range(18))
    quarters = list(report.slices["by likeness of reference and target"].values())
    means = [np.mean([report.likeness[n] for n in part]) for part in quarters]
    assert means == sorted(means)


def test_a_split_without_answers_gets_files_for_the_server(
    tmp_path: Path, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in ("matplotlib", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    benchmark = benchmark_named("circo", allow_missing=True)
    loaded = benchmark.load(made_field.circo(tmp_path), "test")
    report = run(benchmark, loaded, tiny_backbone, ["average"], cache=tmp_path / "cache")
    told: list[str] = []
    written = write_out(report, tmp_path / "out", warn=told.append)
    assert written == ["results.json", "results.md", "queries.json", "submissions/average.circo.json"]
    assert len(told) == 3
    assert "The server will refuse average.circo.json" in told[0]
    file = tmp_path / "out" / "submissions" / "average.circo.json"
    assert list(json.loads(file.read_text())) == [str(n) for n in range(18)]


@pytest.mark.slow  # matplotlib
def test_parquet_has_every_rank(out: Path, report: Report) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is in the extra [report]")
    rows = parquet.read_table(out / "ranks.parquet").to_pylist()
    assert len(rows) == 3 * 18
    row = rows[-1]
    assert row["method"] == "average"
    assert row["query"] == "17"
    assert row["place"] == report.methods["average"].places[17]
    assert row["first"] == report.methods["average"].tops[17][:10]
    assert row["mAP@5"] == report.methods["average"].rows[17]["mAP@5"]
    assert row["targets"] == list(report.loaded.queries[17].targets)


def test_the_page_marks_answers_and_escapes_names(tmp_path: Path, tiny_backbone: Backbone) -> None:
    from dataclasses import replace

    from sightword.evaluation.page import write_page

    report = made("circo", tmp_path, tiny_backbone, ["image", "average"])
    evil = replace(report.loaded.queries[0], text="<script>alert(1)</script>")
    report = replace(report, loaded=replace(report.loaded, queries=[evil, *report.loaded.queries[1:]]))
    folder = tmp_path / "out"
    folder.mkdir()
    page = write_page(report, folder).read_text()
    assert page.count("<article") == 18
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "<!--" not in page.replace("<!doctype", "")
    scores = [json.loads(s.replace("&quot;", '"')) for s in re.findall(r'data-scores="([^"]*)"', page)]
    means = [sum(item.values()) for item in scores]
    assert means == sorted(means)  # the worst first
    first = page.split("<article")[1]
    assert 'class="right"' in first
    shown = set(re.findall(r'src="(thumbs/[^"]+)"', page))
    assert shown == {f"thumbs/{path.name}" for path in (folder / "thumbs").iterdir()}
    hits = sum(
        name in query.targets
        for found in report.methods.values()
        for query, top in zip(report.loaded.queries, found.tops)
        for name in top[:6]
    )
    assert page.count('class="hit"') == hits > 0


def test_the_page_shows_the_worst_and_the_disputed(report: Report) -> None:
    chosen = choose_queries(report, 6)
    rows = {name: scores.rows for name, scores in report.methods.items()}
    means = [np.mean([rows[name][n]["mAP@5"] for name in rows]) for n in range(18)]
    gaps = [np.ptp([rows[name][n]["mAP@5"] for name in rows]) for n in range(18)]
    worst = set(sorted(range(18), key=lambda n: means[n])[:3])
    assert worst < set(chosen)
    others = [gaps[n] for n in chosen if n not in worst]
    assert min(others) >= max(gaps[n] for n in range(18) if n not in chosen)


def test_pictures_show_the_leading_methods_of_a_sweep(report: Report) -> None:
    assert report.leading() is report
    means = {n: report.mean(s, report.tasks["overall"], "mAP@5") or 0 for n, s in report.methods.items()}
    assert list(report.leading(1).methods) == [max(means, key=lambda name: means[name])]
    assert set(report.leading(2).methods) == set(sorted(means, key=lambda name: -means[name])[:2])
    assert report.leading(2).tasks == report.tasks


def test_recall_curve_by_hand() -> None:
    assert recall_curve([1, 3, 0, 2], 4).tolist() == [0.25, 0.5, 0.75, 0.75]


@pytest.mark.slow  # matplotlib
def test_compare_agrees_with_the_report(
    out: Path, tmp_path: Path, tiny_backbone: Backbone, report: Report
) -> None:
    other = made("circo", tmp_path, tiny_backbone, ["average", "weighted:0.9"])
    write_out(other, tmp_path / "two", page=False)
    first, second = read_results(out), read_results(tmp_path / "two" / "results.json")
    (same,) = compare_results(first, second)
    assert (same.first, same.second, same.queries) == ("one: average", "two: average", 18)
    assert same.difference == 0
    assert same.p == 1
    page = markdown([first, second], [same])
    assert "| average |" in page
    assert "+0.000" in page
    text = made("circo", tmp_path, tiny_backbone, ["text"])
    write_out(text, tmp_path / "three", page=False)
    image = made("circo", tmp_path, tiny_backbone, ["image"])
    write_out(image, tmp_path / "four", page=False)
    (crossed,) = compare_results(read_results(tmp_path / "four"), read_results(tmp_path / "three"))
    against = report.comparisons("mAP@5", "image")["text"]["circo"]
    assert crossed.difference == pytest.approx(against["difference"])
    assert crossed.p == pytest.approx(against["p"])


@pytest.mark.slow  # matplotlib
def test_compare_refuses_what_does_not_belong_together(
    out: Path, tmp_path: Path, tiny_backbone: Backbone
) -> None:
    fashion = made("fashioniq", tmp_path, tiny_backbone, ["average", "image"])
    write_out(fashion, tmp_path / "fashion", page=False)
    with pytest.raises(UsageError, match="circo val"):
        compare_results(read_results(tmp_path / "fashion"), read_results(out))
    table = markdown([read_results(out), read_results(tmp_path / "fashion")], [])
    assert "circo val mAP@5" in table
    assert "fashioniq val R@10" in table
    with pytest.raises(SightwordError, match="no results"):
        read_results(tmp_path)
    (tmp_path / "fashion" / "queries.json").write_text("{}")
    with pytest.raises(SightwordError, match="not complete"):
        compare_results(*(read_results(tmp_path / "fashion"),) * 2)


def test_training_costs_come_from_training_json(
    tiny_backbone: Backbone, tiny_phi_dir: Path, tmp_path: Path
) -> None:
    import shutil

    folder = shutil.copytree(tiny_phi_dir, tmp_path / "phi")
    told = {"x": {"method": str(folder)}, "y": {"method": f"{folder}+pdv"}, "z": {"method": "average"}}
    assert training_costs(told, tiny_backbone) == {}
    (folder / "training.json").write_text(json.dumps({"seconds": 90, "device": "cpu", "threads": 2}))
    assert training_costs(told, tiny_backbone) == dict.fromkeys("xy", Cost(1.5, "device cpu, threads 2"))
    (folder / "training.json").write_text("[")
    assert training_costs(told, tiny_backbone) == {}


def test_published_numbers_have_sources_and_heads() -> None:
    for name, split in (
        ("circo", "test"),
        ("cirr", "test1"),
        ("fashioniq", "val"),
        ("genecis", "test"),
        ("coco-compose", "val"),
    ):
        rows = published_rows(name, split)
        assert rows
        for row in rows:
            assert row.source
            assert all(0 <= float(value) <= 100 for value in row.metrics.values())
    assert published_rows("imagenet-r", "val") == []  # none that could be verified
    assert "split test1" in published_rows("cirr", "val")[0].note
    lincir = [r for r in published_rows("circo", "test") if r.method == "LinCIR, released checkpoint"]
    assert lincir[0].metrics == {"mAP@5": "12.75", "mAP@10": "13.63", "mAP@25": "14.99", "mAP@50": "15.90"}
