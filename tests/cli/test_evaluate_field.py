"""``evaluate`` on the field's benchmarks: tables, sweeps, files for servers, comparisons, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import made_field

Run = Callable[..., Result]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def on_circo(run: Run, tmp_path: Path) -> Run:
    """``evaluate circo`` on a made folder."""
    data = made_field.circo(tmp_path / "circo")
    return lambda *args: run("evaluate", "circo", "--data", data, "--allow-missing", *args)


def test_sizes_and_published_numbers_stand_in_the_table(run: Run, tmp_path: Path) -> None:
    data = made_field.cirr(tmp_path)
    done = run("evaluate", "cirr", "--data", data, "--method", "image,average")
    assert done.exit_code == 1
    assert "18 instead of 4,181" in done.stderr
    assert "--allow-missing" in done.stderr
    done = run("evaluate", "cirr", "--data", data, "--method", "image,average", "--allow-missing")
    assert done.exit_code == 0, done.stderr
    assert "queries 18 (published 4,181)" in done.stdout
    assert "Not the whole benchmark" in done.stdout
    assert "Not the whole benchmark" in done.stderr
    assert "| CLIP L/14 | Pic2Word | 23.9 |" in done.stdout
    assert "| tiny | **average** |" in done.stdout
    assert "split test1, this run: val" in done.stdout


def test_a_picture_that_cannot_be_read_is_told_like_a_missing_one(run: Run, tmp_path: Path) -> None:
    data = made_field.circo(tmp_path)
    broken = sorted((tmp_path / "COCO2017_unlabeled/unlabeled2017").iterdir())[-1]
    broken.write_bytes(b"no picture")
    call = ("evaluate", "circo", "--data", data, "--method", "average")
    refused = run(*call)
    assert refused.exit_code == 1
    done = run(*call, "--allow-missing")
    assert done.exit_code == 0, done.stderr
    for text in (done.stderr, done.stdout):
        assert "pictures are unreadable" in text and broken.name in text


def test_prompts_sweep_and_preprocess(run: Run, tmp_path: Path) -> None:
    data = made_field.circo(tmp_path)
    done = run(
        "evaluate", "circo", "--data", data, "--allow-missing", "--method", "text,weighted", "--json",
        "--prompt", "searle,pic2word", "--prompt", "a photo of {*} , {text}", "--sweep", "weight=0:1:.5",
        "--preprocess", "targetpad",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["variants"]) == 3 + 9
    assert "targetpad" in told["protocol"]["preprocess"]
    assert told["variants"]["text [pic2word]"]["prompt"] == "pic2word"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "which benchmark"),
        (("cirr",), 2, "where the data of cirr are"),
        (("nothing", "--data", "."), 2, "There is no benchmark 'nothing'"),
        (("cirr", "--data", ".", "--gallery", "val-only"), 2, "belongs to fashioniq"),
        (("cirr", "--data", ".", "--parity"), 2, "belongs to genecis"),
        (("cirr", "--data", "."), 1, "has no CIRR captions"),
        (("cirr", "--data", ".", "--split", "train"), 2, "no split 'train'"),
        (("cirr", "--data", ".", "--sweep", "size=1:2:1"), 2, "can be swept"),
        (("--compare", "nowhere"), 2, "two results"),
        (("--compare", "nowhere", "nobody"), 1, "nowhere holds no results"),
    ],
)
def test_what_is_wrong_is_told(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("evaluate", *arguments)
    assert done.exit_code == code, done.stderr
    assert told in done.stderr


def test_prompts_and_methods_are_checked_before_any_picture_is_read(run: Run, tmp_path: Path) -> None:
    data = made_field.circo(tmp_path)
    for path in (tmp_path / "COCO2017_unlabeled/unlabeled2017").iterdir():
        path.write_bytes(b"no picture")
    for option, value in (("--prompt", "nonsense"), ("--method", "caption"), ("--sweep", "beta=.1,.2")):
        extra = () if option == "--method" else ("--method", "average")
        done = run("evaluate", "circo", "--data", data, "--allow-missing", option, value, *extra)
        assert done.exit_code == 2, done.stderr


def test_submissions_are_checked(run: Run, tmp_path: Path) -> None:
    good = tmp_path / "circo.json"
    good.write_text(json.dumps({str(n): list(range(50)) for n in range(800)}))
    done = run("evaluate", "--check-submission", good)
    assert done.exit_code == 0, done.stderr
    assert "nothing wrong" in done.stdout
    done = run(
        "evaluate",
        "circo",
        "--data",
        made_field.circo(tmp_path / "data"),
        "--check-submission",
        good,
        "--json",
    )
    assert done.exit_code == 1
    assert "not in the gallery" in done.stderr
    assert json.loads(done.stdout)["problems"]
    assert run("evaluate", "cirr", "--check-submission", good).exit_code == 2
    good.write_text(json.dumps({str(n): list(range(49)) for n in range(800)}))
    done = run("evaluate", "--check-submission", good)
    assert done.exit_code == 1
    assert "exactly 50 entries" in done.stderr


def test_data_coco_compose_then_evaluate(run: Run, tmp_path: Path) -> None:
    made_field.coco(tmp_path)
    done = run("data", "coco-compose", tmp_path, "--seed", "3")
    assert done.exit_code == 0, done.stderr
    assert "18 queries" in done.stdout
    done = run("evaluate", "coco-compose", "--data", tmp_path, "--method", "image", "--allow-missing")
    assert done.exit_code == 0, done.stderr
    assert "MLLM-I2W" in done.stdout


@pytest.mark.slow  # matplotlib
def test_out_and_compare(run: Run, on_circo: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [report]")
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [report]")
    for name, methods in (("one", "average"), ("two", "text")):
        done = on_circo("--method", methods, "--out", tmp_path / name)
        assert done.exit_code == 0, done.stderr
        assert "queries.html" in done.stderr
    done = run("evaluate", "--compare", tmp_path / "one", tmp_path / "two", "--out", tmp_path / "both")
    assert done.exit_code == 0, done.stderr
    assert "| one: average | two: text | circo | 18 |" in done.stdout
    assert {path.name for path in (tmp_path / "both").iterdir()} == {
        "comparison.json", "comparison.md", "comparison.png",
    }  # fmt: skip


def test_without_the_extra_everything_else_is_written(
    on_circo: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in ("matplotlib", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    done = on_circo("--method", "image", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("pip install 'sightword[report]'") == 2
    assert (tmp_path / "out" / "queries.html").is_file()
