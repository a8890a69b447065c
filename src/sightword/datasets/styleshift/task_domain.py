"""domain: this, "as a line drawing". Right is every picture of the emoji whose style satisfies the words.

References are all other styles of it. Other emoji of the same base concept (another gender, a clip art of it)
in a style that fits or is unknown are not judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from sightword.datasets.styleshift.names import spoken
from sightword.datasets.styleshift.stock import Emoji, Stock
from sightword.datasets.styleshift.styles import DOMAINS, STYLES, UNCLEAR
from sightword.datasets.styleshift.tasks import question
from sightword.evaluation.composed import ComposedQuery, Picture

__all__ = ["domain"]

CAPTIONS = {
    "line": "a line drawing of {}",
    "3d": "a 3D render of {}",
    "flat": "a flat coloured icon of {}",
    "mono": "a black and white icon of {}",
    "colour": "a colourful picture of {}",
}


def domain(stock: Stock) -> Iterator[ComposedQuery]:
    """All queries of the task. Flags look alike in all styles and are left out, so are skin tones."""
    for code in sorted(stock.emoji):
        emoji = stock.emoji[code]
        if emoji.facets.tone or emoji.group == "flags":
            continue
        for asked in DOMAINS:
            right = {style for style in emoji.drawn if asked in STYLES[style].satisfies}
            if right:
                yield from _queries(stock, emoji, asked, right)


def _queries(stock: Stock, emoji: Emoji, asked: str, right: set[str]) -> Iterator[ComposedQuery]:
    unclear = UNCLEAR.get(asked, frozenset())

    def fits(picture: Picture) -> bool:
        style = STYLES.get(picture.style)
        return style is None or asked in style.satisfies or picture.style in unclear

    ignored = [picture for picture in stock.about(emoji.concept) if fits(picture)]
    for style in sorted(set(emoji.drawn) - right):
        yield question(
            stock,
            "domain",
            asked,
            emoji.drawn[style],
            (emoji.drawn[name] for name in right),
            caption=CAPTIONS[asked].format(spoken(emoji.name)),
            ignored=ignored,
            words={"domain": CAPTIONS[asked].removeprefix("a ").removesuffix(" of {}")},
        )
