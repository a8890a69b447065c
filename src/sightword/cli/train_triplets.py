"""The methods of ``sightword train`` that learn from triplets (reference, words, target)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sightword.cli.options import CONTEXT
from sightword.cli.ranges import FloatRange, IntRange
from sightword.cli.train_options import Command
from sightword.cli.train_triplet_options import scaled, triplets

__all__ = ["COMMANDS", "train_on_triplets"]


@click.command("combiner", cls=Command, context_settings=CONTEXT)
@triplets(loss="softmax")
@scaled("100, the paper's")
@click.option("--inner", type=IntRange(min=1), help="P, width of both projections. [default: 4 D]")
@click.option("--hidden", type=IntRange(min=1), help="H, width behind them. [default: 8 D]")
@click.option("--dropout", type=FloatRange(0, 1), help="[default: 0.5]")
def combiner_command(**options: Any) -> None:
    """CLIP4Cir's Combiner on frozen features: learns to add, mix and move both vectors.

    Its second stage alone: the towers stay as they are.
    """
    own = {name: options.pop(name) for name in ("inner", "hidden", "dropout", "scale", "learn_scale")}

    def run(session: Any, shared: dict[str, Any]) -> Any:
        from sightword.training.run_supervised import run_combiner

        return run_combiner(session, **own, **shared)

    train_on_triplets("combiner", run, options)


@click.command("cirplant", cls=Command, context_settings=CONTEXT)
@triplets(loss="softmax")
@scaled("32, learnt", learnt=True)
@click.option("--width", type=IntRange(min=1), default=512, show_default=True, help="Of the states.")
@click.option("--layers", type=IntRange(min=1), default=4, show_default=True, help="Blocks.")
@click.option("--heads", type=IntRange(min=1), default=8, show_default=True, help="Of the attention.")
@click.option("--dropout", type=FloatRange(0, 1), help="[default: 0.3]")
def cirplant_command(**options: Any) -> None:
    """CIRPLANT: a transformer reads the words and the picture's feature together."""
    names = ("width", "layers", "heads", "dropout", "scale", "learn_scale")
    own = {name: options.pop(name) for name in names}

    def run(session: Any, shared: dict[str, Any]) -> Any:
        from sightword.training.run_supervised import run_cirplant

        return run_cirplant(session, **own, **shared)

    train_on_triplets("cirplant", run, options)


@click.command("tuned", cls=Command, context_settings=CONTEXT)
@triplets(loss="softmax")
@scaled("the backbone's")
@click.option(
    "--base", default="pic2word+pdv", show_default=True, metavar="METHOD", help="The zero-shot method."
)
@click.option(
    "--anchor",
    type=FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Weight of staying near the zero-shot answer, with 1,000 triplets; ten times that with 100.",
)
@click.option("--hidden", type=IntRange(min=1), help="Width of the head. [default: 512]")
@click.option("--dropout", type=FloatRange(0, 1), help="[default: 0.3]")
def tuned_command(**options: Any) -> None:
    """Both together (ours): a zero-shot phi's answers, moved by few triplets."""
    names = ("base", "anchor", "hidden", "dropout", "scale", "learn_scale")
    own = {name: options.pop(name) for name in names}

    def run(session: Any, shared: dict[str, Any]) -> Any:
        from sightword.training.run_supervised import run_tuned

        return run_tuned(session, **own, **shared)

    train_on_triplets("tuned", run, options)


COMMANDS: list[click.Command] = [combiner_command, cirplant_command, tuned_command]
"""What ``sightword train`` offers besides the methods that learn a phi."""


def train_on_triplets(
    method: str, run: Callable[[Any, dict[str, Any]], dict[str, Any]], options: dict[str, Any]
) -> None:
    """Run one command: a session, the method, and what is told about it.

    Parameters
    ----------
    method : str
    run : callable
        From the session and the keywords that all methods share (see `run_triplets`) to the report.
    options : dict
        All options that `triplets` added.
    """
    from sightword.cli.output import plain, print_json
    from sightword.training.need import need_torch

    need_torch()
    from sightword.training.readers import Columns
    from sightword.training.readers.triplets import TripletColumns
    from sightword.training.session import Session, Wishes

    json = options.pop("json")
    names = ("steps", "epochs", "batch", "lr", "warmup", "weight_decay", "clip", "ema", "seed")
    settings = {name: options.pop(name) for name in names}
    columns = TripletColumns(
        options.pop("reference_column"),
        options.pop("text_column"),
        options.pop("target_column"),
        Columns(options.pop("picture_column"), options.pop("caption_column")),
    )
    shared = {name: options.pop(name) for name in ("loss", "looks", "patience")}
    shared |= {"triplets": list(options.pop("triplets")), "columns": columns}
    cache = not options.pop("no_cache")
    wishes = Wishes(method, settings=settings, cache=cache, **options)
    session = Session(wishes, lambda words: click.echo(f"sightword: {plain(words)}", err=True))
    report = run(session, shared)
    session.done()
    if json:
        print_json({"out": str(wishes.out), **report})
        return
    place = str(wishes.out)
    click.echo(f"{plain(place)}: {_summary(report)}")
    place = place if "/" in place else f"./{place}"
    click.echo(f"Ask with it: sightword search FOLDER WORDS --image PICTURE --method {plain(place)}")


def _summary(report: dict[str, Any]) -> str:
    words = f"loss {report['final_loss']:.4f} after {report['steps done']:,} steps, {report['seconds']:.0f} s"
    after = report["held_out"]["after"]
    if after is None:
        return f"{words}; no triplets were held out, so nothing was measured."
    low, high = after["recall_at_10_interval"]
    kept = f"after {report['kept after']:,} steps" if report["kept after"] else "of the start"
    return (
        f"{words}; the weights {kept} are kept. R@10 "
        f"{after['recall_at_10']:.3f} [{low:.3f}, {high:.3f}] of {after['triplets']:,} held-out triplets "
        f"among {after['gallery']:,} pictures (before {report['held_out']['before']['recall_at_10']:.3f}, "
        f"average {report['held_out']['average']['recall_at_10']:.3f})."
    )
