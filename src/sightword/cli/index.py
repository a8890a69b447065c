"""``sightword index``: read a folder's pictures ahead of time, or keep watching it."""

from __future__ import annotations

from pathlib import Path

import click

from sightword.cli.options import CONTEXT, backbone_option, folder_argument, index_option, json_option

__all__ = ["index_command"]


@click.command("index", context_settings=CONTEXT)
@folder_argument()
@click.option("--watch", is_flag=True, help="Stay and follow changes until Ctrl-C.")
@click.option(
    "--prune", is_flag=True, help="Believe it when more than 30 % of the pictures vanished at once."
)
@index_option()
@backbone_option()
@json_option()
def index_command(
    folder: Path, watch: bool, prune: bool, index: Path | None, backbone: str, json: bool
) -> None:
    """Read the pictures of FOLDER; only what is new or changed is read again.

    Searching does this by itself. Stopping with Ctrl-C keeps what was read.
    """
    raise NotImplementedError
