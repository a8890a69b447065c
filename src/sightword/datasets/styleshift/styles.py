"""The seven styles: what each satisfies, how a caption names it, and who drew it. No brand is ever a text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COLOUR_STYLES", "DOMAINS", "STYLES", "UNCLEAR", "Style", "caption"]


@dataclass(frozen=True)
class Style:
    """One set of emoji.

    Attributes
    ----------
    name : str
        In files and ids only.
    package : str
    satisfies : frozenset of str
        The domains (see `DOMAINS`) a picture in this style is right for.
    caption : str
        With ``{}`` for the thing.
    licence, author : str
    """

    name: str
    package: str
    satisfies: frozenset[str]
    caption: str
    licence: str
    author: str

    @property
    def coloured(self) -> bool:
        """Whether the pictures have colours."""
        return "colour" in self.satisfies


def _style(name: str, package: str, satisfies: str, caption: str, licence: str, author: str) -> Style:
    return Style(name, package, frozenset(satisfies.split()), caption, licence, author)


DOMAINS = ("line", "3d", "flat", "mono", "colour")
"""Line drawing, 3D, flat, black and white, coloured."""

_BY = {
    "fluent": ("MIT", "Microsoft (Fluent Emoji)"),
    "openmoji": ("CC-BY-SA-4.0", "OpenMoji"),
    "noto": ("Apache-2.0", "Google (Noto Emoji)"),
    "twemoji": ("CC-BY-4.0", "Twitter (Twemoji)"),
}
STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        _style("noto", "emoji-datasource-google", "colour", "a cartoon of {}", *_BY["noto"]),
        _style("twemoji", "emoji-datasource-twitter", "colour flat", "a flat cartoon of {}", *_BY["twemoji"]),
        _style("fluent-3d", "@lobehub/fluent-emoji-3d", "colour 3d", "a 3D render of {}", *_BY["fluent"]),
        _style(
            "fluent-flat",
            "@iconify-json/fluent-emoji-flat",
            "colour flat",
            "a flat icon of {}",
            *_BY["fluent"],
        ),
        _style(
            "fluent-high-contrast",
            "@iconify-json/fluent-emoji-high-contrast",
            "mono",
            "a black and white icon of {}",
            *_BY["fluent"],
        ),
        _style(
            "openmoji",
            "openmoji",
            "colour flat",
            "a coloured drawing of {} with black outlines",
            *_BY["openmoji"],
        ),
        _style("openmoji-black", "openmoji", "mono line", "a line drawing of {}", *_BY["openmoji"]),
    )
}
COLOUR_STYLES = tuple(name for name, style in STYLES.items() if style.coloured)
UNCLEAR: dict[str, frozenset[str]] = {"flat": frozenset({"noto"})}
"""Styles of which one cannot say whether they satisfy a domain (some pictures are shaded): not judged."""


def caption(style: str, thing: str) -> str:
    """A caption that names style and thing.

    Examples
    --------
    >>> caption("openmoji-black", "a dog")
    'a line drawing of a dog'
    """
    return STYLES[style].caption.format(thing)
