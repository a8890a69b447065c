"""``sightword train`` on triplets, from the command line to a search and an evaluation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from made_benchmark import write_benchmark
from made_triplets import write_triplets

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

QUICK = {
    "combiner": ["--inner", 32, "--hidden", 32, "--dropout", 0.1, "--scale", 20, "--lr", 3e-3],
    "cirplant": ["--width", 32, "--layers", 1, "--heads", 2, "--dropout", 0.1, "--lr", 3e-3],
    "tuned": ["--hidden", 32, "--scale", 20, "--anchor", 0.1, "--lr", 3e-3],
}


@pytest.fixture
def run(tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command in this process, with the tiny backbone and nothing of the user's."""
    from sightword.cli.door import cli

    for name in list(os.environ):
        if name.startswith("SIGHTWORD_"):
            monkeypatch.delenv(name)
    for name, value in (("BACKBONE", tiny_backbone_dir), ("CACHE", "cache"), ("MODELS", "models")):
        monkeypatch.setenv(f"SIGHTWORD_{name}", str(tmp_path / value))
    monkeypatch.setenv("SIGHTWORD_CONFIG", str(tmp_path / "user.toml"))

    def call(*args: object, **options: Any) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], **options)

    return call


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_triplets(tmp_path_factory.mktemp("triplets"), scenes=20)


def options(kind: str, table: Path | str, out: Path, phi: Path, *more: object) -> list[object]:
    base = ["--base", f"{phi}+pdv"] if kind == "tuned" else []
    shared = [
        "--steps",
        80,
        "--batch",
        64,
        "--looks",
        4,
        "--threads",
        1,
        "--workers",
        1,
        "--out",
        out,
    ]
    return ["train", kind, "--triplets", table, *QUICK[kind], *base, *shared, *more]


@pytest.mark.parametrize("kind", list(QUICK))
def test_from_triplets_to_a_search_and_an_evaluation(
    kind: str, run: Callable[..., Result], table: Path, tiny_phi_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "learnt"
    done = run(*options(kind, table, out, tiny_phi_dir, "--json", "--held-out", 24))
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["method"], report["out"]) == (kind, str(out))
    measured = report["held_out"]
    assert measured["after"]["recall_at_1"] > measured["average"]["recall_at_1"]
    assert "216 triplets to learn from, 24 held out" in done.stderr
    assert not (tmp_path / "learnt.run").exists()

    pictures = table.parent / "pictures"
    hits = run("search", pictures, "but blue", "--image", pictures / "3-red.png", "--method", out, "--json")
    assert hits.exit_code == 0, hits.output
    assert any("blue" in hit["path"] for hit in json.loads(hits.stdout)["hits"][:3])

    folder = write_benchmark(tmp_path / "benchmark")
    results = tmp_path / "results"
    judged = run("evaluate", "styleshift", "--data", folder, "--method", f"{out},average", "--out", results)
    assert judged.exit_code == 0, judged.output
    assert str(out) in judged.stdout


def test_a_start_that_was_better_is_told_on_standard_error(
    run: Callable[..., Result], table: Path, tiny_phi_dir: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from sightword.training.tuned import TunedLearner

    scores = TunedLearner.scores
    monkeypatch.setattr(
        TunedLearner,
        "scores",
        lambda self, batch, targets: (-1 if self.training else 1) * scores(self, batch, targets),
    )
    done = run(*options("tuned", table, tmp_path / "out", tiny_phi_dir, "--held-out", 24))
    assert done.exit_code == 0, done.output
    (told,) = (line for line in done.stderr.splitlines() if "Learning did not help" in line)
    assert told.startswith("sightword: ") and "so the start is kept" in told
    assert "the weights of the start are kept" in done.stdout


def test_triplets_made_from_captions(run: Callable[..., Result], table: Path, tmp_path: Path) -> None:
    pictures = table.parent / "pictures"
    rows = [
        f"{path}\ta {path.stem.split('-')[1]} page {path.stem.split('-')[0]}"
        for path in pictures.glob("*.png")
    ]
    captions = tmp_path / "captions.tsv"
    captions.write_text("\n".join(["filepath\ttitle", *rows]))
    done = run(*options("combiner", f"auto:{captions}", tmp_path / "learnt", tmp_path, "--json"))
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["data"] == [f"{captions} (made by text difference)"]
    assert report["triplets"] > 100


@pytest.mark.parametrize(
    ("content", "more", "told"),
    [
        ("reference,text,target\n", [], "has no triplets"),
        ("reference,text,target\n{0},x,{0}\n", [], "1 whose target is its reference"),
        ("reference,text,target\n{0},x,{1}\n", [], "1 triplets are too few"),
        ("reference,text,target\n{0},x,gone.png\n", [], "1 of 2 pictures cannot be read, more than 5%"),
        ("reference,text,target\n{0},x,{1}\n{1},y,{0}\n", ["--held-out", 1], "cannot be held out"),
        ("reference,text,target\n{0},x,{1}\n", ["--text-column", "words"], "no column 'words'"),
    ],
)
def test_what_cannot_be_learnt_is_said_in_a_sentence(
    run: Callable[..., Result], table: Path, tmp_path: Path, content: str, more: list[object], told: str
) -> None:
    pictures = sorted((table.parent / "pictures").glob("*.png"))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(content.format(*pictures))
    done = run(*options("combiner", wrong, tmp_path / "out", tmp_path, *more))
    assert done.exit_code in (1, 2)
    assert told in done.output.replace("\n", " ")
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_without_triplets(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("train", "cirplant", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "cirplant learns from triplets: give --triplets" in done.output


def test_help_ends_with_the_recipe(run: Callable[..., Result]) -> None:
    words = " ".join(run("train", "combiner", "--help").output.split())
    assert "300 passes over the data of 4,096 rows" in words
    assert "arXiv 2308.11485" in words


def test_held_out_triplets_may_come_from_elsewhere(
    run: Callable[..., Result], table: Path, tmp_path: Path
) -> None:
    other = write_triplets(tmp_path / "other", scenes=3)
    done = run(*options("combiner", table, tmp_path / "out", tmp_path, "--held-out", other, "--json"))
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["triplets"] == 240
    assert report["held_out"]["after"]["triplets"] == 36
    again = run(*options("combiner", table, tmp_path / "out", tmp_path))
    assert again.exit_code == 2 and "holds a finished result already" in again.output
    assert "--overwrite" in run("train", "combiner", "--help").output
