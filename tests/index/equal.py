"""Whether two indexes hold the same, whatever back ends they have."""

from __future__ import annotations

from dataclasses import replace

from sightword.index.base import Stored, VectorStore

__all__ = ["assert_equal_indexes"]


def assert_equal_indexes(one: VectorStore, other: VectorStore) -> None:
    """Pictures with vectors and norms bit for bit, marks and failures; ids may differ."""
    assert _pictures(one) == _pictures(other)
    assert sorted(one.failures(), key=lambda f: f.path) == sorted(other.failures(), key=lambda f: f.path)


def _pictures(store: VectorStore) -> dict[bytes, tuple[Stored, bytes]]:
    ids = [state.id for state in store.known().values() if state.id is not None]
    found = store.stored(ids)
    assert len(found) == len(ids)
    return {
        item.row.path: (replace(item, row=replace(item.row, id=0), unit=None), item.unit.tobytes())  # type: ignore[arg-type]
        for item in found
    }
