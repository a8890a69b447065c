"""Options that the methods which learn from triplets share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from sightword.cli.ranges import FloatRange, IntRange
from sightword.cli.train_options import (
    WHOLE,
    Option,
    machine,
    optimiser,
    result,
    schedule,
    target,
    unreadable,
    with_options,
)

__all__ = ["scaled", "triplets"]

F = TypeVar("F", bound=Callable[..., Any])


def triplets(*, loss: str) -> Callable[[F], F]:
    """The options that all of them have; `loss` is the method's own."""
    listed: list[Option] = [
        click.option(
            "--triplets",
            multiple=True,
            metavar="DATA",
            help="A .csv, .tsv or .jsonl with reference, text and target, a folder of StyleShift, FashionIQ "
            "or CIRR, or auto:DATA for triplets made from captioned pictures; may be repeated.",
        ),
        *target(),
        *optimiser("Triplets a step."),
        click.option(
            "--loss",
            type=click.Choice(["softmax", "triplet"]),
            default=loss,
            show_default=True,
            help="Over the batch.",
        ),
        *schedule("triplets"),
        click.option(
            "--held-out",
            metavar="N|DATA",
            help="Triplets that are measured and never trained on: how many, or data as --triplets takes. "
            "[default: a tenth, at most 1,000; none of fewer than 500]",
        ),
        click.option(
            "--looks",
            type=WHOLE,
            default=20,
            show_default=True,
            help="How often they are measured; the best weights are kept, those of the start included.",
        ),
        click.option(
            "--patience",
            type=IntRange(min=0),
            default=5,
            show_default=True,
            help="Looks without a new best that end the run; 0 for never.",
        ),
        *machine("decode", "triplets"),
        click.option("--reference-column", metavar="NAME", help="Of references, if it has no usual name."),
        click.option("--text-column", metavar="NAME", help="Of texts, likewise."),
        click.option("--target-column", metavar="NAME", help="Of targets, likewise."),
        click.option("--picture-column", metavar="NAME", help="Of pictures, in auto: data."),
        click.option("--caption-column", metavar="NAME", help="Of captions, in auto: data."),
        unreadable("Largest share of pictures that may be unreadable, and of triplets that may be unusable."),
        *result("features"),
    ]
    return lambda function: with_options(function, listed)


def scaled(default: str, *, learnt: bool = False) -> Callable[[F], F]:
    """The options of the scores' scale."""

    def add(function: F) -> F:
        function = click.option(
            "--learn-scale/--fixed-scale", default=learnt, show_default=True, help="Whether it is learnt."
        )(function)
        return click.option(
            "--scale",
            type=FloatRange(min=0, min_open=True),
            help=f"Of the scores. [default: {default}]",
        )(function)

    return add
