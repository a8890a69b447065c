"""Show what was found: as a table, JSON, paths, a contact sheet, and with thumbnails where a terminal can."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sightword.cli.coverage import Coverage
from sightword.cli.output import hit_json, plain, print_json, rounded_down, write_paths
from sightword.errors import NothingMatched

if TYPE_CHECKING:
    from sightword.index.milvus.address import Address
    from sightword.pictures.types import RGB
    from sightword.search import Engine, Explanation, Hit, Query

__all__ = ["Answer", "show", "tell_explanation"]

MOST_SHOWN = 3
"""Query pictures on a sheet; more would leave no room for the words."""


@dataclass(frozen=True)
class Answer:
    """A question and everything that came of it.

    ``method`` is the one that answered; ``reranked`` what it did, if it looks at each candidate. Without a
    folder ``folder`` is the place of the index.
    """

    folder: Path | Address
    query: Query
    method: str
    coverage: Coverage
    hits: list[Hit]
    explanation: Explanation | None
    reranked: dict[str, Any] | None = None
    has_folder: bool = True


def show(engine: Engine, answer: Answer, form: str, *, sheet: Path | None, thumbnails: bool) -> None:
    """Print an answer in one form, and write its sheet.

    Raises
    ------
    NothingMatched
        After printing; programs still get their (empty) document.
    """
    if sheet is not None:
        _write_sheet(engine, answer, sheet)
    if form == "json":
        print_json(_document(answer))
    elif form == "jsonl":
        for hit in answer.hits:
            print_json(hit_json(hit), indent=None)
    elif form in ("paths", "null"):
        write_paths((hit.path for hit in answer.hits), null=form == "null")
    else:
        _print_table(engine, answer.hits, thumbnails)
    if answer.explanation is not None and form != "json":
        tell_explanation(answer.explanation, form)
    if sheet is not None:
        click.echo(f"Wrote {plain(sheet)}.", err=True)
    if not answer.hits:
        raise _nothing(answer)


def _document(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {
        "query": answer.query.as_json(),
        "folder": plain(str(answer.folder)),
        "method": answer.method,
        **({"reranked": answer.reranked} if answer.reranked else {}),
        "hits": [hit_json(hit) for hit in answer.hits],
        **answer.coverage.as_json(),
    }
    if answer.explanation is not None:
        document["explain"] = answer.explanation.as_json()
    return document


def _print_table(engine: Engine, hits: list[Hit], thumbnails: bool) -> None:
    from sightword.cli.terminal import beside, detect

    protocol = detect(os.environ, sys.stdout.isatty()) if thumbnails else None
    width = len(str(len(hits)))
    for hit in hits:
        more = f"  (+{len(hit.duplicates)} alike)" if hit.duplicates else ""
        figures = f"{hit.rank:>{width}}  {rounded_down(hit.score, 3):>6}  {rounded_down(hit.z, 1):>5}z"
        path = f"{plain(hit.path)}{more}"
        picture = _thumbnail(engine, hit, 240) if protocol else None
        if protocol is None or picture is None:
            click.echo(f"{figures}  {path}")
        else:
            click.echo(beside(picture, [figures.strip(), path], protocol), nl=False, color=True)


def tell_explanation(explanation: Explanation, form: str) -> None:
    """On standard output only where people read; the other forms belong to programs."""
    err = form != "table"
    click.echo("", err=err)
    for line in explanation.lines():
        click.echo(plain(line), err=err)


def _thumbnail(engine: Engine, hit: Hit, size: int) -> RGB | None:
    """A small copy; none of an index without a folder: what lies here by that name is another picture."""
    return engine.thumbnail(hit.path, size) if engine.has_folder else None


def _write_sheet(engine: Engine, answer: Answer, path: Path) -> None:
    from sightword.cli.sheet import THUMBNAIL, Card, Sheet, write_sheet

    size = 2 * THUMBNAIL
    query = answer.query
    references = [Card(engine.thumbnail(item, size), _short(item)) for item in query.images[:MOST_SHOWN]]
    hits = [
        Card(_thumbnail(engine, hit, size), plain(hit.relative), hit.rank, hit.score, hit.z, hit.url)
        for hit in answer.hits
    ]
    notes = [f"{answer.coverage.indexed:,} pictures in {plain(engine.folder.resolve().name)}"]
    if len(query.images) > MOST_SHOWN:
        notes.append(f"and {len(query.images) - MOST_SHOWN} more query pictures")
    if query.without:
        notes.append("without " + ", ".join(_short(item) for item in query.without))
    if query.where:
        notes.append(f"where {plain(str(query.where))}")
    write_sheet(path, Sheet(query.text, references, hits, notes))


def _short(item: Any) -> str:
    """A reference's name: of a path the last part."""
    from sightword.search.query import describe

    return plain(item.name if isinstance(item, Path) else describe(item))


def _nothing(answer: Answer) -> NothingMatched:
    pictures = answer.coverage.indexed
    if not pictures and answer.coverage.waiting:
        return NothingMatched(
            f"No picture of {plain(str(answer.folder))} has been read yet ({answer.coverage.reason}).",
            "Search again in a moment.",
        )
    if not pictures and not answer.has_folder:
        place = shlex.quote(plain(str(answer.folder)))
        return NothingMatched(
            f"The index {plain(str(answer.folder))} is empty.",
            f"Fill it: sightword index FOLDER --index {place}, or sightword index push FOLDER {place}.",
        )
    if not pictures:
        return NothingMatched(
            f"There are no pictures in {plain(str(answer.folder))}.", "Formats: see `sightword doctor`."
        )
    limits = [
        text
        for text, given in (("--min-score", answer.query.min_score), ("--where", answer.query.where))
        if given is not None
    ]
    hint = f"Try a weaker {' or '.join(limits)}." if limits else "Try --include-reference."
    return NothingMatched(f"Nothing matched among {pictures:,} pictures.", hint)
