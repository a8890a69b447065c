"""Options that the methods which learn from triplets share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from sightword.cli.options import backbone_option, json_option
from sightword.cli.train_options import OUT

__all__ = ["scaled", "triplets"]

F = TypeVar("F", bound=Callable[..., Any])


def triplets(*, loss: str) -> Callable[[F], F]:
    """The options that all of them have; `loss` is the method's own."""
    number, whole = click.FloatRange(min=0), click.IntRange(min=1)
    listed = [
        click.option(
            "--triplets",
            multiple=True,
            metavar="DATA",
            help="A .csv, .tsv or .jsonl with reference, text and target, a folder of StyleShift, FashionIQ "
            "or CIRR, or auto:DATA for triplets made from captioned pictures; may be repeated.",
        ),
        backbone_option(),
        click.option("--out", required=True, type=OUT, help="The directory to write."),
        click.option("--steps", type=whole, help="Steps of the optimiser. [default: the recipe's]"),
        click.option(
            "--epochs",
            type=click.FloatRange(min=0, min_open=True),
            help="Passes over the triplets instead of --steps.",
        ),
        click.option("--batch", type=whole, help="Triplets a step. [default: the recipe's]"),
        click.option(
            "--lr", type=click.FloatRange(min=0, min_open=True), help="Learning rate. [default: the recipe's]"
        ),
        click.option("--warmup", type=click.IntRange(min=0), help="Steps. [default: the recipe's]"),
        click.option("--weight-decay", type=number, help="On weight matrices. [default: the recipe's]"),
        click.option(
            "--loss",
            type=click.Choice(["softmax", "triplet"]),
            default=loss,
            show_default=True,
            help="Over the batch.",
        ),
        click.option(
            "--clip",
            type=number,
            default=0.0,
            show_default=True,
            help="Largest gradient norm; 0 for none.",
        ),
        click.option(
            "--ema",
            type=click.FloatRange(0, 1, max_open=True),
            default=0.0,
            show_default=True,
            help="Decay of a running average of the weights, which is kept then; 0 for none.",
        ),
        click.option(
            "--held-out",
            metavar="N|DATA",
            help="Triplets that are measured and never trained on: how many, or data as --triplets takes. "
            "[default: a tenth, at most 1,000; none of fewer than 100]",
        ),
        click.option(
            "--looks",
            type=whole,
            default=20,
            show_default=True,
            help="How often they are measured; the best weights are kept.",
        ),
        click.option(
            "--patience",
            type=click.IntRange(min=0),
            default=5,
            show_default=True,
            help="Looks without a new best that end the run; 0 for never.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all randomness."
        ),
        click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, mps."),
        click.option("--threads", type=whole, help="Of torch and the encoder. [default: all cores]"),
        click.option("--workers", type=whole, help="Processes that decode. [default: the cores]"),
        click.option("--limit", type=whole, help="Take only the first so many triplets."),
        click.option("--reference-column", metavar="NAME", help="If it has no usual name; so the next two."),
        click.option("--text-column", metavar="NAME"),
        click.option("--target-column", metavar="NAME"),
        click.option("--picture-column", metavar="NAME", help="Of auto: data; so the next."),
        click.option("--caption-column", metavar="NAME"),
        click.option(
            "--max-unreadable",
            type=click.FloatRange(0, 1),
            default=0.05,
            show_default=True,
            help="Largest share of pictures that may be unreadable, and of triplets that may be unusable.",
        ),
        click.option("--description", default="", help="For the card: what it was trained on."),
        click.option("--licence", default="unknown", show_default=True, help="For the card."),
        click.option("--half", is_flag=True, help="Store float16."),
        click.option("--checkpoint-every", type=whole, default=1000, show_default=True, help="Steps."),
        click.option("--tensorboard", is_flag=True, help="Write event files to OUT.run/tensorboard."),
        click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped, bit for bit."),
        click.option("--fresh", is_flag=True, help="Throw an interrupted run away."),
        click.option("--no-cache", is_flag=True, help="Keep no features for the next run."),
        json_option(),
    ]

    def add(function: F) -> F:
        for option in reversed(listed):
            function = option(function)
        return function

    return add


def scaled(default: str, *, learnt: bool = False) -> Callable[[F], F]:
    """The options of the scores' scale."""

    def add(function: F) -> F:
        function = click.option(
            "--learn-scale/--fixed-scale", default=learnt, show_default=True, help="Whether it is learnt."
        )(function)
        return click.option(
            "--scale",
            type=click.FloatRange(min=0, min_open=True),
            help=f"Of the scores. [default: {default}]",
        )(function)

    return add
