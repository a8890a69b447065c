"""object: the same with another thing: people ("holding an axe instead") and scenes of two things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sightword.datasets.styleshift.names import bare, with_article
from sightword.datasets.styleshift.stock import Emoji, Stock, dice_for
from sightword.datasets.styleshift.styles import caption
from sightword.datasets.styleshift.tasks import at_most, question, unjudged
from sightword.evaluation.composed import ComposedQuery

__all__ = ["ROLES", "objects"]

ROLES = {
    "artist": "holding a palette and a brush",
    "astronaut": "in a space suit",
    "bouncing ball": "bouncing a ball",
    "biking": "on a bicycle",
    "mountain biking": "on a bicycle on a mountain",
    "bowing": "bowing down to the floor",
    "cook": "holding a frying pan",
    "construction worker": "wearing a construction helmet",
    "detective": "holding a magnifying glass",
    "elf": "with pointed ears",
    "factory worker": "wearing a welder's goggles",
    "farmer": "holding a pitchfork",
    "feeding baby": "feeding a baby with a bottle",
    "firefighter": "wearing a firefighter's helmet",
    "golfing": "swinging a golf club",
    "guard": "wearing a tall fur hat",
    "health worker": "with a stethoscope",
    "in bed": "lying in a bed",
    "in manual wheelchair": "in a wheelchair",
    "in motorized wheelchair": "in a motorized wheelchair",
    "in suit levitating": "floating in a suit",
    "in tuxedo": "wearing a tuxedo",
    "judge": "holding a judge's hammer",
    "juggling": "juggling balls",
    "lifting weights": "lifting a barbell",
    "mage": "with a magic wand",
    "mechanic": "holding a wrench",
    "office worker": "wearing a suit and a tie",
    "pilot": "wearing a pilot's cap",
    "playing handball": "throwing a handball",
    "playing water polo": "in the water with a ball",
    "police officer": "wearing a police cap",
    "rowing boat": "rowing a boat",
    "running": "running",
    "scientist": "with a test tube",
    "singer": "singing into a microphone",
    "student": "wearing a graduation cap",
    "superhero": "wearing a superhero's cape",
    "surfing": "standing on a surfboard",
    "swimming": "swimming in the water",
    "teacher": "in front of a blackboard",
    "technologist": "behind a laptop",
    "wearing turban": "wearing a turban",
    "with bunny ears": "wearing bunny ears",
    "with headscarf": "wearing a headscarf",
    "with skullcap": "wearing a skullcap",
    "with veil": "wearing a wedding veil",
    "with white cane": "walking with a white cane",
}
"""What a person of a role holds, wears or sits in, by the name without gender and skin tone."""


def objects(stock: Stock) -> Iterator[ComposedQuery]:
    """All queries of the task."""
    yield from at_most(_roles(stock), stock)
    yield from at_most(_swapped(stock), stock)


def _roles(stock: Stock) -> Iterator[ComposedQuery]:
    alike: dict[tuple[str, str], list[Emoji]] = defaultdict(list)
    for code in sorted(stock.emoji):
        emoji = stock.emoji[code]
        if emoji.group == "people-body" and (emoji.facets.key in ROLES or not emoji.facets.key):
            alike[emoji.facets.gender, emoji.facets.tone].append(emoji)
    for people in alike.values():
        for emoji in people:
            others = [p for p in people if p.facets.key in ROLES and p.facets.key != emoji.facets.key]
            if not others or emoji.facets.hair:
                continue
            dice = dice_for("object", stock.split, emoji.code)
            target = dice.choice(others)
            style = dice.choice(sorted(emoji.drawn))
            said = ROLES[target.facets.key]
            yield question(
                stock,
                "object",
                "role",
                emoji.drawn[style],
                target.drawn.values(),
                words={"b": said},
                caption=f"{caption(style, with_article(emoji.facets.gender))} {said}",
                ignored=unjudged(stock, target.concept),
            )


def _swapped(stock: Stock) -> Iterator[ComposedQuery]:
    beside: dict[str, list[Emoji]] = defaultdict(list)
    for one, other in stock.pairs():
        beside[one.code].append(other)
        beside[other.code].append(one)
    for one, other in stock.pairs():
        for kept, gone in ((one, other), (other, one)):
            choices = [thing for thing in beside[kept.code] if thing is not gone]
            if not choices:
                continue
            dice = dice_for("swapped", kept.code, gone.code)
            new, reference = dice.choice(choices), dice.choice(stock.scenes(one.code, other.code))
            things = f"{with_article(kept.name)} and {with_article(new.name)}"
            yield question(
                stock,
                "object",
                "swapped",
                reference,
                stock.scenes(kept.code, new.code),
                words={"b": with_article(new.name), "c": f"the {bare(gone.name)}"},
                caption=caption(reference.style, things),
                tail=f"{kept.code}+{new.code}",
            )
