"""``evaluate --index`` on a real Milvus server: FLAT scores as no index does, HNSW is asked as such."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import made_field
from made_benchmark import write_benchmark
from milvus_server import MilvusServer
from sightword.backbones import Backbone
from sightword.errors import IndexForAnotherBackbone, IndexProblem
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.composed import Picture
from sightword.evaluation.field import FieldQuery
from sightword.evaluation.held import Holding
from sightword.evaluation.judging import Galleries, judge
from sightword.evaluation.report import Report
from sightword.evaluation.run import run
from sightword.evaluation.styleshift import StyleShift
from sightword.index.base import Manifest
from sightword.index.milvus.address import Layout, parse_address
from sightword.index.milvus.store import MilvusStore
from sightword.index.milvus.writer import MilvusWriter
from sightword.methods.vectors import unit
from sightword.update.progress import Progress

pytestmark = pytest.mark.slow


@pytest.fixture
def there(milvus_server: MilvusServer) -> Callable[..., str]:
    """The address of a collection that is not there yet."""
    return lambda **options: milvus_server.url(f"held_{uuid.uuid4().hex[:8]}", **options)


@pytest.fixture
def ask(tiny_backbone: Backbone, tmp_path: Path) -> Callable[..., Report]:
    folder = write_benchmark(tmp_path / "squares")

    def call(index: str | None) -> Report:
        benchmark = StyleShift()
        loaded = benchmark.load(folder, "test")
        cache = tmp_path / "cache"
        return run(benchmark, loaded, tiny_backbone, ["image", "average"], cache=cache, index=index)

    return call


def test_flat_scores_the_same(there: Callable[..., str], ask: Callable[..., Report]) -> None:
    place = there(index="flat")
    alone, found, again = ask(None), ask(place), ask(place)
    for name, wanted in alone.methods.items():
        for report in (found, again):
            assert report.methods[name].places == wanted.places
            for one, other in zip(wanted.rows, report.methods[name].rows):
                assert other == pytest.approx(one, abs=1e-9)
    assert (found.index["added by this run"], again.index["added by this run"]) == (24, 0)
    told = found.index
    assert told["location"] == place.partition("?")[0]
    assert (told["engine"], told["vector index"], told["pictures"]) == ("Milvus v2.3.5-lite", "FLAT", 24)
    assert f"Ranked by the index {told['location']}: Milvus v2.3.5-lite, FLAT." in found.markdown()


def test_groups_are_asked_for_with_a_filter(
    there: Callable[..., str], tiny_backbone: Backbone, tmp_path: Path
) -> None:
    benchmark = benchmark_named("cirr", allow_missing=True)
    loaded = benchmark.load(made_field.cirr(tmp_path / "cirr"), "val")
    dice = np.random.default_rng(0)
    features = dice.standard_normal((len(loaded.pictures), tiny_backbone.spec.dim)).astype(np.float32)
    vectors = unit(dice.standard_normal((len(loaded.queries), tiny_backbone.spec.dim)).astype(np.float32))
    # Three places deep: nearly all of a group lies behind them.
    holding = Holding("cirr", 3, tiny_backbone.spec, parse_address(there()))
    held, _ = holding.hold(loaded, features, tmp_path / "cache", Progress())
    wanted = judge(benchmark, Galleries(loaded, features), vectors)
    for number, ranking in held.rankings(vectors, kept=3):
        query = loaded.queries[number]
        assert isinstance(query, FieldQuery)
        assert ranking.order(query.subset) == wanted.within[number]
        assert ranking.top(20) == wanted.tops[number][:20]
    held.close()


def test_a_graph_is_measured_as_a_graph(
    there: Callable[..., str], tiny_backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough rows for the server to build one, over all of them, before the first question."""
    made: list[Picture] = []
    folder = write_benchmark(tmp_path / "squares")
    plain = StyleShift().load(folder, "test").pictures[0]
    data = (folder / plain.file).read_bytes()
    for number in range(1500):
        file = folder / f"{number}.png"
        file.write_bytes(data)
        made.append(Picture(str(number), file.name, plain.sha256, "test", "", "", "", ()))
    queries = [
        FieldQuery(f"q{number}", "t", "", "test", (str(number),), "", (str(number + 1),))
        for number in range(40)
    ]
    loaded = Loaded(folder, "test", made, list(queries), reference_stays=True)
    spec = replace(tiny_backbone.spec, dim=64)
    dice = np.random.default_rng(1)
    features = dice.standard_normal((1500, 64)).astype(np.float32)
    vectors = unit(dice.standard_normal((40, 64)).astype(np.float32))
    place = parse_address(there(index="hnsw"))
    holding = Holding("circo", 50, spec, place)
    held, facts = holding.hold(loaded, features, tmp_path / "cache", Progress())
    assert facts["vector index"] == "HNSW"
    assert facts["built with"] == {"M": 32, "efConstruction": 256}
    assert facts["searched with"] == {"ef": 512}
    exact = dict(Galleries(loaded, features).rankings(vectors))
    # Looking at one picture at a time a graph misses some; rows that are still compared one by one do not.
    # (First of all: the server remembers the widest look that it was asked for.)
    store: Any = held.held.store
    careless = [
        store._connection.call(
            "search",
            collection_name=place.collection,
            data=[vector.tolist()],
            anns_field="unit",
            limit=1,
            output_fields=["path"],
            search_params={"metric_type": "IP", "params": {"ef": 1}},  # the library changes what it is given
        )[0][0]["entity"]["path"]
        for vector in vectors
    ]
    best = [f"{exact[number].top(1)[0]}.png" for number in range(len(vectors))]
    assert careless != best
    shares = [
        len(set(ranking.top(50)) & set(exact[number].top(50))) / 50
        for number, ranking in held.rankings(vectors)
    ]
    assert np.mean(shares) > 0.95
    held.close()
    flat = Holding("circo", 50, spec, replace(place, layout=Layout(index="flat")))
    with pytest.raises(IndexProblem, match="is HNSW, and not FLAT as its address says") as caught:
        flat.check(loaded, "clip")
    assert f"sightword compact '{place.plain}?index=flat'" in str(caught.value)


def test_filling_goes_on_and_other_rows_are_refused(
    there: Callable[..., str], ask: Callable[..., Report], tiny_backbone: Backbone, monkeypatch: Any
) -> None:
    place = there()
    add, calls = MilvusWriter.add, []

    def stopping(self: MilvusWriter, pictures: Any) -> None:
        calls.append(len(pictures))
        if len(calls) == 3:
            raise KeyboardInterrupt
        add(self, pictures)

    monkeypatch.setattr("sightword.evaluation.held_rows.BATCH", 5)
    monkeypatch.setattr(MilvusWriter, "add", stopping)
    with pytest.raises(KeyboardInterrupt):
        ask(place)
    assert ask(place).index["added by this run"] == 14
    store = MilvusStore.open(parse_address(place))
    row = store.find(b"pictures/left-red.png")
    assert row is not None
    (kept,) = store.stored([row.id])
    with store.writer() as writer:
        writer.restore([replace(kept, row=replace(row, path=b"b.png"))])
    store.close()
    with pytest.raises(IndexProblem, match="files that are not in this gallery: b") as caught:
        ask(place)
    assert f"--index {place.rpartition('/')[0]}/styleshift_test_tiny" in str(caught.value)
    other = there()
    MilvusStore.create(parse_address(other), Manifest("other", "1" * 64, "clip", 16)).close()
    with pytest.raises(IndexForAnotherBackbone, match="made with the backbone other"):
        ask(other)
