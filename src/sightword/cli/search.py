"""``sightword search``: the question in, the answer out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from sightword.cli.options import (
    CONTEXT,
    MinScoreType,
    backbone_option,
    index_option,
    json_option,
    load_defaults,
    pictures_option,
)
from sightword.cli.ranges import IntRange
from sightword.cli.remote import asks_a_server, search_there, split_there
from sightword.cli.words import check_text, negative, split_words

if TYPE_CHECKING:
    from sightword.index.milvus.address import Address
    from sightword.search import Engine, Explanation, Query

__all__ = ["query_of", "search_command"]

EPILOG = """\b
Examples:
  sightword search holiday "at night" --image holiday/beach.jpg
  sightword search "as a line drawing" --image cat.png       (in this folder)
  sightword search holiday "a dog" --without people --where "taken >= 2024-06"
  sightword search . --image - --paths -0 < cat.png | xargs -0 ls -l
  sightword search holiday "a red boat" --sheet boats.html
  sightword search milvus://db.example.org/holiday "a red boat"

\b
A score is the cosine between the question and a picture; z says how many
standard deviations that is above this folder's average for the question.
"""


_HERE = "sightword.here"
"""Marks that no folder was named."""


def _take_words(
    ctx: click.Context, param: click.Parameter, words: tuple[str, ...]
) -> tuple[Path | Address, str]:
    if asks_a_server(ctx):
        load_defaults(ctx, None)
        return split_there(words)
    if words and "://" in words[0]:
        from sightword.cli.cluster import named, only_text

        if (address := named(words[0])) is not None:
            load_defaults(ctx, None)
            ctx.meta[_HERE] = False
            return address, only_text(words[1:])
    folder, text = split_words(words)
    check_text(folder, text)
    ctx.meta[_HERE] = not words or (len(words) == 1 and bool(text))
    load_defaults(ctx, folder)
    return folder, text


@click.command(
    "search", context_settings=CONTEXT, epilog=EPILOG, short_help="Find pictures by picture and words."
)
@click.argument("words", nargs=-1, metavar="[FOLDER] [TEXT]", is_eager=True, callback=_take_words)
@click.option("--image", "-i", "image", multiple=True, metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
              help="A picture to start from; repeatable; - reads standard input.")  # fmt: skip
@click.option("--without", multiple=True, metavar="TEXT|FILE",
              help="What must not show: words, or a picture if such a file exists.")  # fmt: skip
@click.option("-k", "k", metavar="N", type=IntRange(1, 10_000), default=10, show_default=True,
              help="How many pictures.")  # fmt: skip
@click.option("--method", metavar="NAME", default="default", show_default=True,
              help="How picture and words are combined; see `sightword models`.")  # fmt: skip
@click.option("--prompt", multiple=True, metavar="P",
              help='Such as "a drawing of {*}, {text}", or domain, object, that, comma.')  # fmt: skip
@click.option("--min-score", type=MinScoreType(), metavar="S|Nz",
              help="Smallest score: a cosine such as 0.3, or 2z.")  # fmt: skip
@click.option("--where", metavar="EXPR", help="Filter, e.g. \"path ~ 'trips/*' and width > 1000\".")
@click.option("--include-reference", is_flag=True, help="Keep pictures that are a reference themselves.")
@click.option("--fold/--no-fold", default=True, show_default=True, help="Show near-duplicates as one.")
@json_option()
@click.option("--jsonl", is_flag=True, help="Print one JSON line for each picture.")
@click.option("--paths", is_flag=True, help="Print paths only, one a line.")
@click.option("-0", "--null", "null", is_flag=True, help="Print paths only, each ended by a zero byte.")
@click.option("--sheet", type=click.Path(path_type=Path), metavar="OUT",
              help="Write a contact sheet, OUT.png or OUT.html.")  # fmt: skip
@click.option("--thumbnails/--no-thumbnails", default=True, show_default=True,
              help="Show pictures in terminals that can.")  # fmt: skip
@click.option("--explain", is_flag=True, help="Say which words the picture became and what pulled how far.")
@click.option("--no-update", is_flag=True, help="Search the index as it is, without looking for changes.")
@click.option("--server", metavar="URL", is_eager=True,
              help="Ask a `sightword serve`; FOLDER names its index.")  # fmt: skip
@click.option("--api-key", metavar="KEY", help="The server's key.")
@pictures_option()
@index_option()
@backbone_option()
@click.pass_context
def search_command(ctx: click.Context, /, words: tuple[Path | Address, str], **options: Any) -> None:
    """Find pictures in FOLDER (default: here) by a picture, by words, or by both.

    The first search of a folder reads all its pictures; later ones read only what changed.
    """
    from sightword.cli.answer import Answer, show
    from sightword.cli.bring import bring_up_to_date, say, spoken_warnings
    from sightword.cli.cluster import chosen
    from sightword.cli.coverage import Coverage
    from sightword.search import open as open_engine

    folder, text = words
    form = _form(ctx, options)
    if options["server"]:
        assert isinstance(folder, Path)
        search_there(ctx, folder, text, options, form)
        return
    if options["sheet"]:
        from sightword.cli.sheet import check_target

        check_target(options["sheet"])
    method = options["method"]
    if not text and ctx.get_parameter_source("prompt") is not ParameterSource.COMMANDLINE:
        options["prompt"] = ()  # a setting says where the words go; here are none
    typed = ctx.get_parameter_source("method") is ParameterSource.COMMANDLINE
    if not typed and not (options["image"] and (text or options["prompt"])):
        options["method"] = "default"  # a setting says how to combine; here is nothing to combine
    query = query_of(text, options)
    place, index = chosen(ctx, folder, options["index"], here=ctx.meta[_HERE])
    with (
        open_engine(
            place,
            index=index,
            backbone=options["backbone"],
            method=method,
            pictures=options["pictures"],
        ) as engine,
        spoken_warnings(),
    ):
        engine.prepare(query)
        indexed = engine.indexed  # an index that cannot be used is told before anything is loaded
        if ctx.meta[_HERE] and engine.has_folder and not indexed and not options["no_update"]:
            say(f"No folder is named, so the pictures of the current one are read: {Path.cwd()}.")
        engine.warm(query)
        if options["no_update"] or not engine.has_folder:
            pictures = engine.info()["pictures"]  # says so if there is no index; a search would make it
            why = "the folder was not looked at (--no-update)"
            coverage = Coverage(None, pictures, None, why if engine.has_folder else "no folder was named")
        else:
            coverage = bring_up_to_date(engine).coverage
        answer = Answer(
            folder=place,
            query=query,
            method=engine.method_name(query),
            reranked=engine.reranked(query),
            coverage=coverage,
            hits=engine.search(query),
            explanation=_explained(engine, query) if options["explain"] and engine.indexed else None,
            has_folder=engine.has_folder,
        )
        show(engine, answer, form, sheet=options["sheet"], thumbnails=options["thumbnails"])


def _explained(engine: Engine, query: Query) -> Explanation:
    from sightword.cli.progress import Bar

    with Bar("words") as bar:
        bar.description("explaining")
        return engine.explain(query, progress=bar)


def query_of(text: str, options: dict[str, Any]) -> Query:
    """The question that words and options make."""
    from sightword.search import Query

    images: list[Any] = [read_stdin() if str(item) == "-" else item for item in options["image"]]
    return Query(
        images=images,
        text=text,
        without=[negative(item) for item in options["without"]],
        where=options["where"],
        k=options["k"],
        min_score=options["min_score"],
        method=options["method"],
        prompt=options["prompt"] or None,
        include_reference=options["include_reference"],
        fold=options["fold"],
    )


def read_stdin() -> bytes:
    """A picture from standard input."""
    from sightword.pictures.reading import MAX_BYTES

    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if not data or len(data) > MAX_BYTES:
        raise click.UsageError(
            "Standard input holds no picture." if not data else "Standard input is too long."
        )
    return data


def _form(ctx: click.Context, options: dict[str, Any]) -> str:
    """table, json, jsonl, paths or null; what was typed beats what the environment or a file says."""
    chosen = [name for name in ("json", "jsonl", "null", "paths") if options[name]]
    typed = [name for name in chosen if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    chosen = typed or chosen
    if "null" in chosen and "paths" in chosen:
        chosen.remove("paths")
    if len(chosen) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other.")
    return chosen[0] if chosen else "table"
