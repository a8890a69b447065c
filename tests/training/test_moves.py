"""The triplets that the shipped head learnt from: which words lead where, and what is no counter-example."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the recipes learn with torch")
pytest.importorskip("timm", reason="the recipes read ImageNet's names from it")

pytestmark = pytest.mark.slow
RECIPES = Path(__file__).parents[2] / "recipes"


def row(name: str, concept: str, style: str, code: str = "1f9d1", **more: Any) -> dict[str, Any]:
    """A picture's record, of the training split."""
    told = {"name": name, "concept": concept, "style": style, "code": code, "file": f"{style}/{name}.png"}
    return {**told, "split": "train", "tone": 0, "keywords": [], **more}


ROWS = [
    row("fox", "fox", "noto", "1f98a"),
    row("fox", "fox", "openmoji-black", "1f98a"),
    row("fox", "fox", "clipart-black", ""),
    row("owl", "owl", "openmoji-black", "1f989"),
    row("person", "person", "noto"),
    row("woman", "person", "noto"),
    row("woman: dark skin tone", "person", "noto", tone=5),
]
NOTO, LINE, OTHER_LINE, OWL, PERSON, WOMAN, DARK = range(len(ROWS))


@pytest.fixture(scope="module")
def recipe() -> Iterator[Any]:
    """The recipe's modules. Other tests have modules of the same short names: theirs come back afterwards."""
    folders = [RECIPES / "phi", RECIPES / "starter", RECIPES / "examples"]
    names = {path.stem for folder in folders for path in folder.glob("*.py")}
    theirs = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    path = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders]
    import moves

    yield moves
    for name in names & sys.modules.keys():
        del sys.modules[name]
    sys.modules.update(theirs)
    sys.path[:] = path


@pytest.fixture(scope="module")
def views(recipe: Any) -> Any:
    """One plain view of each row."""
    made, sayings = object.__new__(recipe.Views), recipe.sayings
    made.rows, made.about = ROWS, [(row, "plain", None) for row in range(len(ROWS))]

    def numbers(key: str) -> Any:
        return np.unique([row[key] for row in ROWS], return_inverse=True)[1]

    made.concept, made.name, made.look = numbers("concept"), numbers("name"), numbers("style")
    made.traits = np.array([sayings.traits(row) for row in ROWS])
    made.family = np.array([sayings.true_of(row["style"], "plain") for row in ROWS])
    made.train = made.plain = np.arange(len(ROWS))
    made.groups, made.share = [[NOTO, LINE], [OWL], [PERSON]], np.array([0.5, 0.3, 0.2])
    made.siblings, made.roles = [[PERSON, WOMAN, DARK]], []
    return made


def test_words_lead_from_one_view_to_another(views: Any) -> None:
    dice = random.Random(0)
    lines = re.compile("line|black|sketch|doodle")
    for _ in range(20):
        words = views.words_between(NOTO, LINE, dice).text
        assert lines.search(words) and "fox" not in words
        assert "dark skin" in views.words_between(WOMAN, DARK, dice).text
        assert "woman" in views.words_between(PERSON, WOMAN, dice).text
    assert views.words_between(NOTO, NOTO, dice) is None
    assert views.words_between(DARK, WOMAN, dice) is None


def test_what_is_true_of_another_view_is_no_counter_example(views: Any, recipe: Any) -> None:
    said = recipe.sayings.Said
    line = said("a line drawing", recipe.sayings.FAMILIES.index("line"))
    exactly = said("but a woman", -1)
    found = views.true([line, exactly], np.array([LINE, WOMAN]), np.arange(len(ROWS)))
    assert np.flatnonzero(found[0]).tolist() == [LINE]  # clipart-black is not known to be of lines
    assert np.flatnonzero(found[1]).tolist() == [WOMAN, DARK]


def test_false_negatives_are_those_of_a_loop(views: Any, recipe: Any) -> None:
    dice, count = random.Random(1), 40
    pairs: list[tuple[int, int, Any]] = []
    while len(pairs) < count:
        a, b = dice.randrange(len(ROWS)), dice.randrange(len(ROWS))
        if words := views.words_between(a, b, dice):
            pairs.append((a, b, words))
    target, said = np.array([b for _, b, _ in pairs]), [words for *_, words in pairs]
    fields = {name: np.zeros(1, np.int64) for name in recipe.Moves.__dataclass_fields__}
    made = recipe.Moves(
        **{**fields, "target": target, "views": views, "said": said, "seen": np.arange(len(ROWS))}
    )
    rows = np.array([3, 7, 1, 30, 12, 25, 39, 0])
    expected = [
        [
            i != j and bool(views.true([said[i]], target[[i]], target[[j]])[0, 0])
            for j in rows
        ]
        for i in rows
    ]  # fmt: skip
    assert np.array_equal(made.false_negatives(rows), np.array(expected))
    assert made.false_negatives(rows).any()


def test_a_draw_holds_moves_within_things_only(
    views: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "GROUPS", 2)
    monkeypatch.setattr(recipe, "SIBLINGS", 1)
    found = recipe._draw(views, 30, seed=0)
    assert found == recipe._draw(views, 30, seed=0)
    assert len({(a, b, words.text) for a, b, words in found}) == len(found) > 10
    assert all(views.concept[a] == views.concept[b] and a != b for a, b, _ in found)
