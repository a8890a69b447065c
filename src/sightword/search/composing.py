"""From a query to one unit vector: which method answers, and what it is given."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sightword.errors import UsageError
from sightword.prompts import PRESETS, build_prompt
from sightword.search.references import Reference
from sightword.search.reranking import Reranking, reranking_of

if TYPE_CHECKING:
    from sightword.backbones.base import Array
    from sightword.methods.base import ComposeInput
    from sightword.search.engine import Engine
    from sightword.search.query import Query

__all__ = ["Composed", "MethodWarning", "check_sides", "compose", "method_for", "split_weight", "told_name"]


class MethodWarning(UserWarning):
    """The method that was asked for does not answer, or does not use all of the query."""


@dataclass(frozen=True)
class Composed:
    """A query as a vector, with what went into it.

    Attributes
    ----------
    vector : float32 [D], unit length
    method : str
    references : list of Reference
    asked : ComposeInput
        What the method was given.
    reranking : Reranking, optional
        How the best pictures are ranked anew, for methods that do that.
    """

    vector: Array
    method: str
    references: list[Reference]
    asked: ComposeInput
    reranking: Reranking | None = None


def method_for(query: Query, default: str) -> str:
    """``text`` for words alone, ``image`` for pictures alone, else what the query or the engine says."""
    if not query.images:
        return "text"
    # A prompt has words of its own: "a drawing of {*}" asks for more than the picture.
    if not query.text and not query.prompt:
        return "image"
    return default if query.method == "default" else query.method


def check_sides(query: Query) -> None:
    """Compare a method that was asked for by name with what there is for it to combine.

    Raises
    ------
    UsageError
        ``image`` without a picture, ``text`` without words.

    Warns
    -----
    MethodWarning
        Another method answers, or a part of the query is not used.
    """
    name = split_weight(query.method)[0]
    told = None
    if name == "image":
        if not query.images:
            raise UsageError(
                "The method image needs a picture, and there are only words.",
                "Give a picture (--image FILE), or leave the method out.",
            )
        told = "The method image does not read the words." if query.text else None
    elif name == "text":
        if not query.text:
            raise UsageError(
                "The method text needs words, and there is only a picture.",
                "Give words, or leave the method out.",
            )
        told = "The method text does not look at the picture." if query.images else None
    elif name != "default" and (answers := method_for(query, name)) in ("image", "text"):
        there = "words" if answers == "text" else "a picture"
        told = f"The method {name} combines a picture with words; here is only {there}, so {answers} answers."
    if told is not None:
        warnings.warn(told, MethodWarning, stacklevel=4)  # the line that called Engine.search


def check_prompts(query: Query) -> None:
    """Compare the prompts with what there is to put into them.

    Raises
    ------
    UsageError
        A prompt has a field that nothing fills, needs words that are not there, or has no place for them.
    """
    for template in query.prompts or ():
        build_prompt("words", template)
        whole = PRESETS.get(template, template)
        if not query.text and any(field in whole for field in ("{text}", "{domain}", "{obj}")):
            raise UsageError(
                f"The prompt {template!r} needs words, and there is only a picture.",
                "Give words, or a prompt that says all, such as 'a drawing of {*}'.",
            )
        if not query.images and "{" not in whole:
            raise UsageError(f"The prompt {template!r} has no place for the words.", "Put {text} in it.")


def split_weight(name: str) -> tuple[str, dict[str, float]]:
    """The method and its option: ``weighted:0.3`` -> ``("weighted", {"weight": 0.3})``.

    ``artemis:500`` says how many pictures are ranked anew, as does ``./my-artemis:500`` of a directory.
    """
    if ":" not in name:
        return name, {}
    from sightword.methods.names import split_number

    plain, number, option = split_number(name)
    if not number:
        return name, {}
    try:
        return plain, {option: float(number)}
    except ValueError:
        example = f"{plain}:{500 if option == 'depth' else 0.3}"
        raise UsageError(
            f"In {name!r}, {number!r} is not a number.", f"Write for instance {example}."
        ) from None


def compose(engine: Engine, query: Query) -> Composed:
    """Look at the query's pictures, warn about unknown words, and let the method compose."""
    from sightword.methods.base import ComposeInput
    from sightword.search.language import warn_unknown

    warn_unknown(engine.backbone, [query.text, *(item for item in query.without if isinstance(item, str))])
    pictures = [item for item in query.without if not isinstance(item, str)]
    seen = engine.references.look([*query.images, *pictures])
    references, unwanted = seen[: len(query.images)], iter(seen[len(query.images) :])
    asked = ComposeInput(
        images=[item.feature for item in references],
        text=query.text,
        without=[item if isinstance(item, str) else next(unwanted).feature for item in query.without],
        prompts=query.prompts,
    )
    name = method_for(query, engine.method)
    method = engine.load_method(name)
    if "patches" in method.needs and query.images and query.text:
        asked = replace(asked, patches=engine.references.patches(query.images))
    vector = method.compose(engine.backbone, [asked])[0]
    reranking = reranking_of(method, engine.backbone, asked)
    return Composed(vector, told_name(engine, name), references, asked, reranking)


def told_name(engine: Engine, name: str) -> str:
    """A method's name for people: one with a weight says more than the method's own, ``default`` less."""
    return engine.load_method(name).name if name == "default" else name
