"""``sightword train artemis`` and ``maaf``: learnt from triplets, and asked for more than one vector."""

from __future__ import annotations

from typing import Any

import click

from sightword.cli.options import CONTEXT
from sightword.cli.ranges import FloatRange, IntRange
from sightword.cli.train_options import Command
from sightword.cli.train_triplet_options import triplets
from sightword.cli.train_triplets import train_on_triplets

__all__ = ["artemis_command", "maaf_command"]

_DROPOUT = FloatRange(0, 1, max_open=True)


@click.command("artemis", cls=Command, context_settings=CONTEXT)
@triplets(loss="softmax")
@click.option(
    "--scale", type=FloatRange(min=0, min_open=True), default=40.0, show_default=True,
    help="Of the scores at the start; it is learnt.",
)  # fmt: skip
@click.option("--hidden", type=IntRange(min=1), help="Width of the attention. [default: D]")
@click.option("--dropout", type=_DROPOUT, default=0.1, show_default=True, help="Of the hidden layer.")
@click.option(
    "--first", default="average", show_default=True, metavar="METHOD",
    help="Whose best pictures are ranked anew in a search.",
)  # fmt: skip
@click.option(
    "--depth", type=IntRange(min=1), default=200, show_default=True,
    help="How many of them; asked as artemis:N another number is taken.",
)  # fmt: skip
def artemis_command(**options: Any) -> None:
    """ARTEMIS: the words say which traits must show and which must stay, for each target anew."""
    own = {name: options.pop(name) for name in ("scale", "hidden", "dropout", "first", "depth")}

    def run(session: Any, shared: dict[str, Any]) -> Any:
        from sightword.training.run_matching import run_artemis

        return run_artemis(session, **own, **shared)

    train_on_triplets("artemis", run, options)


@click.command("maaf", cls=Command, context_settings=CONTEXT)
@triplets(loss="softmax")
@click.option(
    "--scale", type=FloatRange(min=0, min_open=True), default=30.0, show_default=True,
    help="Of the scores at the start; it is learnt.",
)  # fmt: skip
@click.option("--width", type=IntRange(min=1), default=128, show_default=True, help="Of the states.")
@click.option("--layers", type=IntRange(min=1), default=2, show_default=True, help="Blocks.")
@click.option("--heads", type=IntRange(min=1), default=4, show_default=True, help="Of the attention.")
@click.option("--dropout", type=_DROPOUT, default=0.2, show_default=True, help="Of the blocks.")
@click.option(
    "--drop-patches", type=_DROPOUT, default=0.5, show_default=True,
    help="Share of the patches that a step does not see.",
)  # fmt: skip
def maaf_command(**options: Any) -> None:
    """MAAF: attention over the parts of the picture and the words together."""
    names = ("scale", "width", "layers", "heads", "dropout", "drop_patches")
    own = {name: options.pop(name) for name in names}

    def run(session: Any, shared: dict[str, Any]) -> Any:
        from sightword.training.run_matching import run_maaf

        return run_maaf(session, **own, **shared)

    train_on_triplets("maaf", run, options)
