"""Rankings from an index against rankings of the same vectors here; answers that are not exact or whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sightword.errors import IndexProblem
from sightword.evaluation import page
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.fashioniq import FashionIQ
from sightword.evaluation.field import FieldQuery, shot
from sightword.evaluation.held_ranking import Held, HeldGalleries, HeldRanking
from sightword.evaluation.judging import Galleries, judge
from sightword.evaluation.ranking import BEYOND, Ranking
from sightword.index.base import Manifest, Picture, Scored
from sightword.index.store import LocalStore, open_store
from sightword.methods.vectors import unit

COUNT, DIM = 300, 16
NAMES = [f"p{number}" for number in range(COUNT)]
# Names that mean something in a pattern, and files of one name in two folders.
FILES = [f"d{number % 7}/a[{number // 7}]*.png" for number in range(COUNT)]


@pytest.fixture(scope="module")
def features() -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(3).standard_normal((COUNT, DIM)).astype(np.float32)


@pytest.fixture(scope="module")
def store(features: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    folder = tmp_path_factory.mktemp("held")
    store = open_store(folder, index=folder / "index", create=Manifest("tiny", "0" * 64, "clip", DIM))
    with store.writer() as writer:
        writer.add([picture(file, row) for file, row in zip(FILES, features)])
    yield store
    store.close()


def picture(file: str, feature: np.ndarray) -> Picture:
    digest = hashlib.sha256(file.encode()).digest()
    return Picture(file.encode(), 1, 2, digest, 8, 8, "png", None, feature)


def query(number: int, **more: Any) -> FieldQuery:
    return FieldQuery(f"q{number}", "t", "", "val", (f"p{number}",), "", (f"p{number + 1}",), **more)


class Asked:
    """A store that notes how it was asked, and may change its answers."""

    def __init__(self, store: LocalStore, change: Callable[[list[Scored], int], list[Scored]]) -> None:
        self.store, self.change = store, change
        self.asked: list[tuple[int, bool]] = []

    def scan(self, vector: np.ndarray, k: int, *, where: Any = None) -> list[Scored]:
        self.asked.append((k, where is not None))
        return self.change(self.store.scan(vector, k, where=where), k)

    def close(self) -> None:
        """It serves other tests."""


def galleries(
    store: LocalStore,
    features: np.ndarray,
    queries: Sequence[FieldQuery],
    deepest: int | None,
    change: Callable[[list[Scored], int], list[Scored]] = lambda hits, k: hits,
    **more: Any,
) -> tuple[HeldGalleries, Asked]:
    pictures = [shot(name, file, "val") for name, file in zip(NAMES, FILES)]
    loaded = Loaded(Path(), "val", list(pictures), list(queries), **more)
    asked = Asked(store, change)
    held = Held(asked, {f.encode(): n for f, n in zip(FILES, NAMES)}, "here")  # type: ignore[arg-type]
    return HeldGalleries(loaded, features, held, deepest), asked


def here(features: np.ndarray, vector: np.ndarray, members: Sequence[str], out: Sequence[str]) -> Ranking:
    rows = [NAMES.index(name) for name in members]
    return Ranking(unit(features[rows]) @ vector, {n: at for at, n in enumerate(members)}, members, out)


def vectors(count: int) -> np.ndarray:
    return unit(np.random.default_rng(4).standard_normal((count, DIM)).astype(np.float32))


def test_the_whole_ranking(store: LocalStore, features: np.ndarray) -> None:
    queries = [query(number, ignored=("p7", "p8")) for number in (0, 20, 40)]
    found, _ = galleries(store, features, queries, None)
    for number, ranking in found.rankings(vectors(3)):
        out = (*queries[number].references, *queries[number].ignored)
        wanted = here(features, vectors(3)[number], NAMES, out)
        kept = [name for name in NAMES if name not in out]
        assert (ranking.size, ranking.deep) == (COUNT - 3, None)
        assert ranking.places(kept[:5]).tolist() == wanted.places(kept[:5]).tolist()
        assert ranking.places(kept).tolist() == wanted.places(kept).tolist()
        assert ranking.order(kept[::9]) == wanted.order(kept[::9])
        assert ranking.top(COUNT) == wanted.top(COUNT)


def test_no_deeper_than_metrics_look(store: LocalStore, features: np.ndarray) -> None:
    group = ("p50", "p100", "p150", "p200", "p250")
    queries = [query(number, subset=group) for number in (0, 20, 40)]
    found, asked = galleries(store, features, queries, 50)
    for number, ranking in found.rankings(vectors(3)):
        wanted = here(features, vectors(3)[number], NAMES, queries[number].references)
        kept = [name for name in NAMES if name not in queries[number].references]
        places = [place if place <= 50 else BEYOND for place in wanted.places(kept).tolist()]
        assert ranking.deep == 50
        assert ranking.top(50) == wanted.top(50)
        assert ranking.places(kept).tolist() == places
        assert ranking.order(group) == wanted.order(group) == ranking.order(group)
    assert asked.asked == [(51, False), (5, True)] * 3
    found, asked = galleries(store, features, queries, 50)
    next(found.rankings(vectors(3), kept=120))  # a method that ranks 120 anew
    assert asked.asked == [(121, False)]


def test_answers_far_behind_have_no_place(store: LocalStore, features: np.ndarray) -> None:
    queries = [replace(query(number), references=(f"p{number + 7}",)) for number in range(0, 80, 2)]
    held, _ = galleries(store, features, queries, 50, reference_stays=True)
    found, wanted = (
        judge(FashionIQ(), each, vectors(40)) for each in (held, Galleries(held.loaded, features))
    )
    assert found.rows == wanted.rows
    assert found.places == [place if place <= 50 else -50 for place in wanted.places]
    assert min(found.places) == -50 < 0 < max(found.places)
    far = found.places.index(-50)
    report = SimpleNamespace(
        loaded=held.loaded, methods={"average": found}, main="R@10"
    )  # what a card of the page reads
    pictures = SimpleNamespace(figure=lambda name, kind: "")
    assert "no right answer among the first 50<" in page._card(report, far, pictures)  # type: ignore[arg-type]


def test_galleries_of_tasks(store: LocalStore, features: np.ndarray) -> None:
    members = NAMES[::4]
    found, asked = galleries(store, features, [query(0)], 50, galleries={"t": members}, reference_stays=True)
    ((_, ranking),) = found.rankings(vectors(1))
    wanted = here(features, vectors(1)[0], members, ())
    assert ranking.size == 75
    assert ranking.top(50) == wanted.top(50)
    assert [k for k, _ in asked.asked] == [50, 100, 200, 300][: len(asked.asked)]
    assert len(asked.asked) > 1


def test_the_first_answer_stands(store: LocalStore, features: np.ndarray) -> None:
    """An approximate index overlooks its best picture when it is asked for few."""

    def overlooking(hits: list[Scored], k: int) -> list[Scored]:
        return store.scan(vectors(1)[0], k + 1)[1:] if k < 100 else hits

    found, asked = galleries(store, features, [query(0)], None, overlooking)
    ((_, ranking),) = found.rankings(vectors(1))
    best = here(features, vectors(1)[0], NAMES, ("p0",)).top(2)
    assert ranking.top(1) == best[1:]
    known = len([name for name in here(features, vectors(1)[0], NAMES, ()).top(52)[1:] if name != "p0"])
    assert ranking.places(best).tolist() == [known + 1, 1]
    assert [k for k, _ in asked.asked] == [51, COUNT]
    assert ranking.order(best) == best[::-1]


def test_equal_scores_go_by_the_gallery(store: LocalStore, features: np.ndarray) -> None:
    def equal(hits: list[Scored], k: int) -> list[Scored]:
        return [replace(hit, score=round(hit.score, 1)) for hit in hits]

    found, _ = galleries(store, features, [query(0)], None, equal)
    ((_, ranking),) = found.rankings(vectors(1), kept=COUNT)
    scores = np.round(unit(features) @ vectors(1)[0], 1)
    order = [NAMES[row] for row in np.argsort(-scores, kind="stable") if row]
    assert ranking.top(COUNT) == order


def test_equal_scores_at_the_end_of_an_answer_go_by_path(tmp_path: Path) -> None:
    files = ["d.png", "c.png", "b.png", "a.png"]  # the gallery's order
    manifest = Manifest("tiny", "0" * 64, "clip", DIM)
    feature = np.ones(DIM, np.float32)
    with open_store(tmp_path, index=tmp_path / "index", create=manifest) as equal:
        with equal.writer() as writer:
            writer.add([picture(file, feature) for file in files])
        loaded = Loaded(tmp_path, "val", [shot(file[0], file, "val") for file in files], [])
        held = Held(equal, {file.encode(): file[0] for file in files}, "here")
        found = HeldGalleries(loaded, np.stack([feature] * 4), held, None)
        assert found.best(unit(feature), 2) == ["b", "a"]
        assert found.best(unit(feature), 4) == ["d", "c", "b", "a"]


def ranked(found: HeldGalleries) -> HeldRanking:
    ((_, ranking),) = found.rankings(vectors(1))
    return ranking


def test_answers_that_are_not_whole_are_told(store: LocalStore, features: np.ndarray) -> None:
    found, _ = galleries(store, features, [query(0)], 50, lambda hits, k: hits[:-1])
    with pytest.raises(IndexProblem, match="here was asked for 51 pictures of the gallery and answered"):
        ranked(found)
    stranger = replace(store.scan(vectors(1)[0], 1)[0].picture, path=b"elsewhere.png")
    found, _ = galleries(store, features, [query(0)], 50, lambda hits, k: [Scored(stranger, 1.0), *hits[:-1]])
    with pytest.raises(IndexProblem, match="sightword info"):
        ranked(found)


def test_a_filter_that_lacks_a_picture_is_told(store: LocalStore, features: np.ndarray) -> None:
    group = ("p50", "p100", "p150", "p200", "p250")
    found, asked = galleries(
        store, features, [query(0, subset=group)], 50, lambda hits, k: [h for h in hits if len(hits) > 5]
    )
    with pytest.raises(IndexProblem, match="asked for 5 pictures of the gallery and answered with 0"):
        ranked(found).order(group)
    assert asked.asked[1:] == [(5, True), (COUNT, True)]


def test_the_limit_of_an_engine_is_named(store: LocalStore, features: np.ndarray) -> None:
    found, _ = galleries(store, features, [query(0)], 50)
    found.held = replace(found.held, most=120)
    ranked(found)
    with pytest.raises(IndexProblem, match="first 201 pictures of here, which answers at most 120 at once"):
        next(found.rankings(vectors(1), kept=200))
