"""``sightword info`` and ``compact``: look after an index."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sightword.cli.options import CONTEXT, folder_argument, index_option, json_option

if TYPE_CHECKING:
    from sightword.index.milvus.address import Address

__all__ = ["compact_command", "info_command"]


@click.command("info", context_settings=CONTEXT, short_help="Say what an index holds.")
@folder_argument(address=True)
@index_option()
@click.option("-v", "--verbose", is_flag=True, help="Also say how it is kept.")
@json_option()
@click.pass_context
def info_command(
    ctx: click.Context, folder: Path | Address, index: Path | Address | None, verbose: bool, json: bool
) -> None:
    """Say what the index of FOLDER holds, and which files could not be read and why."""
    from sightword.cli.output import path_json, plain, print_json, print_table

    with _closing(_open(ctx, folder, index, readonly=True)) as store:
        facts = store.info()
        failures = sorted(store.failures(), key=lambda failure: failure.path)
    if json:
        listed = [{**path_json(_path(item.path)), "reason": item.reason} for item in failures]
        print_json({**facts, "failures": listed})
        return
    shown = facts if verbose else _for_people(facts)
    print_table([(name, _shown(name, value)) for name, value in shown.items()])
    if failures:
        click.echo("\nNot readable:")
        for item in failures:
            click.echo(f"  {plain(_path(item.path))}: {plain(item.reason)}")


@click.command("compact", context_settings=CONTEXT, short_help="Forget vanished pictures.")
@folder_argument(address=True)
@index_option()
@json_option()
@click.pass_context
def compact_command(
    ctx: click.Context, folder: Path | Address, index: Path | Address | None, json: bool
) -> None:
    """Forget pictures that are gone from FOLDER, and give their space back."""
    from sightword.cli.output import print_json, size_text

    with _closing(_open(ctx, folder, index, mended=True)) as store:
        before = store.info()
        freed = store.compact()
        after = store.info()
    forgotten = int(before.get("gone", 0)) - int(after.get("gone", 0))
    if json:
        print_json({"bytes_freed": freed, "forgotten": forgotten, "pictures": after["pictures"]})
    else:
        click.echo(f"Forgot {forgotten:,} vanished pictures; {size_text(freed)} freed.")


def _open(
    ctx: click.Context,
    folder: Path | Address,
    index: Path | Address | None,
    *,
    readonly: bool = False,
    mended: bool = False,
) -> Any:
    """The index; of what is `mended` in a moment nobody need be warned."""
    from sightword.cli.cluster import chosen
    from sightword.index.opening import open_index

    folder, index = chosen(ctx, folder, index)
    place = index if isinstance(folder, Path) else folder
    folder = folder if isinstance(folder, Path) else Path()
    if place is None or isinstance(place, Path):
        return open_index(folder, index=place, readonly=readonly)
    from sightword.cli.bring import spoken_warnings
    from sightword.errors import IndexWarning

    with spoken_warnings():
        if mended:
            warnings.simplefilter("ignore", IndexWarning)
        return open_index(folder, index=place, readonly=readonly)


def _closing(store: Any) -> Any:
    from contextlib import closing

    return closing(store)


def _path(raw: bytes) -> Path:
    return Path(os.fsdecode(raw))


def _for_people(facts: dict[str, Any]) -> dict[str, Any]:
    """What a person asks for; how it is stored comes with --verbose and --json."""
    names = {
        "pictures": "pictures",
        "failed": "not readable",
        "gone": "vanished",
        "bytes": "size",
        "backbone": "model",
        "location": "kept in",
        "origin": "filled from",
        "notice": "note",
    }
    needed = ("pictures", "bytes", "backbone", "location")
    return {shown: facts[name] for name, shown in names.items() if facts.get(name) or name in needed}


def _shown(name: str, value: Any) -> str:
    from sightword.cli.output import size_text

    if value is None:
        return "-"
    if name in ("bytes", "size") and isinstance(value, int):
        return size_text(value)
    if name == "filled from":
        from sightword.index.origin import shown_origin

        return shown_origin(str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
