"""Pictures for index tests, and a plain dictionary that behaves like an index."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from sightword.index.base import Failure, FileState, Manifest, Picture, PictureRow, Stored, VectorStore
from sightword.index.bf16 import from_bfloat16, to_bfloat16

DIM = 24
MANIFEST = Manifest("tiny", "0" * 64, "product", DIM)


def unit(feature: NDArray[np.float32]) -> NDArray[np.float32]:
    """The unit vector, as the store and a query by file make it."""
    wide = feature.astype(np.float64)
    return (wide / np.sqrt((wide**2).sum())).astype(np.float32)


def feature(seed: int, dim: int = DIM) -> NDArray[np.float32]:
    """A raw feature of length about 5."""
    return np.random.default_rng(seed).standard_normal(dim).astype(np.float32)


def picture(seed: int, path: bytes | None = None, **changes: object) -> Picture:
    """A picture that depends on the seed alone."""
    made = Picture(
        path=path if path is not None else b"folder%d/picture %03d.jpg" % (seed % 3, seed),
        size=1000 + seed,
        mtime_ns=1_700_000_000_000_000_000 + seed * 1_000_000_007,
        content_hash=hashlib.sha256(b"%d" % seed).digest(),
        width=100 + 10 * seed,
        height=80,
        format="png" if seed % 4 == 0 else "jpeg",
        taken=None if seed % 5 == 0 else 1_600_000_000.0 + 86_400 * seed,
        feature=feature(seed),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def as_stored(number: int, item: Picture, *, gone: bool = False, manifest: Manifest = MANIFEST) -> Stored:
    """The picture as an index with this manifest keeps it, under the id `number`."""
    wide = item.feature.astype(np.float64)
    made = unit(item.feature)
    kept = made if manifest.dtype == "float32" else from_bfloat16(to_bfloat16(made))
    columns = {each.name: getattr(item, each.name) for each in fields(item) if each.name != "feature"}
    return Stored(PictureRow(id=number, **columns), kept, float(np.sqrt((wide**2).sum())), gone)


def pictures(seeds: Iterable[int]) -> list[Picture]:
    """Several of them."""
    return [picture(seed) for seed in seeds]


@dataclass
class Entry:
    """What the model remembers of one picture."""

    picture: Picture
    gone: bool = False


class Model:
    """An index as a dictionary: slow, obvious, and forgetful of ids."""

    def __init__(self, manifest: Manifest = MANIFEST) -> None:
        self.manifest = manifest
        self.entries: dict[bytes, Entry] = {}
        self.failed: dict[bytes, Failure] = {}

    def add(self, items: Sequence[Picture]) -> None:
        for item in items:
            self.failed.pop(item.path, None)
            self.entries[item.path] = Entry(item)

    def fail(self, items: Sequence[Failure]) -> None:
        for item in items:
            self.entries.pop(item.path, None)
            self.failed[item.path] = item

    def touch(self, states: Mapping[bytes, tuple[int, int]]) -> None:
        for path, (size, mtime_ns) in states.items():
            if path in self.entries:
                self.entries[path] = Entry(replace(self.entries[path].picture, size=size, mtime_ns=mtime_ns))
            elif path in self.failed:
                self.failed[path] = replace(self.failed[path], size=size, mtime_ns=mtime_ns)

    def move(self, pairs: Sequence[tuple[bytes, bytes, int, int]]) -> None:
        known = [pair for pair in pairs if pair[0] in self.entries]
        taken = [self.entries.pop(old).picture for old, _, _, _ in known]
        for made, (_, new, size, mtime_ns) in zip(taken, known):
            self.failed.pop(new, None)
            self.entries[new] = Entry(replace(made, path=new, size=size, mtime_ns=mtime_ns))

    def mark_gone(self, paths: Iterable[bytes]) -> None:
        for path in paths:
            self.failed.pop(path, None)
            if path in self.entries:
                self.entries[path].gone = True

    def compact(self) -> None:
        self.entries = {path: entry for path, entry in self.entries.items() if not entry.gone}

    def stored(self, item: Picture) -> NDArray[np.float32]:
        """The unit vector as the index keeps it."""
        made = unit(item.feature)
        return made if self.manifest.dtype == "float32" else from_bfloat16(to_bfloat16(made))

    def live(self) -> list[Picture]:
        return [entry.picture for entry in self.entries.values() if not entry.gone]

    def scan(
        self, query: NDArray[np.float32], k: int, exclude_hashes: Collection[bytes] = ()
    ) -> list[tuple[float, bytes]]:
        """Brute force: (score, path), best first."""
        scored = [
            (round(float((self.stored(item).astype(np.float64) * query).sum()), 6) + 0.0, item.path)
            for item in self.live()
            if item.content_hash not in exclude_hashes
        ]
        return sorted(scored, key=lambda hit: (-hit[0], hit[1]))[:k]

    def states(self) -> dict[bytes, tuple[int, int, bytes, str]]:
        """What `known` says, without ids."""
        states = {
            path: (e.picture.size, e.picture.mtime_ns, e.picture.content_hash, "gone" if e.gone else "live")
            for path, e in self.entries.items()
        }
        states.update({path: (f.size, f.mtime_ns, b"", "failed") for path, f in self.failed.items()})
        return states


def plain(state: FileState) -> tuple[int, int, bytes, str]:
    """A `FileState` without its id."""
    return state.size, state.mtime_ns, state.content_hash, state.status


def assert_same(store: VectorStore, model: Model, seeds: Iterable[int] = (1, 2, 3), k: int = 5) -> None:
    """The store answers everything as the model does."""
    assert {path: plain(state) for path, state in store.known().items()} == model.states()
    assert sorted(store.failures(), key=lambda f: f.path) == sorted(
        model.failed.values(), key=lambda f: f.path
    )
    live = model.live()
    for seed in seeds:
        query = unit(feature(seed, model.manifest.dim))
        hits = [(hit.score, hit.picture.path) for hit in store.scan(query, k)]
        assert hits == model.scan(query, k)
        mean, deviation = store.background(query)
        if live:
            cosines = np.array([(model.stored(item).astype(np.float64) * query).sum() for item in live])
            assert abs(mean - cosines.mean()) < 1e-5
            assert abs(deviation - cosines.std()) < 1e-5
        else:
            assert (mean, deviation) == (0.0, 0.0)
    for item in live:
        row = store.find(item.path)
        assert row is not None
        assert (row.width, row.height, row.format, row.taken) == (
            item.width,
            item.height,
            item.format,
            item.taken,
        )
        assert np.array_equal(store.vectors([row.id])[0], model.stored(item))
