"""``sightword search --server URL``: the question goes to a server, the answer is shown as always."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from sightword.client import Answer
    from sightword.search import Query

__all__ = ["asks_a_server", "search_there", "split_there"]

_MOST = 1000
"""Pictures in one answer of a server."""

_LOCAL = ("index", "backbone", "sheet", "no_update", "pictures")


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
    from sightword.cli.search import query_of
    from sightword.client import Client
    from sightword.errors import NothingMatched

    for name in _LOCAL:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for folders of this machine, not for --server."
            )
    query = query_of(text, options)
    if query.k > _MOST:
        say(f"A server answers with at most {_MOST:,} pictures.")
    with Client(options["server"], api_key=options["api_key"]) as client:
        answer = client.search(
            query.images,
            query.text,
            without=query.without,
            method=query.method,
            explain=options["explain"],
            index=folder.name or None,
            where=query.where,
            k=min(query.k, _MOST),
            min_score=None if query.min_score is None else str(query.min_score),
            prompt=query.prompts,
            include_reference=query.include_reference,
            fold=query.fold,
        )
    for note in answer.notes:
        say(note)
    if not answer.complete:
        say(f"The server is still reading pictures; this is from the {answer.pictures:,} that are in so far.")
    _show(answer, query, form, options["server"])
    if not answer.hits:
        raise NothingMatched(f"Nothing matched among {answer.pictures:,} pictures.")


def _show(answer: Answer, query: Query, form: str, server: str) -> None:
    from dataclasses import asdict

    from sightword.cli.answer import tell_explanation
    from sightword.cli.output import plain, print_json, rounded_down, write_paths
    from sightword.search import Explanation

    told = answer.explanation
    explanation = None if told is None else Explanation.from_json(told, told["hits"])
    if form == "json":
        document = {
            "query": query.as_json(),
            "server": server,
            "index": answer.index,
            "method": answer.method,
            "hits": [asdict(hit) for hit in answer.hits],
            "complete": answer.complete,
            "indexed": answer.pictures,
        }
        print_json(document | ({"explain": explanation.as_json()} if explanation else {}))
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
    if explanation is not None and form != "json":
        tell_explanation(explanation, form)
