"""``sightword index push`` and ``pull``: move an index to a cluster and back, without encoding again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sightword.cli.options import CONTEXT, json_option, load_defaults

if TYPE_CHECKING:
    from sightword.index.base import Manifest, VectorStore

__all__ = ["index_pull_command", "index_push_command"]

F = TypeVar("F", bound=Callable[..., Any])

STOPPING = "Stopping; what was sent is kept. Ctrl-C again quits at once."

PUSH_EPILOG = """\b
Examples:
  sightword index push holiday milvus://127.0.0.1:19530/holiday
  sightword index push holiday milvus://127.0.0.1:19530/holiday --dry-run
  sightword index push holiday milvus://db.example.org:19530/holiday \\
      --pictures "https://pictures.example.org/{path}"

\b
A folder that is called "push" is indexed with: sightword index ./push
"""


def _with_defaults(ctx: click.Context, param: click.Parameter, value: str) -> str:
    load_defaults(ctx, None)  # a folder's settings file has no say in where an index goes
    return value


def _common(prune: str) -> Callable[[F], F]:
    """What both directions take; `prune` is the help of the one option that differs."""

    def decorate(function: F) -> F:
        for each in (
            json_option(),
            click.option("--again", is_flag=True, help="Send also what is there with the same content."),
            click.option("--prune", is_flag=True, help=prune),
            click.option("--dry-run", is_flag=True, help="Only say what would be done."),
        ):
            function = each(function)
        return function

    return decorate


@click.command("push", context_settings=CONTEXT, epilog=PUSH_EPILOG, short_help="Move an index to a cluster.")
@click.argument("source", is_eager=True, callback=_with_defaults)
@click.argument("target")
@click.option("--pictures", metavar="TEMPLATE",
              help="Where the pictures can be seen; kept with the collection.")  # fmt: skip
@_common("Believe it when more than 30 % of TARGET's pictures would be hidden.")
def index_push_command(source: str, target: str, pictures: str | None, **options: Any) -> None:
    """Make TARGET (milvus://HOST:PORT/COLLECTION, or a directory) equal to the index of the folder SOURCE.

    Nothing is encoded again. What TARGET has already is skipped: a push that was stopped goes on when it is
    run again. Pictures that SOURCE does not have (any more) are marked as gone in TARGET and come back with
    a later push. SOURCE may also be the directory of an index.
    """
    from sightword.cli.moving_check import command
    from sightword.errors import UsageError
    from sightword.index.milvus.address import is_address, refuse_half
    from sightword.pictures.address import parse_address

    if is_address(source):
        here = "FOLDER" if is_address(target) else target
        raise UsageError(
            f"push reads an index of this machine, and {source!r} is elsewhere.",
            f"To bring it here: {command('pull', source, here)}; to send {here} there: "
            f"{command('push', here, source)}",
        )
    refuse_half(target, command("push", source, "{}"))
    if pictures is not None:
        pictures = parse_address(pictures).template
    _move(source, target, pictures, options)


@click.command("pull", context_settings=CONTEXT, short_help="Bring an index back from a cluster.")
@click.argument("source", is_eager=True, callback=_with_defaults)
@click.argument("target")
@_common("Also hide what only TARGET has, so that it is equal to SOURCE afterwards.")
def index_pull_command(source: str, target: str, **options: Any) -> None:
    """Bring SOURCE (milvus://HOST:PORT/COLLECTION, or a directory) into the index of the folder TARGET.

    The reverse of push: vectors, contents, unreadable files and vanished pictures come as they are; ids may
    differ. What only TARGET has stays, unless --prune is given; an index of mostly other pictures is refused,
    unless SOURCE's pictures lie in TARGET or it was filled from there. TARGET is a folder of pictures, or a
    directory for the index alone, made if need be.
    """
    from sightword.cli.moving_check import command
    from sightword.errors import UsageError
    from sightword.index.milvus.address import is_address, refuse_half

    if is_address(target):
        here = "FOLDER" if is_address(source) else source
        raise UsageError(
            f"pull writes an index of this machine, and {target!r} is elsewhere.",
            f"To move one there: {command('push', here, target)}",
        )
    refuse_half(source, command("pull", "{}", target))
    refuse_half(target, command("push", source, "{}"))
    _move(source, target, None, options, keep=not options["prune"])


def _move(
    source_name: str,
    target_name: str,
    pictures: str | None,
    options: dict[str, Any],
    *,
    keep: bool = False,
) -> None:
    """Plan, carry out, tell."""
    from sightword.cli.bring import spoken_warnings
    from sightword.cli.moved import tell, tell_progress
    from sightword.cli.moving_check import check_pull, check_push, folder_of
    from sightword.cli.progress import Bar, Interruptible
    from sightword.errors import IndexMissing
    from sightword.index.origin import origin_of
    from sightword.index.transfer import TransferReport, transfer
    from sightword.index.transfer_plan import compare

    started, dry = time.monotonic(), options["dry_run"]
    report = TransferReport()
    with ExitStack() as stack, spoken_warnings():
        source = stack.enter_context(closing(_open(source_name, source=True)))
        target: VectorStore | None = None
        try:
            manifest, expected = (None, 0) if dry else (source.manifest, source.info()["pictures"])
            target = _open(target_name, create=manifest, expected=expected)
            stack.enter_context(closing(target))
        except IndexMissing:
            if not dry:
                raise
        with Interruptible(STOPPING) as stop, Bar() as bar:
            bar.description("comparing")
            plan = compare(source, target, again=options["again"], keep=keep)
            if keep:
                check_pull(plan, source_name, target_name, source)
            elif not options["prune"]:
                check_push(plan, source_name, target_name, target)
            folder = folder_of(source_name)
            origin = origin_of(folder) if folder is not None else None
            if target is not None and not dry:
                bar.description("sending")
                bar.already(plan.same)
                bar.total(len(plan))
                try:
                    if pictures is not None and pictures != target.pictures:
                        target.set_pictures(pictures)
                    transfer(source, target, plan, report, told=bar.advance, stop=stop.event, origin=origin)
                except BaseException:
                    tell_progress(report, plan)
                    raise
        facts = target.info() if target is not None else {"pictures": 0}
    tell(source_name, target_name, plan, report, facts, time.monotonic() - started, options)


def _open(
    name: str, *, source: bool = False, create: Manifest | None = None, expected: int = 0
) -> VectorStore:
    """An index by its address, its directory, or the folder whose pictures it knows."""
    from sightword.cli.moving_check import folder_of
    from sightword.errors import UsageError
    from sightword.index.milvus.address import is_address, parse_address
    from sightword.index.opening import open_index
    from sightword.index.store import open_store

    if is_address(name):
        return open_index(Path(), index=parse_address(name), create=create, expected=expected)
    path = Path(name)
    if path.is_file() or (source and not path.is_dir()):
        raise UsageError(f"There is no folder {name!r}.", "Name a folder that was indexed, or its index.")
    index = None if folder_of(name) is not None else path
    return open_store(path, index=index, create=create, readonly=source)
