"""Draw every picture of the gallery: the artwork itself, then what is made from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image

from sightword.datasets.styleshift import changes
from sightword.datasets.styleshift.art import Art
from sightword.datasets.styleshift.render import Unusable, render
from sightword.datasets.styleshift.stock import Emoji, Stock, dice_for
from sightword.evaluation.composed import Picture
from sightword.update.progress import Progress

__all__ = ["THINGS", "draw_all"]

THINGS = {"test": 60, "validation": 60, "train": 400}
"""How many things of a split are recoloured, turned, counted and put into scenes."""
STYLES_EACH = 2
WORDS_EACH = 2
"""Colours and numbers a thing is made in."""
NEIGHBOURS = (1, 2)
"""Who is put beside whom: the next and the next but one in a circle of things."""


def draw_all(
    folder: Path, art: Sequence[Art], stocks: Mapping[str, Stock], progress: Progress
) -> dict[str, str]:
    """Write all pictures and take them into the stocks.

    Returns
    -------
    dict of str to str
        Drawings that were left out, and why.
    """
    left_out: dict[str, str] = {}
    progress.description("drawing")
    progress.total(len(art))
    for item in art:
        progress.advance()
        try:
            page = render(item)
        except Unusable as reason:
            left_out[item.id] = str(reason)
            continue
        about = Picture(
            id=item.id,
            file="",
            sha256="",
            split=item.split,
            kind=item.kind,
            style=item.style,
            name=item.name,
            concepts=(item.concept,),
            code=item.code,
            licence=item.licence,
            author=item.author,
            package=item.package,
        )
        stocks[item.split].add(_saved(folder, page, about))
    for split, stock in stocks.items():
        things = stock.things(THINGS[split])
        for page, about in [*_changed(folder, stock, things), *_scenes(folder, stock, things)]:
            stock.add(_saved(folder, page, about))
    return left_out


def _changed(folder: Path, stock: Stock, things: Sequence[Emoji]) -> Iterator[tuple[Image.Image, Picture]]:
    for emoji in things:
        dice = dice_for("made", emoji.code)
        styles = dice.sample(sorted(emoji.coloured), STYLES_EACH)
        pages = {style: _open(folder, picture) for style, picture in emoji.coloured.items()}
        free = changes.free_colours(list(pages.values()))
        colours = sorted(dice.sample(free, WORDS_EACH)) if len(free) >= WORDS_EACH else []
        numbers = sorted(dice.sample(sorted(changes.NUMBERS), WORDS_EACH))
        for style in styles:
            page, seed = pages[style], ("count", emoji.code, style)
            for colour in colours:
                recoloured = changes.recoloured(page, colour)
                yield recoloured, _about(stock, [emoji], style, {"colour changed": colour})
            if changes.looks_turned(page):
                yield changes.turned(page), _about(stock, [emoji], style, {"turned": "upside down"})
            for number in numbers:
                several = changes.repeated(page, number, dice_for(*seed, number))
                yield several, _about(stock, [emoji], style, {"count": number})


def _scenes(folder: Path, stock: Stock, things: Sequence[Emoji]) -> Iterator[tuple[Image.Image, Picture]]:
    count = len(things)
    pairs = {frozenset((index, (index + step) % count)) for index in range(count) for step in NEIGHBOURS}
    for pair in sorted(sorted(pair) for pair in pairs if len(pair) == 2):
        one, other = (things[index] for index in pair)
        shared = sorted(set(one.coloured) & set(other.coloured))
        dice = dice_for("scene", one.code, other.code)
        for style in dice.sample(shared, min(STYLES_EACH, len(shared))):
            left, right = (_open(folder, emoji.drawn[style]) for emoji in (one, other))
            yield changes.scene(left, right, dice), _about(stock, [one, other], style, {})


def _about(stock: Stock, shown: Sequence[Emoji], style: str, made: dict[str, str]) -> Picture:
    """The row of a made picture; licence and author are the artwork's."""
    of = shown[0].drawn[style]
    code = "+".join(emoji.code for emoji in shown)
    tail = "-".join(part.replace(" ", "-") for item in made.items() for part in item)
    return Picture(
        id=f"{'made' if made else 'scene'}/{style}/{code}{'-' if tail else ''}{tail}",
        file="",
        sha256="",
        split=stock.split,
        kind="made" if made else "scene",
        style=style,
        name=" and ".join(emoji.name for emoji in shown),
        concepts=tuple(emoji.concept for emoji in shown),
        code=code,
        made=made,
        licence=of.licence,
        author=f"{of.author}; changed by StyleShift",
        package=of.package,
    )


def _saved(folder: Path, page: Image.Image, about: Picture) -> Picture:
    path = folder / "pictures" / f"{about.id}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, format="PNG", compress_level=6)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    values = {**about.__dict__, "file": f"pictures/{about.id}.png", "sha256": digest}
    return Picture(**values)


def _open(folder: Path, picture: Picture) -> Image.Image:
    with Image.open(folder / picture.file) as opened:
        page: Image.Image = opened.convert("RGB")
        return page
