"""attribute: the same with one quality changed.

As the names encode it (skin tone, hair, gender, direction, colour): right are the pictures of the emoji whose
name differs in that alone, in every style that shows it. Made with public seeds (another colour, upside down,
a number of it), because few held-out names come in such pairs: right are the made pictures of the same emoji.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from sightword.datasets.styleshift.names import bare, direction_of, named_colour, spoken, with_article
from sightword.datasets.styleshift.stock import Emoji, Stock, dice_for
from sightword.datasets.styleshift.styles import caption
from sightword.datasets.styleshift.tasks import at_most, question, unjudged
from sightword.evaluation.composed import ComposedQuery

__all__ = ["attribute"]

FACETS = {"skin tone": "tone", "hair": "hair", "gender": "gender"}
_HAIR_WORDS = {"bald": "a bald head", "beard": "a beard"}


def attribute(stock: Stock) -> Iterator[ComposedQuery]:
    """All queries of the task."""
    for aspect in FACETS:
        yield from at_most(_people(stock, aspect), stock)
    yield from at_most(_named(stock, "direction", _facing), stock)
    yield from at_most(_named(stock, "named colour", named_colour), stock)
    for how in ("colour changed", "turned", "count"):
        yield from at_most(_made(stock, how), stock)


def _people(stock: Stock, aspect: str) -> Iterator[ComposedQuery]:
    field = FACETS[aspect]
    families: dict[str, list[Emoji]] = defaultdict(list)
    for code in sorted(stock.emoji):
        emoji = stock.emoji[code]
        if emoji.group == "people-body":
            families[str(replace(emoji.facets, **{field: ""}))].append(emoji)
    for family in families.values():
        for emoji in family:
            own = getattr(emoji.facets, field)
            others = [item for item in family if _says(item, field) and getattr(item.facets, field) != own]
            if not others or (field == "hair" and own == "" and emoji.facets.tone):
                continue
            dice = dice_for("attribute", stock.split, aspect, emoji.code)
            target = dice.choice(others)
            # Skin shows in colours only.
            references = emoji.coloured if field == "tone" else emoji.drawn
            right = target.coloured if field == "tone" else target.drawn
            if references and right:
                style = dice.choice(sorted(references))
                said = getattr(target.facets, field)
                yield question(
                    stock,
                    "attribute",
                    aspect,
                    references[style],
                    right.values(),
                    words={"word": _HAIR_WORDS.get(said, said)},
                    caption=caption(style, spoken(target.name)),
                    ignored=unjudged(stock, emoji.concept),
                )


def _says(emoji: Emoji, field: str) -> bool:
    value = getattr(emoji.facets, field)
    return value not in ("", "person", "child")


def _facing(name: str) -> tuple[str, str] | None:
    """Direction of a name; people who do something face left when nothing is said."""
    return direction_of(name) or ((name, "left") if name.startswith(("person ", "man ", "woman ")) else None)


def _named(
    stock: Stock, aspect: str, read: Callable[[str], tuple[str, str] | None]
) -> Iterator[ComposedQuery]:
    families: dict[str, list[tuple[Emoji, str]]] = defaultdict(list)
    for code in sorted(stock.emoji):
        emoji = stock.emoji[code]
        found = read(emoji.name)
        if found and emoji.group != "flags":
            families[found[0]].append((emoji, found[1]))
    for family in families.values():
        for emoji, own in family:
            others = [(item, word) for item, word in family if word != own]
            references = emoji.coloured if aspect == "named colour" else emoji.drawn
            for target, word in others:
                right = target.coloured if aspect == "named colour" else target.drawn
                style = dice_for("attribute", stock.split, aspect, emoji.code).choice(sorted(references))
                yield question(
                    stock,
                    "attribute",
                    aspect,
                    references[style],
                    right.values(),
                    words={"word": word},
                    caption=caption(style, spoken(target.name)),
                    ignored=unjudged(stock, target.concept),
                    tail=word,
                )


def _made(stock: Stock, how: str) -> Iterator[ComposedQuery]:
    for code in sorted(stock.emoji):
        emoji = stock.emoji[code]
        made = stock.made(code, how)
        for word in sorted({picture.made[how] for picture in made}):
            right = [picture for picture in made if picture.made[how] == word]
            for style in sorted({picture.style for picture in right}):
                thing = {
                    "colour changed": with_article(f"{word} {emoji.name}"),
                    "turned": f"{with_article(emoji.name)} upside down",
                    "count": f"{word} {plural(emoji.name)}",
                }[how]
                yield question(
                    stock,
                    "attribute",
                    how,
                    emoji.drawn[style],
                    right,
                    words={"word": word},
                    caption=caption(style, thing),
                    tail=word,
                )


def plural(name: str) -> str:
    """Several of a thing.

    Examples
    --------
    >>> plural("box"), plural("a drum"), plural("sunglasses")
    ('boxes', 'drums', 'sunglasses')
    """
    word = bare(name)
    if word.endswith(("ss", "x", "ch", "sh")):
        return f"{word}es"
    return word if word.endswith("s") else f"{word}s"
