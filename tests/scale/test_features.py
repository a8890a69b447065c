"""Directories of features: equal to the index, resumable, and brought in without encoding."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulk_album import failures, fill, in_features, in_index, run
from sightword.errors import IndexBusy, IndexForAnotherBackbone, SightwordError, UsageError
from sightword.index.locking import WriterLock
from sightword.scale import EngineChoice, exporting, into
from sightword.scale.features import Features
from sightword.scale.pipeline import LocalEngine
from tiny import write_tiny_backbone
from told import Told

pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return fill(tmp_path / "pictures", 40)


def everything(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_features_are_those_of_the_index(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    report = run(pictures, tmp_path / "out.parquet", tiny_backbone_dir)
    assert (report.pictures, report.encoded, report.failed, report.not_readable) == (40, 40, 2, 2)
    run(pictures, None, tiny_backbone_dir)
    made = in_features(tmp_path / "out.parquet")
    assert made == in_index(pictures) and len(made) == 40
    assert failures(tmp_path / "out.parquet") == failures(pictures)
    assert set(failures(pictures)) == {b"broken.jpg", b"empty.png"}


def test_other_tools_can_read_it(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    import pyarrow.parquet as parquet

    odd = os.fsencode(pictures) + b"/caf\xe9.png"
    shutil.copyfile(pictures / "000.png", odd)
    run(pictures, f"parquet:{tmp_path / 'features'}", tiny_backbone_dir)
    table = parquet.read_table(tmp_path / "features" / "pictures")
    names = [
        "path",
        "path_b64",
        "size",
        "mtime_ns",
        "content_hash",
        "width",
        "height",
        "format",
        "taken",
        "norm",
        "unit",
    ]
    assert table.column_names == names and table.num_rows == 41
    assert str(table.schema.field("unit").type).startswith("fixed_size_list")
    assert b"caf\xe9.png" in in_features(tmp_path / "features")
    facts = json.loads((tmp_path / "features" / "manifest.json").read_text())
    assert facts["backbone"] == "tiny" and facts["complete"] and len(facts["weights_hash"]) == 64
    bad = parquet.read_table(tmp_path / "features" / "failures")
    assert sorted(bad["path"].to_pylist()) == ["broken.jpg", "empty.png"] and all(bad["reason"].to_pylist())


class Dying(LocalEngine):
    """Ends after some batches, as a cluster that is lost."""

    left = 2

    def run(self, *args: Any) -> Iterator[dict[str, Any]]:
        for batch in super().run(*args):
            if not self.left:
                raise SightwordError("lost")
            self.left -= 1
            yield batch


def test_what_is_finished_is_not_done_again(
    tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "many", 200)
    run(folder, tmp_path / "whole.parquet", tiny_backbone_dir)
    target = tmp_path / "cut.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(into, "open_engine", lambda choice, backbone, *_: Dying(1, 32, backbone))
        with pytest.raises(SightwordError, match="lost"):
            run(folder, target, tiny_backbone_dir)
    assert not Features.open(target).manifest.complete
    before = everything(target)
    (target / "pictures" / "half.parquet.partial").write_bytes(b"half a file")
    told = Told()
    report = run(folder, target, tiny_backbone_dir, progress=told)
    assert 20 < report.already < 202 and report.encoded + report.failed == 202 - report.already
    kept = {name: data for name, data in before.items() if name != "manifest.json"}
    assert kept.items() <= everything(target).items()
    whole = everything(tmp_path / "whole.parquet")
    assert everything(target) == whole
    again = run(folder, target, tiny_backbone_dir)
    assert (again.encoded, again.already) == (0, 202)


def test_stopping_keeps_finished_shards(tmp_path: Path, tiny_backbone_dir: Path) -> None:
    folder = fill(tmp_path / "many", 200)
    stop = threading.Event()

    class Stopping(Told):
        def advance(self, count: int = 1) -> None:
            stop.set()

    target = tmp_path / "out.parquet"
    report = run(folder, target, tiny_backbone_dir, stop=stop, progress=Stopping())
    assert report.interrupted and 0 < report.pictures < 200
    assert not Features.open(target).manifest.complete
    assert run(folder, target, tiny_backbone_dir).pictures == 200


def test_changes_cost_what_changed(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    target = tmp_path / "out.parquet"
    run(pictures, target, tiny_backbone_dir)
    fill(pictures, 1, start=100)
    (pictures / "sub" / "004.png").unlink()
    report = run(pictures, target, tiny_backbone_dir)
    assert 0 < report.encoded < 40 and report.pictures == 40
    fresh = tmp_path / "fresh.parquet"
    run(pictures, fresh, tiny_backbone_dir)
    assert everything(target) == everything(fresh)


def test_a_poisoned_file_costs_itself(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kill.png", "abort.png"):
        shutil.copyfile(pictures / "000.png", pictures / name)
    run(pictures, tmp_path / "out.parquet", tiny_backbone_dir, program="faulty_worker")
    reasons = failures(tmp_path / "out.parquet")
    assert len(in_features(tmp_path / "out.parquet")) == 40
    assert {b"kill.png", b"abort.png"} <= set(reasons)
    assert "crashed the process" in reasons[b"kill.png"]


def test_a_folder_takes_features_in(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    run(pictures, tmp_path / "out.parquet", tiny_backbone_dir)
    (pictures / "000.png").unlink()
    os.utime(pictures / "sub" / "001.png")
    shutil.copyfile(pictures / "sub" / "005.png", pictures / "003.png")  # another picture by now
    report = run(tmp_path / "out.parquet", pictures, tiny_backbone_dir)
    assert (report.added, report.encoded, report.left_out, report.failed) == (38, 0, 2, 2)
    again = run(tmp_path / "out.parquet", pictures, tiny_backbone_dir)
    assert (again.added, again.already, again.left_out, again.failed) == (0, 38, 2, 0)
    brought = in_index(pictures)
    after = run(pictures, None, tiny_backbone_dir)
    assert (after.update.added, after.update.changed, after.pictures) == (1, 0, 39)
    run(pictures, None, tiny_backbone_dir, index=tmp_path / "other")
    assert brought.items() <= in_index(pictures, tmp_path / "other").items()


def test_others_are_refused(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    target = tmp_path / "out.parquet"
    run(pictures, target, tiny_backbone_dir)
    other = write_tiny_backbone(tmp_path / "other", kind="last", name="other")
    with pytest.raises(IndexForAnotherBackbone, match="made with tiny, not with other"):
        run(pictures, target, other)
    with pytest.raises(UsageError, match="holds the features of"):
        run(fill(tmp_path / "elsewhere", 3), target, tiny_backbone_dir)
    run(pictures, None, other)
    with pytest.raises(IndexForAnotherBackbone, match="holds vectors of tiny, the index those of other"):
        run(target, pictures, tiny_backbone_dir)
    with pytest.raises(UsageError, match="holds something else"):
        run(pictures, f"parquet:{pictures / 'sub'}", tiny_backbone_dir)
    with pytest.raises(UsageError, match="holds features already"):
        run(target, tmp_path / "copy.parquet", tiny_backbone_dir)
    with WriterLock(target), pytest.raises(IndexBusy):
        run(pictures, target, tiny_backbone_dir)
    (target / "manifest.json").write_text("{}")
    with pytest.raises(SightwordError, match=r"manifest.json cannot be read"):
        run(target, pictures, tiny_backbone_dir)


def test_a_shard_that_does_not_come_back_is_told(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "each", lambda batch: list(_all_but_one(batch)))
    with pytest.raises(SightwordError, match=r"1 of [0-9]+ shards did not come back whole"):
        run(pictures, tmp_path / "out.parquet", tiny_backbone_dir)


def _all_but_one(batch: Any) -> Iterator[Any]:
    from sightword.scale.results import each

    return (found for found in each(batch) if found[2].path != b"000.png")


def test_choices_that_do_not_go_together() -> None:
    for choice, words in (
        (EngineChoice("spark"), "no engine"),
        (EngineChoice(address="auto"), "--address belongs to a cluster"),
        (EngineChoice(cards=1), "--gpus belongs to a cluster"),
        (EngineChoice(batch=0), "encodes nothing"),
    ):
        with pytest.raises(UsageError, match=words):
            choice.check()
