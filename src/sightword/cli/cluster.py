"""Commands about an index on a cluster: which one is meant, and what there is to check."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from click.core import ParameterSource

from sightword.index.location import is_index
from sightword.index.milvus.address import Address, is_address, parse_address

__all__ = ["check_there", "chosen", "named", "only_text"]


def named(word: str) -> Address | None:
    """The index that a word names instead of a folder, if it does."""
    return parse_address(word) if is_address(word) else None


def only_text(words: tuple[str, ...]) -> str:
    """TEXT behind the address of an index."""
    from sightword.cli.words import check_text

    if len(words) > 1:
        raise click.UsageError(
            f"An index and one text are enough, but {words[1]!r} follows; put the text in quotes."
        )
    text = "".join(words)
    check_text(Path(), text)
    return text


def chosen(
    ctx: click.Context, folder: Path | Address, index: Path | Address | None, *, here: bool = False
) -> tuple[Path | Address, Path | Address | None]:
    """Folder and index as an engine takes them.

    The directory of an index may stand in a folder's place. An index on a cluster without a folder is used as
    it is: the pictures here may not be its pictures. What was typed in a folder's place beats an index that
    the environment or a settings file names.

    Parameters
    ----------
    ctx : click.Context
    folder : Path or Address
    index : Path or Address, optional
    here : bool
        No folder was named, and the current one stands for it.
    """
    if isinstance(folder, Address):
        typed = ctx.get_parameter_source("index") is ParameterSource.COMMANDLINE
        return folder, index if typed else None
    if here and isinstance(index, Address):
        return index, None
    if index is None and not here and is_index(folder):
        return folder, folder
    return folder, index


def check_there(address: Address, *, repair: bool, json: bool) -> None:
    """``sightword check`` of an index on a cluster.

    Raises
    ------
    IndexCorrupt
        Something is broken, and was not repaired.
    """
    from sightword.cli.bring import spoken_warnings
    from sightword.cli.output import plain, print_json
    from sightword.errors import IndexCorrupt
    from sightword.index.opening import open_index

    with spoken_warnings(), closing(open_index(Path(), index=address)) as store:
        report = store.check(repair=repair)
    if json:
        problems = {"problems": list(report.problems), "repaired": list(report.repaired), "set_aside": []}
        print_json({"pictures": report.pictures, "ok": report.ok, **problems})
    else:
        for problem in report.problems:
            click.echo(plain(problem) + (" (repaired)" if problem in report.repaired else ""))
        state = "all is well" if report.ok else "something is broken"
        click.echo(f"{report.pictures:,} pictures checked: {state}.")
    if not report.ok:
        raise IndexCorrupt(
            f"The index {address.plain} is damaged.",
            f"Run `sightword check {address.plain}` without --no-repair: it forgets what is damaged.",
        )
