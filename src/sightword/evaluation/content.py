"""What is in a picture's file: its sha256, remembered by path, size and time of change.

Features are kept by content, and benchmarks have up to 123,403 pictures: reading 20 GB only to learn that
nothing has changed would take longer than all the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sightword.errors import SightwordError
from sightword.evaluation.composed import Picture
from sightword.update.progress import Progress

__all__ = ["with_hashes"]

SAVE_EVERY = 5000


def with_hashes(
    folder: Path,
    pictures: Sequence[Picture],
    cache: Path,
    progress: Progress | None = None,
    lenient: bool = False,
) -> list[Picture]:
    """The pictures, each with the sha256 of its file; those that state one keep it.

    Parameters
    ----------
    folder : Path
    pictures : sequence of Picture
    cache : Path
        Where hashes are remembered, one file a folder.
    progress : Progress, optional
    lenient : bool
        Leave the hash empty when the file cannot be read: decoding it will say why.

    Raises
    ------
    SightwordError
        A file cannot be read.
    """
    files = list(dict.fromkeys(picture.file for picture in pictures if not picture.sha256))
    if not files:
        return list(pictures)
    progress = progress or Progress()
    progress.description("checking pictures")
    progress.total(len(files))
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
    store = cache / f"hashes-{name}.json"
    known, found, new = _read(store), {}, 0
    for file in files:
        progress.advance()
        try:
            stamp = _stamp(folder / file)
            digest = known[file][1] if known.get(file, ("", ""))[0] == stamp else ""
            if not digest:
                digest, new = _digest(folder / file), new + 1
                known[file] = [stamp, digest]
                if new % SAVE_EVERY == 0:
                    _write(store, known)
        except SightwordError:
            if not lenient:
                raise
            digest = ""
        found[file] = digest
    if new:
        _write(store, known)
    return [p if p.sha256 else replace(p, sha256=found[p.file]) for p in pictures]


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return f"{status.st_size}/{status.st_mtime_ns}"


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise _unreadable(path, error) from None
    return digest.hexdigest()


def _unreadable(path: Path, error: OSError) -> SightwordError:
    return SightwordError(f"The picture {path} cannot be read ({error.strerror}).", "Get the file again.")


def _read(store: Path) -> dict[str, list[str]]:
    try:
        read = json.loads(store.read_text(encoding="utf-8"))
        return {str(file): [str(stamp), str(digest)] for file, (stamp, digest) in read.items()}
    except (OSError, ValueError, AttributeError, TypeError):  # not there, or cut off: hashed again
        return {}


def _write(store: Path, known: Mapping[str, Sequence[str]]) -> None:
    """Under a temporary name first; a cache that cannot be written is no reason to stop."""
    with suppress(OSError):
        store.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=store.parent, suffix=".part")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(known, file)
        Path(name).replace(store)
