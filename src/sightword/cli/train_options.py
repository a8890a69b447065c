"""Options that the methods of ``sightword train`` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from sightword.cli.options import backbone_option, json_option
from sightword.cli.ranges import FloatRange, IntRange

__all__ = ["FILE", "FOLDER", "OUT", "Command", "common", "learning", "phrases", "pictures"]

F = TypeVar("F", bound=Callable[..., Any])
OUT = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class Command(click.Command):
    """A method's command; its help ends with the recipe and where that comes from."""

    @property
    def epilog(self) -> str:
        """The recipe, read only when help is asked for."""
        from sightword.training.recipes import RECIPES

        return RECIPES[self.name or ""].table()

    @epilog.setter
    def epilog(self, value: str | None) -> None:
        """The help's end is the recipe, whatever is given."""


WHOLE, NUMBER = IntRange(min=1), FloatRange(min=0)
Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def with_options(function: F, listed: Sequence[Option]) -> F:
    """A command with options, in this order."""
    made: Callable[..., Any] = function
    for option in reversed(listed):
        made = option(made)
    return cast(F, made)


def target() -> list[Option]:
    """What is trained for, and where to."""
    return [
        backbone_option(),
        click.option("--out", required=True, type=OUT, help="The directory to write."),
    ]


def optimiser(rows: str) -> list[Option]:
    """Steps and their size; `rows` says what a batch is made of."""
    return [
        click.option("--steps", type=WHOLE, help="Steps of the optimiser. [default: the recipe's]"),
        click.option("--batch", type=WHOLE, help=f"{rows} [default: the recipe's]"),
        click.option(
            "--lr", type=FloatRange(min=0, min_open=True), help="Learning rate. [default: the recipe's]"
        ),
        click.option("--weight-decay", type=NUMBER, help="On weight matrices. [default: the recipe's]"),
    ]


def schedule(rows: str) -> list[Option]:
    """What a longer training takes besides; `rows` is what it passes over."""
    return [
        click.option(
            "--epochs",
            type=FloatRange(min=0, min_open=True),
            help=f"Passes over the {rows} instead of --steps.",
        ),
        click.option("--warmup", type=IntRange(min=0), help="Steps. [default: the recipe's]"),
        click.option(
            "--clip", type=NUMBER, default=0.0, show_default=True, help="Largest gradient norm; 0 for none."
        ),
        click.option(
            "--ema",
            type=FloatRange(0, 1, max_open=True),
            default=0.0,
            show_default=True,
            help="Decay of a running average of the weights, which is saved then; 0 for none.",
        ),
        click.option("--checkpoint-every", type=WHOLE, default=1000, show_default=True, help="Steps."),
        click.option("--tensorboard", is_flag=True, help="Write event files to OUT.run/tensorboard."),
    ]


def machine(workers: str, limit: str) -> list[Option]:
    """Seed and resources; the words say what workers do and what is limited."""
    return [
        click.option("--seed", type=IntRange(min=0), default=0, show_default=True, help="Of all randomness."),
        click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, mps."),
        click.option("--threads", type=WHOLE, help="Of torch and the encoder. [default: all cores]"),
        click.option("--workers", type=WHOLE, help=f"Processes that {workers}. [default: the cores]"),
        click.option("--limit", type=WHOLE, help=f"Take only the first so many {limit}."),
    ]


def unreadable(what: str) -> Option:
    """``--max-unreadable``."""
    return click.option("--max-unreadable", type=FloatRange(0, 1), default=0.05, show_default=True, help=what)


def result(kept: str) -> list[Option]:
    """What becomes of the result and of interrupted runs; `kept` is what the cache holds."""
    return [
        click.option("--description", default="", help="For the card: what it was trained on."),
        click.option("--licence", default="unknown", show_default=True, help="For the card."),
        click.option("--half", is_flag=True, help="Store float16."),
        click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped, bit for bit."),
        click.option("--fresh", is_flag=True, help="Throw an interrupted run away."),
        click.option("--overwrite", is_flag=True, help="Replace a finished result in OUT."),
        click.option("--no-cache", is_flag=True, help=f"Keep no {kept} for the next run."),
        json_option(),
    ]


def common(function: F) -> F:
    """The options that all methods share which make pseudo-words."""
    listed: list[Option] = [
        *target(),
        *optimiser("Rows a step, over all processes."),
        click.option(
            "--tokens", type=WHOLE, default=1, show_default=True, help="Pseudo-words for each picture."
        ),
        *machine("decode and tag", "pictures or captions"),
        click.option(
            "--precision",
            type=click.Choice(["f32", "bf16"]),
            default="f32",
            show_default=True,
            help="Of the frozen text tower; what learns is always float32.",
        ),
        click.option("--picture-column", metavar="NAME", help="Column of pictures, if it has no usual name."),
        click.option("--caption-column", metavar="NAME", help="Column of captions; numbers mean no header."),
        unreadable("Largest share of pictures that may be unreadable; above it the run ends."),
        *result("features or tagged captions"),
    ]
    return with_options(function, listed)


def learning(function: F) -> F:
    """The options of the methods that train a phi."""
    listed: list[Option] = [
        *schedule("data"),
        click.option(
            "--hidden", type=WHOLE, help="Width of phi's hidden layers. [default: 512 for pic2word, else 4 D]"
        ),
        click.option("--dropout", type=FloatRange(0, 1), help="[default: 0.1 for pic2word, else 0.5]"),
        click.option(
            "--held-out",
            metavar="N|FILE",
            help="Pictures that are measured and never trained on: how many, a .npy of features, or "
            "pictures. [default: a twentieth, at most 500]",
        ),
    ]
    return with_options(function, listed)


def pictures(function: F) -> F:
    """``--images`` or ``--features``."""
    function = click.option(
        "--features", type=FILE, help="Raw image features, float32 [N, D] .npy, instead of --images."
    )(function)
    return click.option("--images", multiple=True, metavar="DATA", help="Pictures; may be repeated.")(
        function
    )


def phrases(function: F) -> F:
    """Concepts and phrases."""
    listed: list[Option] = [
        click.option(
            "--concepts",
            type=FILE,
            help="Words, one a line, to make phrases about. [default: 200 everyday things]",
        ),
        click.option("--phrases", type=FILE, help="Your own phrases, .jsonl; see docs/methods/searle.md."),
        click.option("--no-phrases", is_flag=True, help="Leave the phrase regulariser out."),
    ]
    return with_options(function, listed)
