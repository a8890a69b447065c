"""``sightword config show``: every setting, its value, and where the value comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sightword.cli.options import CONTEXT, folder_argument, json_option, load_defaults
from sightword.config import Setting, Source, environment_name

__all__ = ["commands", "config_command", "known_settings", "origin", "setting_name"]

_SOURCES: dict[ParameterSource, Source] = {
    ParameterSource.COMMANDLINE: "flag",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT: "default",
}


def commands(
    group: click.Group | None = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """All commands with their full names, such as ``models list``."""
    from sightword.cli.door import cli

    group = cli if group is None else group
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def options(command: click.Command) -> list[click.Option]:
    """The options that are settings; ``--help`` is not."""
    return [param for param in command.params if isinstance(param, click.Option) and param.expose_value]


def setting_name(option: click.Option) -> str:
    """The name in ``sightword.toml``: the option without dashes in front."""
    assert option.name is not None
    return option.name.replace("_", "-")


@lru_cache
def known_settings() -> frozenset[str]:
    """Names of all settings."""
    return frozenset(setting_name(option) for _, command in commands() for option in options(command))


def origin(ctx: click.Context, param: click.Parameter, source: ParameterSource | None = None) -> Setting:
    """Where a parameter's value comes from."""
    assert param.name is not None
    name = param.name.replace("_", "-")
    source = source or ctx.get_parameter_source(param.name) or ParameterSource.DEFAULT
    value = ctx.params.get(param.name)
    if source is ParameterSource.DEFAULT_MAP:
        setting: Setting = ctx.meta["sightword.settings"][name]
        return Setting(name, value, setting.source, setting.where)
    where = {
        ParameterSource.COMMANDLINE: param.opts[-1],
        ParameterSource.ENVIRONMENT: environment_name(name),
    }.get(source, "")
    return Setting(name, value, _SOURCES.get(source, "default"), where)


def current_settings(folder: Path | None) -> list[Setting]:
    """All settings as a command run now in `folder` would see them; flags aside."""
    found: dict[str, Setting] = {}
    for name, command in commands():
        ctx = click.Context(command, info_name=f"sightword {name}", **_context_arguments(command))
        load_defaults(ctx, folder)
        for option in options(command):
            assert option.name is not None
            raw, source = option.consume_value(ctx, {})
            ctx.set_parameter_source(option.name, source)
            given = source is not ParameterSource.DEFAULT
            ctx.params[option.name] = option.type_cast_value(ctx, raw) if given else _default(option)
            found.setdefault(setting_name(option), origin(ctx, option))
    return [found[name] for name in sorted(found)]


def _default(option: click.Option) -> Any:
    """The default, or None: versions of click differ in what stands for "nothing"."""
    return option.default if isinstance(option.default, (bool, int, float, str)) else None


def _context_arguments(command: click.Command) -> dict[str, Any]:
    return {key: value for key, value in command.context_settings.items() if key == "auto_envvar_prefix"}


@click.group("config", context_settings=CONTEXT)
def config_command() -> None:
    """Show settings and where they come from."""


@config_command.command("show", context_settings=CONTEXT)
@folder_argument(required=False)
@json_option()
def show_command(folder: Path, json: bool) -> None:
    """Show every setting, its value and its origin.

    A value comes from a flag, the environment, sightword.toml in FOLDER (k, method and prompt only), your own
    sightword.toml, or is the default; the first that says something wins.
    """
    from sightword.cli.output import print_json, print_table
    from sightword.config import user_file

    settings = [_without_secret(setting) for setting in current_settings(folder)]
    if json:
        rows = [
            {"name": s.name, "value": _plain(s.value), "source": s.source, "where": s.where or None}
            for s in settings
        ]
        print_json({"user_file": str(user_file()), "settings": rows})
        return
    print_table([(s.name, _text(s.value), f"{s.source} {s.where}".strip()) for s in settings])
    note = "" if user_file().exists() else " (not there)"
    click.echo(f"Your settings file: {os.fspath(user_file())}{note}", err=True)


def _without_secret(setting: Setting) -> Setting:
    """Keys are not for screens, recordings and bug reports."""
    secret = setting.name.endswith("-key") and setting.value
    return replace(setting, value="(hidden)") if secret else setting


def _plain(value: Any) -> Any:
    """A value that JSON has."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _text(value: Any) -> str:
    value = _plain(value)
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
