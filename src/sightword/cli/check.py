"""``sightword check``: verify and repair an index, and say what became of a damaged one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightword.cli.options import CONTEXT, folder_argument, index_option, json_option

if TYPE_CHECKING:
    from sightword.index.milvus.address import Address

__all__ = ["check_command"]


@click.command("check", context_settings=CONTEXT, short_help="Verify and repair an index.")
@folder_argument(address=True)
@index_option()
@click.option("--no-repair", is_flag=True, help="Only look.")
@click.option("--remove-broken", is_flag=True, help="Remove a damaged index that was set aside earlier.")
@json_option()
@click.pass_context
def check_command(
    ctx: click.Context,
    folder: Path | Address,
    index: Path | Address | None,
    no_repair: bool,
    remove_broken: bool,
    json: bool,
) -> None:
    """Verify the index of FOLDER and repair what can be rebuilt.

    A damaged database stays beside the new one as index.db.broken. Ends with 0 when all is well (again), with
    3 when something stays broken.
    """
    from sightword.cli.cluster import check_there, chosen
    from sightword.cli.output import plain, print_json, size_text
    from sightword.errors import IndexCorrupt, IndexMissing
    from sightword.index.check import check_folder
    from sightword.index.location import locate
    from sightword.index.salvage import leftovers

    folder, index = chosen(ctx, folder, index)
    if not isinstance(folder, Path) or (index is not None and not isinstance(index, Path)):
        there = index if isinstance(folder, Path) else folder
        check_there(there, repair=not no_repair, json=json)  # type: ignore[arg-type]
        return
    command = shlex.join(["sightword", "check", str(folder), *(["--index", str(index)] if index else [])])
    location = locate(folder, index=index)
    removed = 0
    if remove_broken:
        for path in leftovers(location.directory):
            removed += path.stat().st_size
            path.unlink()
    try:
        report = check_folder(folder, index=index, repair=not no_repair)
    except IndexMissing as error:
        if removed:
            click.echo(f"Removed the damaged index; {size_text(removed)} freed.", err=True)
        if not leftovers(location.directory):
            raise
        raise IndexMissing(
            f"There is no index for {plain(folder)}: it was damaged and set aside as index.db.broken.",
            f"`sightword index {shlex.quote(str(folder))}` reads the pictures again; "
            f"`{command} --remove-broken` removes the damaged one.",
        ) from error
    kept = leftovers(location.directory)
    if json:
        print_json(
            {
                "pictures": report.pictures,
                "ok": report.ok,
                "problems": list(report.problems),
                "repaired": list(report.repaired),
                "set_aside": [str(path) for path in kept],
            }
        )
    else:
        for problem in report.problems:
            mended = " (repaired)" if problem in report.repaired else ""
            click.echo(f"{plain(problem)}{mended}")
        if location.exists:
            state = "all is well" if report.ok else "something is broken"
            click.echo(f"{report.pictures:,} pictures checked: {state}.")
        if removed:
            click.echo(f"Removed the damaged index; {size_text(removed)} freed.")
        if kept:
            size = size_text(sum(path.stat().st_size for path in kept))
            click.echo(
                f"A damaged index is kept as {plain(kept[0])} ({size}); nothing reads it. "
                f"`{plain(command)} --remove-broken` removes it."
            )
    if not report.ok:
        mend = command if no_repair else shlex.join(["sightword", "index", str(folder)])
        hint = f"Run `{mend}`{' without --no-repair' if no_repair else ' to read again'}."
        raise IndexCorrupt(f"The index of {plain(folder)} is damaged.", hint)
