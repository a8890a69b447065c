"""Names are read as they are meant, and the texts keep their rules."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from sightword.datasets import sources
from sightword.datasets.styleshift import names, phrases, styles, task_attribute
from sightword.datasets.styleshift.names import (
    direction_of,
    named_colour,
    read_facets,
    spoken,
    with_article,
)
from sightword.datasets.styleshift.styles import STYLES

SAYINGS = Path(__file__).parents[2] / "recipes" / "starter" / "sayings.py"
BRANDS = re.compile(r"(?i)noto|twemoji|twitter|fluent|microsoft|google|openmoji|apple|android")


@pytest.mark.parametrize("module", [names, styles, task_attribute, sources])
def test_examples(module) -> None:  # type: ignore[no-untyped-def]
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ear of corn", "an ear of corn"),
        ("unicorn", "a unicorn"),
        ("umbrella", "an umbrella"),
        ("chopsticks", "chopsticks"),
        ("compass", "a compass"),
        ("rice cracker", "a rice cracker"),
        ("bus", "a bus"),
        ("sheaf of rice", "a sheaf of rice"),
        ("pair of scissors", "a pair of scissors"),
    ],
)
def test_articles(name: str, said: str) -> None:
    assert with_article(name) == said


def test_facets() -> None:
    firefighter = read_facets("firefighter")
    assert read_facets("man firefighter").key == firefighter.key
    assert read_facets("woman firefighter: dark skin tone").key == firefighter.key
    assert read_facets("boy").key != read_facets("man").key
    assert read_facets("couple with heart: woman, man").key == "couple with heart: woman, man"
    assert read_facets("man in tuxedo") == read_facets(["man in tuxedo", " nothing known"][0])
    assert read_facets("person: beard").hair == "beard"
    assert spoken("couple with heart: woman, man") == "a couple with heart: woman, man"


def test_directions_and_colours() -> None:
    assert direction_of("person running facing right") == ("person running", "right")
    assert direction_of("up-left arrow") is None
    assert direction_of("bell") is None
    assert named_colour("blue") is None
    assert named_colour("red square") == ("square", "red")


def test_every_kind_has_open_and_reserved_phrasings() -> None:
    assert set(phrases.OPEN) == set(phrases.RESERVED)
    for kind in phrases.OPEN:
        both = [*phrases.OPEN[kind], *phrases.RESERVED[kind]]
        assert len(set(both)) == len(both) >= 4
        fields = {frozenset(re.findall(r"\{(\w+)\}", text)) for text in both}
        assert fields <= {
            frozenset(), frozenset({"b"}), frozenset({"word"}), frozenset({"bare"}), frozenset({"b", "c"}),
            frozenset({"word", "bare"}),
        }  # fmt: skip


def test_no_text_names_a_maker() -> None:
    texts = [text for table in (phrases.OPEN, phrases.RESERVED) for group in table.values() for text in group]
    assert not [
        text for text in [*texts, *(style.caption for style in STYLES.values())] if BRANDS.search(text)
    ]


def test_the_trainer_does_not_say_what_is_reserved() -> None:
    said = SAYINGS.read_text(encoding="utf-8").lower()
    for texts in phrases.RESERVED.values():
        for text in texts:
            core = re.sub(r"^(?:as|like|in|with) (?:an? |plain )?|\{\w+\}", "", text).strip()
            assert core not in said, f"recipes/starter/sayings.py trains on {text!r}"
