"""``sightword search --server URL``: the question goes to a server, the answer is shown as always."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from sightword.client import Answer

__all__ = ["asks_a_server", "search_there", "split_there"]

_LOCAL = ("index", "backbone", "sheet", "no_update")


def asks_a_server(ctx: click.Context) -> bool:
    """Whether ``--server`` was given, as far as is known while the words are read."""
    import os

    from sightword.config import environment_name

    return bool(ctx.params.get("server") or os.environ.get(environment_name("server")))


def split_there(words: tuple[str, ...]) -> tuple[Path, str]:
    """INDEX and TEXT; one word alone is TEXT, for the server's first folder."""
    if len(words) > 2:
        raise click.UsageError(f"An index and one text are enough, but {words[2]!r} follows; use quotes.")
    return (Path(words[0]), words[1]) if len(words) == 2 else (Path(), "".join(words))


def search_there(ctx: click.Context, folder: Path, text: str, options: dict[str, Any], form: str) -> None:
    """Ask, and print.

    Raises
    ------
    SightwordError
        The server refused, or nothing matched.
    """
    from sightword.cli.bring import say
    from sightword.cli.search import read_stdin
    from sightword.cli.words import negative
    from sightword.client import Client
    from sightword.errors import NothingMatched

    for name in _LOCAL:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for folders of this machine, not for --server."
            )
    with Client(options["server"], api_key=options["api_key"]) as client:
        answer = client.search(
            [read_stdin() if str(item) == "-" else item for item in options["image"]],
            text,
            without=[negative(item) for item in options["without"]],
            method=options["method"],
            explain=options["explain"],
            index=folder.name or None,
            where=options["where"],
            k=min(options["k"], 1000),
            min_score=None if options["min_score"] is None else str(options["min_score"]),
            prompt=list(options["prompt"]) or None,
            include_reference=options["include_reference"],
            fold=options["fold"],
        )
    for note in answer.notes:
        say(note)
    _show(answer, form, options["server"])
    if not answer.hits:
        raise NothingMatched(f"Nothing matched among {answer.pictures:,} pictures.")


def _show(answer: Answer, form: str, server: str) -> None:
    from dataclasses import asdict

    from sightword.cli.output import plain, print_json, rounded_down, write_paths

    if form == "json":
        document = {
            "server": server,
            "index": answer.index,
            "method": answer.method,
            "hits": [asdict(hit) for hit in answer.hits],
            "complete": answer.complete,
            "indexed": answer.pictures,
        }
        print_json(document | ({"explain": answer.explanation} if answer.explanation else {}))
    elif form == "jsonl":
        for hit in answer.hits:
            print_json(asdict(hit), indent=None)
    elif form in ("paths", "null"):
        write_paths((Path(hit.path) for hit in answer.hits), null=form == "null")
    else:
        width = len(str(len(answer.hits)))
        for hit in answer.hits:
            more = f"  (+{len(hit.duplicates)} alike)" if hit.duplicates else ""
            figures = f"{hit.rank:>{width}}  {rounded_down(hit.score, 3):>6}  {rounded_down(hit.z, 1):>5}z"
            click.echo(f"{figures}  {plain(hit.path)}{more}")
        for line in _explained(answer):
            click.echo(plain(line))


def _explained(answer: Answer) -> list[str]:
    if not answer.explanation:
        return []
    rows = (
        ", ".join(f"{item['word']} {item['cosine']:.2f}" for item in row)
        for row in answer.explanation["words"]
    )
    return ["", f"method {answer.method}", *(f"the picture reads as: {row}" for row in rows)]
