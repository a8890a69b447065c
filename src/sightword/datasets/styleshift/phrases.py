"""Every text of the benchmark, in one table.

``{b}`` is the other thing with its article ("a drum"), ``{bare}`` the same without, ``{word}`` a colour, a
number or a direction. **Reserved** phrasings are for the test and validation halves only: nobody should train
on them, and the training half never uses them. The others may be trained on.
No text names a maker of emoji.
"""

from __future__ import annotations

import random

__all__ = ["OPEN", "RESERVED", "Table", "choose"]

Table = dict[str, tuple[str, ...]]

OPEN: Table = {
    "line": ("as a line drawing", "drawn in thin black lines", "as an outline drawing"),
    "3d": ("as a 3D render", "in 3D", "as a shiny 3D model"),
    "flat": ("in flat colours", "as a flat icon", "as a flat cartoon"),
    "mono": ("in black and white", "as a black and white icon", "without colours"),
    "colour": ("in colour", "as a colourful picture", "but coloured"),
    "skin tone": ("with {word} skin", "but with {word} skin", "a person with {word} skin"),
    "hair": ("with {word}", "but with {word}"),
    "gender": ("but a {word}", "as a {word}", "a {word} instead"),
    "direction": ("facing {word}", "pointing {word}", "turned to the {word}"),
    "named colour": ("but {word}", "in {word}", "a {word} one"),
    "colour changed": ("but {word}", "in {word}", "is {word}"),
    "turned": ("upside down", "turned upside down", "is upside down"),
    "count": ("{word} of them", "{word} of these", "but {word} of them"),
    "role": ("{b} instead", "but {b}", "is {b}"),
    "swapped": ("with {b} instead of {c}", "next to {b} and not {c}", "and {b}, without {c}"),
    "compose": ("with {b}", "and {b}", "next to {b}"),
    "negation": ("without {b}", "but without {b}", "with no {bare}"),
    "conflict": ("{b}", "a picture of {b}", "{b} instead"),
    "coloured conflict": ("a {word} {bare}", "a {word} {bare} instead"),
}  # fmt: skip

RESERVED: Table = {
    "line": ("just its contours, nothing filled in", "like in a colouring book", "traced with a thin pen"),
    "3d": ("modelled in three dimensions", "as a plastic toy figure", "as a computer-rendered object"),
    "flat": ("with plain areas of colour and no shading", "as a vector graphic", "like a paper cutout"),
    "mono": ("as a monochrome symbol", "as a two-tone pictogram", "only black on white"),
    "colour": ("with its colours filled in", "fully coloured in", "as a bright, multicoloured drawing"),
    "skin tone": ("the same person, but {word}-skinned", "whose skin is {word}"),
    "hair": ("whose hair is changed: {word}", "the same person, {word} this time"),
    "gender": ("the same, done by a {word}", "show a {word} doing it"),
    "direction": ("looking the other way, {word}", "now going {word}"),
    "named colour": ("the {word} version of it", "make it {word}"),
    "colour changed": ("painted {word} all over", "recoloured to {word}"),
    "turned": ("standing on its head", "rotated by half a turn", "the wrong way up"),
    "count": ("repeated so that there are {word}", "show {word}, not one"),
    "role": ("make this person {b}", "the same person, now {b}"),
    "swapped": ("replace {c} by {b}", "{c} has been exchanged for {b}"),
    "compose": ("put {b} beside it", "sharing the picture with {b}", "together with {b}"),
    "negation": ("take {b} away", "{b} should be gone", "leave out {b}"),
    "conflict": ("I would rather see {b}", "this is {b}"),
    "coloured conflict": ("I would rather see a {word} {bare}", "this is a {word} {bare}"),
}  # fmt: skip


def choose(kind: str, dice: random.Random, *, reserved_too: bool) -> tuple[str, bool]:
    """One phrasing of a kind, and whether it is reserved."""
    open_ones = [(text, False) for text in OPEN[kind]]
    reserved = [(text, True) for text in RESERVED[kind]] if reserved_too else []
    return dice.choice([*open_ones, *reserved])
