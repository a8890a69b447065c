"""WebDataset shards: ``000001.jpg`` and ``000001.txt`` side by side in tar files."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from sightword.errors import UsageError
from sightword.pictures.formats import has_picture_name
from sightword.training.readers.base import CAPTIONS, Columns, Item, Source, file_state, texts_of
from sightword.training.readers.utf8 import decoded_text

__all__ = ["TarSource", "expand"]

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LARGEST = 256 * 2**20
"""Bytes of one member; what a stranger's shard may put into memory."""


class TarSource(Source[Item]):
    """Shards, read in order without unpacking anything to the disk.

    Parameters
    ----------
    shards : list of Path
    columns : Columns
        `caption` names the key in ``.json`` members.
    """

    def __init__(self, shards: list[Path], columns: Columns) -> None:
        self.name = str(shards[0]) if len(shards) == 1 else f"{shards[0]} … {shards[-1].name}"
        self._shards, self._columns = shards, columns
        for shard in shards:
            if not shard.is_file():
                raise UsageError(f"There is no {shard}.")

    def __iter__(self) -> Iterator[Item]:
        for shard in self._shards:
            try:
                with tarfile.open(shard) as tar:
                    yield from self._read(tar, shard)
            except (tarfile.TarError, EOFError, OSError) as error:
                raise UsageError(f"{shard} cannot be read as a tar file: {error}.") from None

    def identity(self) -> str:
        """The shards' states."""
        return "|".join([*map(file_state, self._shards), str(self._columns.caption)])

    def _read(self, tar: tarfile.TarFile, shard: Path) -> Iterator[Item]:
        key = ""
        picture: bytes | None = None
        captions: tuple[str, ...] = ()
        for member in tar:
            if not member.isfile() or member.size > _LARGEST:
                continue
            folder, _, base = member.name.rpartition("/")
            stem, _, kind = base.partition(".")
            own = f"{folder}/{stem}" if folder else stem
            if own != key:
                if key and (picture is not None or captions):
                    yield Item(f"{shard.name}/{key}", picture, captions)
                key, picture, captions = own, None, ()
            stream = tar.extractfile(member)
            assert stream is not None
            if has_picture_name(base.encode()):
                picture = stream.read()
            elif kind in ("txt", "caption"):
                captions = (decoded_text(stream.read(), f"{shard}: {member.name}").strip(),)
            elif kind == "json" and not captions:
                captions = self._from_json(decoded_text(stream.read(), f"{shard}: {member.name}"))
        if key and (picture is not None or captions):
            yield Item(f"{shard.name}/{key}", picture, captions)

    def _from_json(self, text: str) -> tuple[str, ...]:
        try:
            row = json.loads(text)
        except ValueError:
            return ()
        names = (self._columns.caption,) if self._columns.caption else CAPTIONS
        return next((texts_of(row[n]) for n in names if isinstance(row, dict) and n in row), ())


def expand(pattern: Path) -> list[Path]:
    """``shard-{000..003}.tar`` -> its four files."""
    match = _RANGE.search(pattern.name)
    if match is None:
        raise UsageError(f"{pattern} has braces that are no range.", "Write shard-{000..031}.tar.")
    first, last = int(match[1]), int(match[2])
    if last < first or last - first > 100_000:
        raise UsageError(f"{pattern} names no reasonable range.")
    head, tail, width = pattern.name[: match.start()], pattern.name[match.end() :], len(match[1])
    return [pattern.with_name(f"{head}{number:0{width}}{tail}") for number in range(first, last + 1)]
