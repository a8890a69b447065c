"""A directory of features in Parquet, for other tools and for `sightword index DIR --to FOLDER`.

::

    DIR/manifest.json          the backbone and its weights' hash, the preset, where the pictures came from
    DIR/pictures/HASH.parquet  one finished shard each, named by the hash of its inputs
    DIR/failures/HASH.parquet  files of that shard that could not be read, if any

A file appears under its name when it is complete and on the disk, failures before pictures: a shard whose
file of pictures is there is finished.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sightword.errors import IndexCorrupt, IndexForAnotherBackbone, IndexMissing, SightwordError, UsageError
from sightword.index.base import Failure, Picture, Stored
from sightword.index.files import DISK
from sightword.pictures.types import UnreadablePicture
from sightword.scale.columns import (
    failure_rows,
    failure_table,
    picture_rows,
    picture_table,
    row_paths,
    row_states,
)
from sightword.scale.need import need_arrow
from sightword.scale.results import Result
from sightword.scale.work import shard_name

__all__ = ["Features", "FeaturesManifest"]

_MANIFEST = "manifest.json"
_FRESH = ".partial"


@dataclass(frozen=True)
class FeaturesManifest:
    """What a directory of features holds; another backbone's are refused.

    Attributes
    ----------
    backbone, weights_hash, preprocess, precision : str
    dim : int
    source : str
        Where the pictures came from.
    complete : bool
        Whether every picture of the source has been dealt with.
    schema : int
    """

    backbone: str
    weights_hash: str
    preprocess: str
    precision: str
    dim: int
    source: str
    complete: bool = False
    schema: int = 1


class Features:
    """A directory of features; see the module.

    Parameters
    ----------
    directory : Path
    manifest : FeaturesManifest
    """

    def __init__(self, directory: Path, manifest: FeaturesManifest) -> None:
        self.directory = directory
        self.manifest = manifest

    @staticmethod
    def is_there(directory: Path) -> bool:
        """Whether this is a directory of features."""
        return (directory / _MANIFEST).is_file() and (directory / "pictures").is_dir()

    @classmethod
    def open(cls, directory: Path) -> Features:
        """Open what is there.

        Raises
        ------
        IndexMissing, IndexCorrupt
        """
        try:
            read = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
            manifest = FeaturesManifest(**read)
        except FileNotFoundError:
            raise IndexMissing(f"{directory} holds no features.") from None
        except (OSError, ValueError, TypeError) as error:
            raise IndexCorrupt(f"{directory / _MANIFEST} cannot be read ({error}).") from None
        return cls(directory, manifest)

    @classmethod
    def create(cls, directory: Path, manifest: FeaturesManifest) -> Features:
        """Make a directory, or go on with one that was made for the same source and backbone.

        Raises
        ------
        IndexForAnotherBackbone
        UsageError
            The directory is in use for something else.
        """
        if cls.is_there(directory):
            there = cls.open(directory)
            there.require(manifest)
            if there.manifest.source != manifest.source:
                raise UsageError(
                    f"{directory} holds the features of {there.manifest.source}, not of {manifest.source}.",
                    "Choose another directory.",
                )
        elif directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise UsageError(f"{directory} is there and holds something else.", "Choose another directory.")
        made = cls(directory, manifest)
        try:
            for name in ("pictures", "failures"):
                (directory / name).mkdir(parents=True, exist_ok=True)
                for left in (directory / name).glob(f"*{_FRESH}"):
                    left.unlink()
            made.mark(complete=False)
        except OSError as error:
            raise _unwritable(directory, error) from None
        return made

    def require(self, other: FeaturesManifest) -> None:
        """Refuse to mix features of two backbones, presets or precisions."""
        for name in ("weights_hash", "preprocess", "precision"):
            mine, theirs = getattr(self.manifest, name), getattr(other, name)
            if mine != theirs:
                shown = (self.manifest.backbone, other.backbone) if name == "weights_hash" else (mine, theirs)
                raise IndexForAnotherBackbone(
                    f"{self.directory} was made with {shown[0]}, not with {shown[1]} ({name}).",
                    "Choose another directory.",
                )

    def mark(self, *, complete: bool) -> None:
        """Write the manifest."""
        self.manifest = replace(self.manifest, complete=complete)
        text = json.dumps(asdict(self.manifest), indent=2) + "\n"
        self._place(self.directory / _MANIFEST, lambda path: path.write_text(text, encoding="utf-8"))

    def finished(self) -> set[str]:
        """Names of the shards that need nothing."""
        return {path.stem for path in (self.directory / "pictures").glob("*.parquet")}

    def keep(self, name: str, results: Sequence[Result]) -> None:
        """Write a finished shard; vanished files are in neither part."""
        parquet = need_arrow("pyarrow.parquet")
        pictures = [result for result in results if isinstance(result, Picture)]
        failures = [
            result for result in results if isinstance(result, UnreadablePicture) and not result.vanished
        ]
        tables = [("pictures", picture_table(pictures, self.manifest.dim))]
        if failures:
            tables.insert(0, ("failures", failure_table(failures)))
        for part, table in tables:
            path = self.directory / part / f"{name}.parquet"
            self._place(path, partial(parquet.write_table, table))

    def forget(
        self, name: str, but: Sequence[bytes] = (), pictures: AbstractSet[bytes] = frozenset()
    ) -> None:
        """Remove a shard, but keep what lies at or below some paths, and some pictures.

        What is kept gets another name: under its own the shard would count as finished.
        """
        files = [self.directory / part / f"{name}.parquet" for part in ("failures", "pictures")]
        files = [path for path in files if path.is_file()]
        if but or pictures:
            parquet = need_arrow("pyarrow.parquet")
            below = tuple(path + b"/" for path in but)
            tables = [parquet.read_table(path) for path in files]
            wanted = []
            for path, table in zip(files, tables):
                own = pictures if path.parent.name == "pictures" else ()
                every = row_paths(table)
                wanted.append([row in own or row in but or row.startswith(below) for row in every])
            if all(map(all, wanted)):
                return
            if any(map(any, wanted)):
                for path, table, rows in zip(files, tables, wanted):
                    left = path.with_stem(shard_name(name, ["left"]))
                    self._place(left, partial(parquet.write_table, table.filter(rows)))
        for path in files:
            path.unlink()

    def states(
        self, names: Collection[bytes], shards: Collection[str] | None = None
    ) -> tuple[dict[bytes, tuple[int, int]], ...]:
        """Size and mtime_ns as some shards hold them of some names: those of pictures, and of failures."""
        parquet = need_arrow("pyarrow.parquet")
        found: list[dict[bytes, tuple[int, int]]] = []
        for part in ("pictures", "failures"):
            states: dict[bytes, tuple[int, int]] = {}
            for path in sorted((self.directory / part).glob("*.parquet")):
                if shards is not None and path.stem not in shards:
                    continue
                rows = row_states(parquet.ParquetFile(path))
                states.update((name, state) for name, state in rows if name in names)
            found.append(states)
        return tuple(found)

    def counts(self) -> tuple[int, int]:
        """Pictures and failures in all shards."""
        parquet = need_arrow("pyarrow.parquet")
        both = []
        for part in ("pictures", "failures"):
            files = (self.directory / part).glob("*.parquet")
            both.append(sum(parquet.ParquetFile(path).metadata.num_rows for path in files))
        return both[0], both[1]

    def stored(self) -> Iterator[list[Stored]]:
        """All pictures, some at a time; ids are 0."""
        for batch in self._batches("pictures"):
            yield list(picture_rows(batch, self.manifest.dim))

    def failures(self) -> Iterator[list[Failure]]:
        """All failures, some at a time."""
        for batch in self._batches("failures"):
            yield list(failure_rows(batch))

    def _batches(self, part: str) -> Iterator[Any]:
        parquet = need_arrow("pyarrow.parquet")
        for path in sorted((self.directory / part).glob("*.parquet")):
            try:
                yield from parquet.ParquetFile(path).iter_batches(1024)
            except (OSError, ValueError) as error:
                reason = str(error).strip().splitlines()[0].rstrip(".")
                raise IndexCorrupt(f"{path} cannot be read ({reason}).") from None

    def _place(self, path: Path, write: Any) -> None:
        fresh = path.with_name(path.name + _FRESH)
        try:
            write(fresh)
            with fresh.open("r+b") as file:
                DISK.sync(file)
            DISK.rename(fresh, path)
            DISK.sync_dir(path.parent)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> SightwordError:
    return SightwordError(f"{path} cannot be written ({error.strerror or error}).", "Is the disk full?")
