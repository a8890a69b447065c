"""Options that several commands share, and how they take their defaults."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sightword.config import PREFIX
from sightword.errors import SightwordError

__all__ = [
    "CONTEXT",
    "FolderType",
    "IndexType",
    "MinScoreType",
    "PlaceType",
    "backbone_option",
    "folder_argument",
    "index_option",
    "json_option",
    "load_defaults",
    "pictures_option",
]

if TYPE_CHECKING:
    from sightword.index.milvus.address import Address

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # older versions of click cannot be subscripted

F = TypeVar("F", bound=Callable[..., Any])

# The same prefix for every command, so that SIGHTWORD_BACKBONE means --backbone everywhere.
CONTEXT = {"auto_envvar_prefix": PREFIX, "help_option_names": ["-h", "--help"], "max_content_width": 100}


class FolderType(click.Path):
    """An existing folder."""

    def __init__(self) -> None:
        super().__init__(exists=True, file_okay=False, path_type=Path)


class PlaceType(FolderType):
    """An existing folder, or the address of an index on a cluster."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A path or an `Address`."""
        address = _address(value, "{}")
        return super().convert(value, param, ctx) if address is None else address


class IndexType(click.Path):
    """A directory, or the address of an index on a cluster."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A path or an `Address`."""
        address = _address(value, "--index {}")
        return super().convert(value, param, ctx) if address is None else address


def _address(value: Any, command: str) -> Any:
    """An `Address` if the text is one, and refused if it nearly is; None for a path."""
    if not isinstance(value, (str, os.PathLike)):
        return value
    text = os.fspath(value)
    if ":" not in text:
        return None
    from sightword.index.milvus.address import is_address, parse_address, refuse_half

    refuse_half(text, command)
    return parse_address(text) if is_address(text) else None


class SourceType(FolderType):
    """An existing folder, or what only bulk work reads: a file, ``-``, an address, ``parquet:NAME``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A path for folders, else the text."""
        text = os.fspath(value)
        if text == "-" or "://" in text or text.startswith("parquet:") or os.path.isfile(text):  # noqa: PTH113
            return text
        return super().convert(value, param, ctx)


class MinScoreType(_ParamType):
    """``0.3`` or ``2z``."""

    name = "score"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check it; the query parses it again."""
        from sightword.search.query import parse_min_score

        try:
            return parse_min_score(value if isinstance(value, (str, int, float)) else str(value))
        except SightwordError as error:
            self.fail(str(error), param, ctx)


def load_defaults(ctx: click.Context, folder: Path | None) -> None:
    """Let options that were neither typed nor in the environment take the settings files' values."""
    from sightword.cli.settings import known_settings
    from sightword.config import FILE_NAME, read_settings, user_file

    # Naming every setting means importing every command; not for files that are not there.
    if not user_file().exists() and not (folder is not None and os.path.lexists(folder / FILE_NAME)):
        return
    settings = read_settings(folder, known_settings())
    ctx.meta["sightword.settings"] = settings
    repeatable = {param.name for param in ctx.command.params if getattr(param, "multiple", False)}
    ctx.default_map = {}
    for name, setting in settings.items():
        key = name.replace("-", "_")
        alone = key in repeatable and not isinstance(setting.value, list)
        ctx.default_map[key] = [setting.value] if alone else setting.value


def _take_folder(ctx: click.Context, param: click.Parameter, folder: Path | Address) -> Path | Address:
    load_defaults(ctx, folder if isinstance(folder, Path) else None)
    return folder


def folder_argument(required: bool = True, *, address: bool = False) -> Callable[[F], F]:
    """FOLDER; eager, because its settings file gives the other options their defaults.

    With `address` an index on a cluster may be named instead.
    """
    extra: dict[str, Any] = {} if required else {"default": ".", "required": False}
    kind = PlaceType() if address else FolderType()
    return click.argument("folder", type=kind, is_eager=True, callback=_take_folder, **extra)


def source_argument() -> Callable[[F], F]:
    """SOURCE; eager as FOLDER is. The settings file of a folder counts, as long as it is one."""

    def take(ctx: click.Context, param: click.Parameter, source: Path | str) -> Path | str:
        load_defaults(ctx, source if isinstance(source, Path) else None)
        return source

    return click.argument("source", type=SourceType(), is_eager=True, callback=take)


def json_option() -> Callable[[F], F]:
    """``--json``."""
    return click.option("--json", "json", is_flag=True, help="Print one JSON document.")


def index_option() -> Callable[[F], F]:
    """``--index PATH``."""
    return click.option(
        "--index",
        "index",
        type=IndexType(),
        help="Where the index is kept: a directory, or milvus://HOST/COLLECTION. "
        "[default: .sightword in FOLDER]",
    )


def pictures_option() -> Callable[[F], F]:
    """``--pictures TEMPLATE``."""
    return click.option(
        "--pictures",
        metavar="TEMPLATE",
        help="Where the pictures can be seen, such as https://pictures.example.org/{path}.",
    )


def backbone_option(default: str | None = "starter") -> Callable[[F], F]:
    """``--backbone NAME``."""
    return click.option(
        "--backbone",
        metavar="NAME",
        default=default,
        show_default=True,
        help="The encoder; see `sightword models`.",
    )
