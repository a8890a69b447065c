"""Bulk work into a collection of a real Milvus server."""

from __future__ import annotations

import json
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bulk_album import fill, in_index, run
from milvus_server import MilvusServer
from ray_box import box
from sightword.index.opening import open_index

pytestmark = pytest.mark.slow
pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")


def on_server(place: str) -> dict[bytes, tuple[Any, ...]]:
    """What `in_index` says of an index on this disk."""
    with closing(open_index(Path(), index=place, readonly=True)) as store:
        ids = [state.id for state in store.known().values() if state.id is not None]
        return {
            item.row.path: (
                item.row.size, item.row.mtime_ns, item.row.content_hash, item.row.width, item.row.height,
                item.row.format, item.row.taken, item.norm, np.asarray(item.unit, "<f4").tobytes(),
            )
            for item in store.stored(ids)
        }  # fmt: skip


def test_folders_lists_and_features(
    milvus_server: MilvusServer, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    folder, place = fill(tmp_path / "pictures", 20), milvus_server.url("bulk", consistency="strong")
    names = sorted(str(path) for path in folder.rglob("0*.png"))
    (tmp_path / "list.txt").write_text("\n".join(names[:5]))
    listed = run(tmp_path / "list.txt", place, tiny_backbone_dir, root=folder)
    assert (listed.pictures, listed.encoded) == (5, 5)
    whole = run(folder, place, tiny_backbone_dir)
    assert (whole.pictures, whole.encoded, whole.not_readable) == (20, 15, 2)
    run(folder, None, tiny_backbone_dir)
    assert on_server(place) == in_index(folder)
    assert run(folder, place, tiny_backbone_dir).encoded == 0

    (folder / "000.png").unlink()
    run(folder, tmp_path / "out.parquet", tiny_backbone_dir)
    brought = run(tmp_path / "out.parquet", place, tiny_backbone_dir)
    assert (brought.added, brought.already, brought.encoded, brought.pictures) == (0, 19, 0, 20)


@pytest.mark.skipif(find_spec("ray") is None, reason="ray is an extra")
def test_a_ray_cluster_into_a_collection(
    milvus_server: MilvusServer, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    folder, place = fill(tmp_path / "pictures", 40), milvus_server.url("from_ray", consistency="strong")
    options = ("--backbone", tiny_backbone_dir, "--engine", "ray", "--json")
    with box() as cluster:
        done = cluster.command("index", folder, *options, "--address", cluster.address, "--to", place)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["pictures"], facts["encoded"], facts["not_readable"]) == (40, 40, 2)
    run(folder, None, tiny_backbone_dir)
    assert on_server(place) == in_index(folder)
