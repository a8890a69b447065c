"""An update through an engine is the update: the same index, and what an engine does wrong is noticed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulk_album import failures, fill, in_index, run
from sightword.errors import SightwordError, UsageError
from sightword.scale import into, pipeline
from sightword.scale.pipeline import LocalEngine, NamedBackbone
from sightword.search import open as open_engine


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return fill(tmp_path / "pictures", 40)


class Twisted(LocalEngine):
    """Hands rows out in another order and some of them twice, as after a worker died."""

    lost = 0

    def run(self, *args: Any) -> Iterator[dict[str, Any]]:
        batches = list(super().run(*args))
        batches += batches[:1]
        random.Random(4).shuffle(batches)
        for batch in batches:
            keep = [at for at in range(len(batch["row"])) if batch["row"][at] >= self.lost]
            yield {name: column[keep] for name, column in batch.items()}


def through(kind: type[LocalEngine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(into, "open_engine", lambda choice, backbone, *_: kind(1, 8, backbone))
    monkeypatch.setattr(pipeline, "AT_ONCE", 8)


def test_the_index_is_the_same(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_engine(pictures, index=tmp_path / "own", backbone=str(tiny_backbone_dir)) as engine:
        engine.update()
    through(Twisted, monkeypatch)
    report = run(pictures, None, tiny_backbone_dir)
    assert (report.added, report.failed, report.pictures) == (40, 2, 40)
    assert in_index(pictures) == in_index(pictures, tmp_path / "own")
    assert set(failures(pictures)) == {b"broken.jpg", b"empty.png"}


def test_it_follows_the_folder(
    pictures: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(Twisted, monkeypatch)
    run(pictures, None, tiny_backbone_dir)
    (pictures / "000.png").rename(pictures / "moved.png")
    shutil.copyfile(pictures / "003.png", pictures / "copy.png")
    (pictures / "sub" / "001.png").unlink()
    fill(pictures, 1, start=90)
    done = run(pictures, None, tiny_backbone_dir).update
    assert (done.added, done.changed, done.moved, done.gone) == (2, 0, 1, 1)


def test_rows_that_do_not_come_back_are_told(
    pictures: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Losing(Twisted):
        lost = 5

    through(Losing, monkeypatch)
    with pytest.raises(SightwordError, match="5 of 42 pictures did not come back"):
        run(pictures, None, tiny_backbone_dir)
    through(Twisted, monkeypatch)
    assert run(pictures, None, tiny_backbone_dir).pictures == 40


def test_workers_that_see_another_disk(
    pictures: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(LocalEngine):
        def run(self, *args: Any) -> Iterator[dict[str, Any]]:
            for batch in super().run(*args):
                batch["vanished"][:] = True
                batch["reason"][:] = "The file cannot be read: No such file or directory."
                yield batch

    through(Elsewhere, monkeypatch)
    with pytest.raises(SightwordError, match=r"A worker does not find .*000\.png, which is there"):
        run(pictures, None, tiny_backbone_dir)


def test_other_weights_under_the_same_name_are_refused(tiny_backbone: Any, tiny_backbone_dir: Path) -> None:
    named = NamedBackbone.of(str(tiny_backbone_dir), tiny_backbone)
    assert named().spec.weights_hash == tiny_backbone.spec.weights_hash and named.precision == "f32"
    with pytest.raises(SightwordError, match="has other weights on"):
        NamedBackbone(str(tiny_backbone_dir), "0" * 64)()


def test_options_of_bulk_work_alone(pictures: Path) -> None:
    from click.testing import CliRunner

    from sightword.cli.door import cli

    def fails(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["index", *arguments])
        assert result.exception is not None
        return str(result.exception) + result.output

    assert "--batch goes with --engine ray or --to" in fails(str(pictures), "--batch", "4")
    assert "--watch follows one folder" in fails(str(pictures), "--watch", "--engine", "ray")
    assert "There is no folder" in fails(str(pictures / "nowhere"))
    assert issubclass(UsageError, SightwordError)
