"""A trained method's directory is written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sightword.errors import UsageError
from sightword.methods.phi import CONFIG

__all__ = ["check_free", "check_new", "write_directory"]


def check_free(directory: Path) -> None:
    """Refuse a place that holds something else than a trained method.

    Raises
    ------
    UsageError
    """
    if directory.is_file():
        raise UsageError(f"{directory} is a file.", "Choose another directory.")
    if directory.exists() and not (directory / CONFIG).is_file() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty and holds no phi.", "Choose another directory.")


def check_new(directory: Path, hint: str) -> None:
    """`check_free`, and refuse an earlier result too: hours of training must not vanish by a repeated name.

    Parameters
    ----------
    directory : Path
    hint : str
        How to go on.

    Raises
    ------
    UsageError
    """
    check_free(directory)
    if (directory / CONFIG).is_file():
        raise UsageError(f"{directory} holds a finished result already.", hint)


def write_directory(
    directory: Path, files: Mapping[str, str | bytes], check: Callable[[Path], object] | None = None
) -> None:
    """Write files; an earlier trained method at the same place is replaced when all is written.

    Parameters
    ----------
    directory : Path
    files : mapping of name to content
    check : callable, optional
        Called with the finished draft; what it raises leaves everything as it was.
    """
    check_free(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".phi-", dir=directory.parent))
    try:
        for name, content in files.items():
            (draft / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        if check is not None:
            check(draft)
        draft.chmod(0o755)
        _replace(draft, directory)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(draft: Path, directory: Path) -> None:
    """Two directories cannot be swapped in one step: the old one steps aside until the new one stands."""
    aside = directory.with_name(f".{directory.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if directory.exists():
        directory.replace(aside)
    try:
        draft.replace(directory)
    except OSError:
        if aside.exists():
            aside.replace(directory)
        raise
    shutil.rmtree(aside, ignore_errors=True)
