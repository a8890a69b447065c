"""compose ("with a drum"), negation ("without the drum"), conflict ("a drum" on a picture of a banana)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sightword.datasets.styleshift.names import bare, with_article
from sightword.datasets.styleshift.stock import Emoji, Stock, dice_for, ids
from sightword.datasets.styleshift.styles import caption
from sightword.datasets.styleshift.tasks import at_most, question
from sightword.evaluation.composed import ComposedQuery, Picture

__all__ = ["compose", "conflict", "negation"]


def compose(stock: Stock) -> Iterator[ComposedQuery]:
    """One thing, and words for another: right are all scenes of the two."""
    yield from at_most(_compose(stock), stock)


def _compose(stock: Stock) -> Iterator[ComposedQuery]:
    for one, other in stock.pairs():
        for seen, said in ((one, other), (other, one)):
            style = dice_for("compose", seen.code, said.code).choice(sorted(seen.coloured))
            yield question(
                stock,
                "compose",
                "compose",
                seen.drawn[style],
                stock.scenes(one.code, other.code),
                words={"b": with_article(said.name)},
                caption=caption(style, f"{with_article(seen.name)} and {with_article(said.name)}"),
                tail=said.code,
            )


def negation(stock: Stock) -> Iterator[ComposedQuery]:
    """A thing to be left out, once in the words and once by the option ``--without``.

    Right are pictures of what remains, in all styles; what else was made from it, clip art and stamps of it
    are not judged.
    """
    for asked in at_most(_negation(stock), stock):
        yield replace(asked, id=f"{asked.id}/words", aspect=f"{asked.aspect}, in words")
        unwanted = asked.words["b"]
        yield replace(
            asked,
            id=f"{asked.id}/option",
            aspect=f"{asked.aspect}, by option",
            text="",
            without=(unwanted,),
            reserved=False,
        )


def _negation(stock: Stock) -> Iterator[ComposedQuery]:
    for one, other in stock.pairs():
        for kept, gone in ((one, other), (other, one)):
            reference = dice_for("negation", kept.code, gone.code).choice(stock.scenes(one.code, other.code))
            yield _left_out(stock, "scene", reference, kept, f"the {bare(gone.name)}", kept.code)
    by_name = {emoji.name: emoji for emoji in stock.emoji.values()}
    for code in sorted(stock.emoji):
        emoji = stock.emoji[code]
        gone_name, rest = _with(emoji)
        if rest in by_name:
            style = dice_for("negation", code).choice(sorted(emoji.drawn))
            yield _left_out(stock, "name", emoji.drawn[style], by_name[rest], gone_name, "")


def _with(emoji: Emoji) -> tuple[str, str]:
    """What a name says is there too, and the name without it."""
    if emoji.facets.hair == "beard":
        return "the beard", emoji.name.replace(": beard", "").replace(", beard", "")
    match = re.fullmatch(r"(.+?) with (.+)", emoji.name)
    return (f"the {bare(match[2])}", match[1]) if match else ("", "")


def _left_out(
    stock: Stock, aspect: str, reference: Picture, kept: Emoji, gone: str, tail: str
) -> ComposedQuery:
    alone = [picture for picture in stock.about(kept.concept) if picture.kind != "scene"]
    return question(
        stock,
        "negation",
        aspect,
        reference,
        kept.drawn.values(),
        kind="negation",
        words={"b": gone, "bare": bare(gone)},
        caption=caption(reference.style, with_article(kept.name)),
        ignored=alone,
        tail=tail,
    )


def conflict(stock: Stock) -> Iterator[ComposedQuery]:
    """Picture and words name different things: nothing is right, the share of the first ten that agrees with
    the picture, with the words or with both (scenes) is told."""
    yield from at_most(_conflict(stock), stock)


def _conflict(stock: Stock) -> Iterator[ComposedQuery]:
    for one, other in stock.pairs():
        for seen, said in ((one, other), (other, one)):
            style = dice_for("conflict", seen.code, said.code).choice(sorted(seen.coloured))
            yield _clash(stock, "conflict", seen.drawn[style], seen, said, "")
            colours = sorted(
                {item.made["colour changed"] for item in stock.made(said.code, "colour changed")}
            )
            shown = stock.made(seen.code, "colour changed")
            if colours and shown:
                dice = dice_for("coloured conflict", seen.code, said.code)
                colour, reference = dice.choice(colours), dice.choice(shown)
                if reference.made["colour changed"] != colour:
                    yield _clash(stock, "coloured conflict", reference, seen, said, colour)


def _clash(
    stock: Stock, aspect: str, reference: Picture, seen: Emoji, said: Emoji, colour: str
) -> ComposedQuery:
    name = f"{colour} {said.name}".strip()
    agree = {
        "picture": stock.about(seen.concept),
        "text": stock.about(said.concept),
        "both": stock.scenes(seen.code, said.code),
    }
    if colour:
        made = stock.made(said.code, "colour changed")
        agree["exactly the text"] = [item for item in made if item.made["colour changed"] == colour]
    return question(
        stock,
        "conflict",
        aspect,
        reference,
        (),
        words={"b": with_article(name), "bare": bare(said.name), "word": colour},
        caption=caption(reference.style, with_article(name)),
        tail=said.code,
        agree={
            what: tuple(item for item in ids(pictures) if item != reference.id)
            for what, pictures in agree.items()
        },
    )
