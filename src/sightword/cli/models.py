"""``sightword models``: which backbones and methods are here; add, remove, convert and share them."""

from __future__ import annotations

from pathlib import Path

import click

from sightword.cli.exchange import export_command, import_command, push_command
from sightword.cli.options import CONTEXT, json_option

__all__ = ["models_command"]


@click.group("models", context_settings=CONTEXT)
def models_command() -> None:
    """List, show, add, remove, convert and share backbones and methods."""


@models_command.command("list", context_settings=CONTEXT)
@json_option()
def list_command(json: bool) -> None:
    """List the backbones and methods that can be used here."""
    from sightword.cli.install import installed
    from sightword.cli.output import print_json, print_table, size_text

    models = installed()
    if json:
        print_json({"models": [model.as_json() for model in models]})
        return
    print_table(
        [
            (
                model.kind,
                model.name if model.backbone is None else f"{model.name} (for {model.backbone})",
                size_text(model.bytes) if model.bytes else "-",
                "shipped" if model.shipped else "added",
                model.summary,
            )
            for model in models
        ]
    )


@models_command.command("info", context_settings=CONTEXT)
@click.argument("name", metavar="NAME|DIRECTORY")
@click.option("--for-backbone", metavar="NAME", help="The backbone a method is for, when several have it.")
@json_option()
def info_command(name: str, for_backbone: str | None, json: bool) -> None:
    """Show what a backbone or a method is, where it lies and where it comes from.

    A directory that was not added is written with a slash: ./my-phi.
    """
    from sightword.cli.install import at, describe, find
    from sightword.cli.output import print_json, print_table

    facts = describe(at(name) or find(name, for_backbone))
    if json:
        print_json(facts)
    else:
        print_table([(key, _text(value)) for key, value in facts.items()])


@models_command.command("add", context_settings=CONTEXT)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="Name of a method. [default: that of DIRECTORY]")
@json_option()
def add_command(directory: Path, name: str | None, json: bool) -> None:
    """Check the backbone or trained method in DIRECTORY and copy it to your models."""
    from sightword.cli.install import add
    from sightword.cli.output import plain, print_json

    model = add(directory, name)
    if json:
        print_json(model.as_json())
    else:
        click.echo(f"Added the {model.kind} {plain(model.name)}.")


@models_command.command("remove", context_settings=CONTEXT)
@click.argument("name")
@click.option("--for-backbone", metavar="NAME", help="The backbone a method is for, when several have it.")
@json_option()
def remove_command(name: str, for_backbone: str | None, json: bool) -> None:
    """Delete a backbone or method that was added."""
    from sightword.cli.install import find, remove
    from sightword.cli.output import plain, print_json

    model = find(name, for_backbone)
    remove(model)
    if json:
        print_json({"removed": model.as_json()})
    else:
        click.echo(f"Removed the {model.kind} {plain(model.name)}.")


for _command in (export_command, import_command, push_command):
    models_command.add_command(_command)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "-"
    return "-" if value is None else str(value)
