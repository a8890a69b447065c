"""A benchmark's gallery in an index on this disk: the same scores, filled once, and nothing else in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import made_field
from made_benchmark import write_benchmark
from sightword.backbones import Backbone
from sightword.errors import IndexForAnotherBackbone, IndexProblem, UsageError
from sightword.evaluation import held, held_rows
from sightword.evaluation.benchmark import Benchmark, Loaded
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.coco_csv import write_coco_compose
from sightword.evaluation.held import Holding
from sightword.evaluation.judging import Galleries, judge
from sightword.evaluation.report import Report
from sightword.evaluation.run import run
from sightword.index.base import Manifest
from sightword.index.store import open_store
from sightword.index.writer import LocalWriter
from sightword.methods.vectors import unit
from sightword.update.progress import Progress


def coco(root: Path) -> Path:
    write_coco_compose(made_field.coco(root), seed=1)
    return root


MADE: dict[str, Callable[[Path], Path]] = {
    "styleshift": lambda root: write_benchmark(root / "squares"),
    "fashioniq": made_field.fashioniq,
    "cirr": made_field.cirr,
    "circo": made_field.circo,
    "imagenet-r": made_field.imagenet_r,
    "coco-compose": coco,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MADE.items()}


def load(name: str, folder: Path) -> tuple[Benchmark, Loaded]:
    benchmark = benchmark_named(name, allow_missing=True)
    return benchmark, benchmark.load(folder, benchmark.splits[0])


@pytest.fixture
def ask(folders: dict[str, Path], tiny_backbone: Backbone, tmp_path: Path) -> Callable[..., Report]:
    """Evaluate StyleShift's squares with an index."""

    def call(index: Path, backbone: Backbone = tiny_backbone, **more: Any) -> Report:
        benchmark, loaded = load("styleshift", folders["styleshift"])
        more.setdefault("cache", tmp_path / "cache")
        return run(benchmark, loaded, backbone, ["image", "average"], index=index, **more)

    return call


def test_styleshift_scores_the_same(
    folders: dict[str, Path], tiny_backbone: Backbone, ask: Callable[..., Report], tmp_path: Path
) -> None:
    benchmark, loaded = load("styleshift", folders["styleshift"])
    alone = run(benchmark, loaded, tiny_backbone, ["image", "average"], cache=tmp_path / "cache")
    there = ask(tmp_path / "index")
    for name, wanted in alone.methods.items():
        found = there.methods[name]
        for one, other in zip(wanted.rows, found.rows):
            assert other == pytest.approx(one, abs=1e-9)
        assert found.places == wanted.places
        assert [set(top) for top in found.tops] == [set(top) for top in wanted.tops]
    told = there.as_json()
    assert alone.as_json()["index"] is None
    assert told["index"] == {
        "location": str(tmp_path / "index"), "engine": "this machine", "built with": {}, "searched with": {},
        "vector index": "every picture compared", "precision": "float32", "pictures": 24,
        "added by this run": 24,
    }  # fmt: skip
    assert "by the index; the first 50 places" in told["protocol"]["ranking"]
    assert "down to all" in told["protocol"]["ranking"]
    line = f"Ranked by the index {tmp_path / 'index'}: this machine, every picture compared."
    assert line in there.markdown().splitlines()
    assert "Ranked by" not in alone.markdown()
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize("name", list(MADE))
def test_every_benchmark_ranks_random_features_alike(
    name: str, folders: dict[str, Path], tiny_backbone: Backbone, tmp_path: Path
) -> None:
    """Without ties, which the tiny backbone makes."""
    benchmark, loaded = load(name, folders[name])
    dice = np.random.default_rng(0)
    features = dice.standard_normal((len(loaded.pictures), tiny_backbone.spec.dim)).astype(np.float32)
    vectors = unit(dice.standard_normal((len(loaded.queries), tiny_backbone.spec.dim)).astype(np.float32))
    holding = Holding.of(benchmark, tiny_backbone.spec, tmp_path / "index")
    holding.check(loaded, "clip")
    there, facts = holding.hold(loaded, features, tmp_path / "cache", Progress())
    wanted, found = (judge(benchmark, each, vectors) for each in (Galleries(loaded, features), there))
    there.close()
    assert facts["pictures"] <= len(loaded.pictures)
    # Masked pictures are asked with, and not ranked.
    assert (facts["pictures"] < len(loaded.pictures)) == (name == "coco-compose")
    assert found.rows == wanted.rows
    assert found.places == wanted.places
    assert found.tops == wanted.tops
    assert found.within == wanted.within
    assert any(found.within) == (name == "cirr")


def test_rows_are_an_index_like_any_other(
    folders: dict[str, Path], ask: Callable[..., Report], tmp_path: Path, tiny_backbone: Backbone
) -> None:
    ask(tmp_path / "index")
    with open_store(folders["styleshift"], index=tmp_path / "index") as store:
        spec = tiny_backbone.spec
        assert store.manifest == Manifest(spec.name, spec.weights_hash, "clip", spec.dim)
        row = store.find(b"pictures/left-red.png")
        assert row is not None
        file = folders["styleshift"] / "pictures" / "left-red.png"
        assert row.content_hash == hashlib.sha256(file.read_bytes()).digest()
        assert (row.size, row.mtime_ns) == (file.stat().st_size, file.stat().st_mtime_ns)
        assert (row.width, row.height, row.format, row.taken) == (32, 32, "png", None)
        assert store.check().ok


def test_filling_goes_on_where_it_stopped(
    ask: Callable[..., Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_rows, "BATCH", 5)
    add, calls = LocalWriter.add, []

    def stopping(self: LocalWriter, pictures: Any) -> None:
        calls.append(len(pictures))
        if len(calls) == 3:
            raise KeyboardInterrupt
        add(self, pictures)

    monkeypatch.setattr(LocalWriter, "add", stopping)
    with pytest.raises(KeyboardInterrupt):
        ask(tmp_path / "index")
    assert ask(tmp_path / "index").index["added by this run"] == 14
    assert calls == [5, 5, 5, 5, 5, 4]
    assert ask(tmp_path / "index").index["added by this run"] == 0
    assert len(calls) == 6


def test_what_holds_anything_else_is_refused(
    folders: dict[str, Path], ask: Callable[..., Report], tmp_path: Path, tiny_backbone: Backbone
) -> None:
    index = tmp_path / "index"
    ask(index)
    hint = f"--index {tmp_path / 'styleshift_test_tiny'}"
    other = replace(tiny_backbone.spec, weights_hash="1" * 64)
    benchmark, loaded = load("styleshift", folders["styleshift"])
    with pytest.raises(IndexForAnotherBackbone, match="same name, other weights") as caught:
        Holding.of(benchmark, other, index).check(loaded, "clip")
    assert hint in str(caught.value)
    with open_store(folders["styleshift"], index=index) as store:
        row = store.find(b"pictures/left-red.png")
        assert row is not None
        (kept,) = store.stored([row.id])
        changed = replace(kept, row=replace(row, content_hash=bytes(32)))
        turned = replace(kept, unit=np.roll(kept.unit, 1))
        stranger = replace(kept, row=replace(row, path=b"elsewhere/a.png"))
        for wrong, said in (
            (changed, "other contents than this gallery's files have: pictures/left-red.png"),
            (turned, r"other vectors of these pictures \(cosine"),
            (stranger, "holds files that are not in this gallery: elsewhere/a.png"),
        ):
            with store.writer() as writer:
                writer.restore([wrong])
            with pytest.raises(IndexProblem, match=said) as caught_:
                ask(index)
            assert hint in str(caught_.value)
            with store.writer() as writer:
                writer.restore([kept])
        with store.writer() as writer:  # hidden, but still no part of the gallery
            writer.mark_gone([b"elsewhere/a.png"])
        with pytest.raises(IndexProblem, match="not in this gallery"):
            ask(index)
        store.compact()
    assert ask(index).index["added by this run"] == 0


def test_a_picture_that_was_hidden_is_shown_again(ask: Callable[..., Report], tmp_path: Path) -> None:
    ask(tmp_path / "index")
    with open_store(tmp_path, index=tmp_path / "index") as store, store.writer() as writer:
        writer.mark_gone([b"pictures/left-red.png"])
    told = ask(tmp_path / "index").index
    assert (told["added by this run"], told["pictures"]) == (1, 24)


def test_an_index_of_a_folder_is_refused(
    ask: Callable[..., Report], tmp_path: Path, tiny_backbone: Backbone
) -> None:
    spec = tiny_backbone.spec
    manifest = Manifest(spec.name, spec.weights_hash, "product", spec.dim)
    open_store(tmp_path, index=tmp_path / "index", create=manifest).close()
    with pytest.raises(IndexProblem, match="prepared by 'product', and benchmarks are measured with 'clip'"):
        ask(tmp_path / "index")


def test_refused_before_any_picture_is_read(
    folders: dict[str, Path],
    ask: Callable[..., Report],
    tiny_backbone: Backbone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    benchmark, loaded = load("genecis", made_field.genecis(tmp_path / "genecis"))
    there = "milvus://ann@127.0.0.1:1/x"  # where nobody listens: it is not asked

    class Blind:
        spec = tiny_backbone.spec

    with pytest.raises(UsageError, match="candidates of its own") as caught:
        run(benchmark, loaded, Blind(), ["image"], index=there)  # type: ignore[arg-type]
    assert "styleshift, fashioniq, cirr" in str(caught.value)
    with pytest.raises(UsageError, match="no pictures prepared by 'targetpad'"):
        ask(there, Blind(), preprocess="targetpad")
    with pytest.raises(UsageError, match="names no collection"):
        ask("milvus://127.0.0.1", Blind())
    monkeypatch.setattr(held, "most_at_once", lambda place: 20)
    with pytest.raises(UsageError, match="whole ranking, here of 24 pictures") as caught:
        ask(there, Blind())
    assert "milvus://127.0.0.1:1/x answers at most 20 at once" in str(caught.value)
    assert "ann" not in str(caught.value)
    _, one = load("cirr", folders["cirr"])
    twice = replace(one, pictures=[replace(picture, file="a.png") for picture in one.pictures])
    with pytest.raises(UsageError, match="lists a file more than once"):
        Holding.of(benchmark_named("cirr"), tiny_backbone.spec, tmp_path / "x").check(twice, "clip")
    assert not (tmp_path / "x").exists()


def test_a_strangers_index_is_refused_before_any_picture_is_read(
    ask: Callable[..., Report], tmp_path: Path, tiny_backbone: Backbone
) -> None:
    class Blind:
        spec = tiny_backbone.spec

    ask(tmp_path / "index")
    with open_store(tmp_path, index=tmp_path / "index") as store:
        row = store.find(b"pictures/left-red.png")
        assert row is not None
        (kept,) = store.stored([row.id])
        with store.writer() as writer:
            writer.restore([replace(kept, row=replace(row, path=b"elsewhere/a.png"))])
            writer.mark_gone([b"elsewhere/a.png"])
    with pytest.raises(IndexProblem, match=r"not in this gallery: elsewhere/a.png"):
        ask(tmp_path / "index", Blind(), cache=tmp_path / "fresh")


def test_nothing_is_made_for_a_benchmark_that_cannot_be_read(
    ask: Callable[..., Report], tmp_path: Path, tiny_backbone: Backbone
) -> None:
    class Broken:
        spec = tiny_backbone.spec

        def encode_images(self, pixels: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(tmp_path / "index", Broken())
    assert not (tmp_path / "index").exists()
