"""What is asked: pictures, words, and what to leave out."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sightword.errors import UsageError

if TYPE_CHECKING:
    from sightword.index.where import Expr

__all__ = ["MinScore", "Query", "as_query", "describe", "parse_min_score", "parsed_where"]


@dataclass(frozen=True)
class MinScore:
    """A threshold on the cosine, or on the number of standard deviations above the folder's background."""

    value: float
    unit: Literal["cosine", "z"] = "cosine"

    def cosine(self, mean: float, std: float) -> float:
        """The threshold as a cosine, given the background of this query."""
        return self.value if self.unit == "cosine" else mean + self.value * std

    def __str__(self) -> str:
        return f"{self.value:g}" + ("z" if self.unit == "z" else "")


def parse_min_score(text: str | float) -> MinScore:
    """Read ``0.3`` (a cosine) or ``2z`` (standard deviations above the background).

    Raises
    ------
    UsageError
        The text is neither.

    Examples
    --------
    >>> parse_min_score("2z")
    MinScore(value=2.0, unit='z')
    """
    number = str(text).strip().lower()
    unit: Literal["cosine", "z"] = "z" if number.endswith("z") else "cosine"
    try:
        value = float(number.removesuffix("z"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(
            f"The smallest score {text!r} is not a number.", "Write a cosine such as 0.3, or 2z."
        )
    if unit == "cosine" and not -1 <= value <= 1:
        raise UsageError(
            f"The smallest score {text!r} is not between -1 and 1.", "Scores are cosines; or write 2z."
        )
    return MinScore(value, unit)


@dataclass(frozen=True)
class Query:
    """One question to a folder.

    Parameters
    ----------
    images : sequence of (str | Path | PIL.Image.Image | uint8 [H, W, 3] | bytes | int)
        References: files, pictures, RGB arrays, the content of files, or ids of pictures in the index.
        One alone needs no list.
    text : str
        How the wanted pictures differ from the references; on its own, what they show.
    without : sequence of the same
        What they should not show. Here a str is words; a picture file is given as a Path.
    where : str or Expr, optional
        A filter, for instance ``"path ~ 'holiday/*' and width > 1000"``.
    k : int
        How many pictures to return.
    min_score : float or str, optional
        A cosine such as ``0.3``, or ``"2z"``: two standard deviations above the folder's background.
    method : str
        ``default`` means the engine's.
    prompt : str or sequence of str, optional
        Templates with ``{*}`` and ``{text}``, instead of the method's own choice.
    include_reference : bool
        Keep pictures whose content equals a reference's.
    fold : bool
        Fold near-duplicates into the best-ranked one (see :func:`sightword.search.hits.fold`).

    Raises
    ------
    UsageError
        Nothing is asked, or a value is wrong.
    """

    images: Sequence[Any] = ()
    text: str = ""
    without: Sequence[Any] = ()
    where: str | Expr | None = None
    k: int = 10
    min_score: float | str | MinScore | None = None
    method: str = "default"
    prompt: str | Sequence[str] | None = None
    include_reference: bool = False
    fold: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", _listed(self.images))
        object.__setattr__(self, "without", _listed(self.without))
        if self.min_score is not None and not isinstance(self.min_score, MinScore):
            object.__setattr__(self, "min_score", parse_min_score(self.min_score))
        if not isinstance(self.text, str):
            raise UsageError(f"The text of a query is a str, not {type(self.text).__name__}.")
        object.__setattr__(self, "text", " ".join(self.text.split()))
        if not self.images and not self.text:
            raise UsageError("There is nothing to look for.", "Give a picture, words, or both.")
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise UsageError(f"k is {self.k!r}, but it is a whole number of at least 1.")

    @property
    def prompts(self) -> list[str] | None:
        """The chosen templates, or None when the method chooses."""
        if self.prompt is None:
            return None
        return [self.prompt] if isinstance(self.prompt, str) else list(self.prompt)

    def as_json(self) -> dict[str, Any]:
        """The query as plain values; pictures that have no path are described."""
        return {
            "images": [describe(item) for item in self.images],
            "text": self.text,
            "without": [describe(item) for item in self.without],
            "where": None if self.where is None else str(self.where),
            "k": self.k,
            "min_score": None if self.min_score is None else str(self.min_score),
            "method": self.method,
            "prompt": self.prompts,
            "include_reference": self.include_reference,
        }


def as_query(query: Query | str | None, asked: dict[str, Any]) -> Query:
    """A query, or one made from keyword arguments; a string is its text."""
    if isinstance(query, str):
        if "text" in asked:
            raise UsageError("Give the text once: as the first argument or as text=.")
        query, asked = None, {"text": query, **asked}
    if query is None:
        try:
            return Query(**asked)
        except TypeError as error:
            raise UsageError(f"A query does not have that: {error}.") from None
    if asked:
        raise UsageError("Give a query or its fields, not both.")
    return query


def parsed_where(query: Query) -> Expr | None:
    """The query's filter as an expression tree."""
    if not isinstance(query.where, str):
        return query.where
    from sightword.index.where import parse_where

    return parse_where(query.where)


def describe(item: Any) -> str:
    """A short name of a reference for messages, sheets and JSON."""
    if isinstance(item, (str, os.PathLike)):
        return os.fsencode(item).decode("utf-8", "replace")
    if isinstance(item, int):
        return f"picture {item} of the index"
    if isinstance(item, bytes):
        return f"a picture of {len(item):,} bytes"
    width, height = (item.shape[1], item.shape[0]) if hasattr(item, "shape") else item.size
    return f"a picture of {width} x {height} pixels"


def _listed(value: Any) -> tuple[Any, ...]:
    """A single reference becomes a list of one: ``images="cat.png"`` must not mean seven references."""
    if isinstance(value, (list, tuple)):
        return tuple(Path(v) if isinstance(v, os.PathLike) else v for v in value)
    return (value,)
