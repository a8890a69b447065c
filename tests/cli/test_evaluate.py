"""``data`` and ``evaluate``: tables for people, JSON for programs, errors as sentences."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from made_benchmark import write_benchmark

Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_benchmark(tmp_path / "squares")


def test_evaluate_prints_tables(run: Run, data: Path) -> None:
    done = run("evaluate", "styleshift", "--data", data, "--method", "image,weighted:0.3, caption")
    assert done.exit_code == 0, done.stderr
    for line in ("| image |", "| weighted:0.3 |", "| caption |", "| chance |"):
        assert line in done.stdout
    assert "18" in done.stdout.splitlines()[0]
    assert "| average |" not in done.stdout


def test_evaluate_writes_results(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    done = run("evaluate", "styleshift", "--data", data, "--method", "image,average", "--out", out, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == json.loads((out / "results.json").read_text())
    assert told["command"].startswith("sightword")
    assert told["backbone"]["name"] == "tiny"
    assert {"sightword", "python", "numpy", "data"} <= set(told["versions"])
    assert told["protocol"]["ties"] == "by the gallery's order"
    assert set(told["tasks"]) == {"chance", "image", "average"}
    page = (out / "results.md").read_text()
    assert "| average |" in page
    difference = told["comparisons"]["methods"]["image"]["domain"]["difference"]
    assert f"| image | {difference:+.3f} (" in page


def test_evaluate_tells_what_is_wrong(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("evaluate", "styleshift", "--data", tmp_path / "empty")
    assert done.exit_code == 1
    assert "holds no complete StyleShift" in done.stderr
    assert "sightword data styleshift" in done.stderr
    done = run("evaluate", "styleshift", "--data", data, "--split", "validation")
    assert done.exit_code == 2
    done = run("evaluate", "styleshift", "--data", data, "--method", "pic2word")
    assert done.exit_code == 4
    assert "pic2word" in done.stderr


def test_data_without_the_packages_says_how_to_place_them(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    done = run("data", "styleshift", tmp_path / "new", "--from", tmp_path / "cache")
    assert done.exit_code == 1
    assert "9 of 9 packages are not in" in done.stderr
    assert "openmoji-17.0.0.tgz" in done.stderr
    assert "--from" in done.stderr
    assert not (tmp_path / "new").exists()


def test_data_without_the_renderer_downloads_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    done = run("data", "styleshift", tmp_path / "new")
    assert done.exit_code == 4
    assert "pip install 'sightword[data]'" in done.stderr
