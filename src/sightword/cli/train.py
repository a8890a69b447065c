"""``sightword train METHOD``: learn to turn pictures into words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sightword.cli.options import CONTEXT
from sightword.cli.ranges import FloatRange, IntRange
from sightword.cli.train_matching import artemis_command, maaf_command
from sightword.cli.train_options import FOLDER, Command, common, learning, phrases, pictures
from sightword.cli.train_triplets import COMMANDS

__all__ = ["train_command"]


@click.group("train", context_settings=CONTEXT, short_help="Train a method on your own pictures or texts.")
def train_command() -> None:
    """Train a method for a backbone; the result is a directory that `--method` and `models add` take.

    \b
    sightword train pic2word --images photos/ --out my-phi
    sightword train lincir --text captions.txt --backbone ViT-L-14/openai --device cuda --out my-phi
    sightword train combiner --triplets triplets.csv --out my-combiner
    sightword search photos "at night" --image cat.jpg --method ./my-phi

    Training data: a folder, .csv or .tsv (CC3M's layout), .txt, .jsonl, .parquet, WebDataset .tar shards, or
    hf:NAME for a data set of the Hugging Face hub. Several processes: `accelerate launch -m sightword train`.
    """


@train_command.command("pic2word", cls=Command, context_settings=CONTEXT)
@pictures
@click.option("--text", multiple=True, metavar="DATA", help="Captions to invert as well (ours).")
@click.option(
    "--augment", is_flag=True, help="Random crops as in the paper: the image tower runs in every step."
)
@click.option("--scale", type=float, help="Of the scores. [default: the backbone's]")
@click.option("--align", type=float, default=0.0, show_default=True, help="Weight of a cosine term (ours).")
@click.option(
    "--training-prompt",
    multiple=True,
    metavar="P",
    help="With one {*}; several take turns. [default: a photo of {*}]",
)
@learning
@common
def pic2word_command(
    images: tuple[str, ...],
    features: Path | None,
    text: tuple[str, ...],
    augment: bool,
    scale: float | None,
    align: float,
    training_prompt: tuple[str, ...],
    **shared: Any,
) -> None:
    """Pic2Word: learn from pictures alone that "a photo of s" means the picture."""

    def run(session: Any) -> Any:
        from sightword.training.run_methods import run_pic2word

        prompts = {"prompts": training_prompt} if training_prompt else {}
        return run_pic2word(
            session,
            images=list(images),
            features=features,
            text=list(text),
            augment=augment,
            scale=scale,
            align=align,
            **prompts,
        )

    _train("pic2word", run, shared)


@train_command.command("searle-oti", cls=Command, context_settings=CONTEXT)
@pictures
@phrases
@common
def oti_command(
    images: tuple[str, ...],
    features: Path | None,
    concepts: Path | None,
    phrases: Path | None,
    no_phrases: bool,
    **shared: Any,
) -> None:
    """SEARLE-OTI: find one pseudo-word for each picture by descent."""

    def run(session: Any) -> Any:
        from sightword.training.run_methods import run_oti

        return run_oti(
            session,
            images=list(images),
            features=features,
            phrases=phrases,
            concepts=concepts,
            with_phrases=not no_phrases,
        )

    _train("searle-oti", run, shared)


@train_command.command("searle", cls=Command, context_settings=CONTEXT)
@pictures
@click.option("--oti", type=FOLDER, help="Pseudo-words that searle-oti wrote, instead of pictures.")
@click.option("--oti-steps", type=IntRange(min=1), help="Steps of the first stage. [default: 350]")
@phrases
@click.option("--temperature", type=float, default=0.25, show_default=True, help="Of the distillation.")
@click.option(
    "--phrase-weight", type=float, default=0.75, show_default=True, help="Of the phrase regulariser."
)
@learning
@common
def searle_command(
    images: tuple[str, ...],
    features: Path | None,
    oti: Path | None,
    oti_steps: int | None,
    concepts: Path | None,
    phrases: Path | None,
    no_phrases: bool,
    temperature: float,
    phrase_weight: float,
    **shared: Any,
) -> None:
    """SEARLE: distil pseudo-words found by descent into a phi."""

    def run(session: Any) -> Any:
        from sightword.training.run_methods import run_searle

        return run_searle(
            session,
            images=list(images),
            features=features,
            oti=oti,
            phrases=phrases,
            concepts=concepts,
            with_phrases=not no_phrases,
            oti_steps=oti_steps,
            temperature=temperature,
            phrase=phrase_weight,
        )

    _train("searle", run, shared)


@train_command.command("lincir", cls=Command, context_settings=CONTEXT)
@click.option("--text", multiple=True, metavar="DATA", help="Captions; may be repeated.")
@click.option("--legacy-masking", is_flag=True, help="The reference's substring rule instead of token spans.")
@click.option(
    "--noise-share",
    type=FloatRange(min=0),
    default=0.15,
    show_default=True,
    help="Of the noise in the captions' norm, on towers that are not CLIP's (ours: the best of .15, .5 and 1 "
    "on the starter; CLIP-L's own is not known here).",
)
@click.option(
    "--sigma",
    type=FloatRange(min=0),
    help="The noise's scale itself. [default: 1 on CLIP, the paper's]",
)
@click.option(
    "--cache-features/--no-cache-features",
    default=None,
    help="Keep the captions' features in memory. [default: up to 2 GB]",
)
@learning
@common
def lincir_command(
    text: tuple[str, ...],
    legacy_masking: bool,
    noise_share: float,
    sigma: float | None,
    cache_features: bool | None,
    **shared: Any,
) -> None:
    """LinCIR: learn from captions alone to give them back their keywords."""

    def run(session: Any) -> Any:
        from sightword.training.run_methods import run_lincir

        return run_lincir(
            session,
            text=list(text),
            legacy=legacy_masking,
            share=noise_share,
            sigma=sigma,
            cache=cache_features,
        )

    _train("lincir", run, shared)


@train_command.command("masked", cls=Command, context_settings=CONTEXT)
@click.option("--pairs", multiple=True, metavar="DATA", help="Pictures with captions; may be repeated.")
@click.option("--tau", type=FloatRange(0, 1), default=0.3, show_default=True, help="Threshold of the map.")
@click.option(
    "--noun",
    type=click.Choice(["random", "head", "longest"]),
    default="random",
    show_default=True,
    help="Which noun is masked.",
)
@click.option(
    "--nouns",
    type=IntRange(min=1),
    default=3,
    show_default=True,
    help="Most nouns of a caption that take turns.",
)
@click.option(
    "--mix",
    type=FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Weight of the query-target loss.",
)
@click.option("--scale", type=float, help="Of the scores. [default: the backbone's]")
@learning
@common
def masked_command(
    pairs: tuple[str, ...], tau: float, noun: str, nouns: int, mix: float, scale: float | None, **shared: Any
) -> None:
    """Masked pairs: a caption without a noun and the noun's part of the picture find the picture."""

    def run(session: Any) -> Any:
        from sightword.training.run_methods import run_masked

        return run_masked(session, pairs=list(pairs), tau=tau, noun=noun, nouns=nouns, mix=mix, scale=scale)

    _train("masked", run, shared)


for command in (*COMMANDS, artemis_command, maaf_command):
    train_command.add_command(command)


def _train(method: str, run: Callable[[Any], Any], shared: dict[str, Any]) -> None:
    from sightword.cli.output import plain, print_json
    from sightword.training.need import need_torch

    need_torch()
    from sightword.training.readers import Columns
    from sightword.training.session import Session, Wishes

    json = shared.pop("json")
    names = ("steps", "epochs", "batch", "lr", "warmup", "weight_decay", "clip", "ema", "seed")
    settings: dict[str, Any] = {name: shared.pop(name) for name in names if name in shared}
    network: dict[str, Any] = {
        name: shared.pop(name) for name in ("tokens", "hidden", "dropout") if name in shared
    }
    columns = Columns(shared.pop("picture_column"), shared.pop("caption_column"))
    cache = not shared.pop("no_cache")
    wishes = Wishes(method, settings=settings, network=network, columns=columns, cache=cache, **shared)
    session = Session(wishes, lambda words: click.echo(f"sightword: {plain(words)}", err=True))
    report = run(session)
    session.done()
    if session.world.rank:
        return
    if json:
        print_json({"out": str(wishes.out), **report})
        return
    click.echo(f"{plain(wishes.out)}: {_summary(report)}")
    click.echo(
        f"Ask with it: sightword search FOLDER WORDS --image PICTURE --method {plain(_place(wishes.out))}"
    )


def _summary(report: dict[str, Any]) -> str:
    if "final_loss" not in report:
        return f"pseudo-words of {report['pictures']:,} pictures."
    after = report["held_out"]["after"]
    steps, seconds = report["settings"]["steps"], report["seconds"]
    words = f"loss {report['final_loss']:.4f} after {steps:,} steps, {seconds:.0f} s"
    if after is None:
        return f"{words}."
    low, high = after["recall_at_10_interval"]
    return (
        f"{words}; R@10 {after['recall_at_10']:.3f} [{low:.3f}, {high:.3f}] of {after['pictures']:,} "
        "held-out pictures by their own pseudo-word "
        f"(untrained {report['held_out']['before']['recall_at_10']:.3f})."
    )


def _place(out: Path) -> str:
    """A path that `--method` takes for a path and not for a name."""
    return str(out) if out.is_absolute() or "/" in str(out) else f"./{out}"
