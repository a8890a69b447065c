"""Files of a list that are not there are failures like any other; and folders that cannot be looked into."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from bulk_album import failures, fill, in_features, in_index, run
from sightword.errors import SightwordError
from sightword.pictures.scan import ScanProblem
from sightword.scale import into, sources
from sightword.scale.features import Features
from sightword.scale.pipeline import LocalEngine

NOT_THERE = "The file cannot be read: No such file or directory."


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return fill(tmp_path / "pictures", 12)


@pytest.fixture
def listed(pictures: Path, tmp_path: Path) -> Path:
    """A list of twelve pictures and of two that are not there."""
    names = sorted(str(path.relative_to(pictures)) for path in pictures.rglob("[0s]*.png"))
    file = tmp_path / "list.txt"
    file.write_text("\n".join([*names, "missing.png", "000.png/inside.png"]))
    return file


def test_in_an_index(pictures: Path, listed: Path, tiny_backbone_dir: Path) -> None:
    report = run(listed, pictures, tiny_backbone_dir)
    assert (report.pictures, report.added, report.failed, report.not_readable) == (12, 12, 2, 2)
    assert not report.problems
    reasons = failures(pictures)
    assert reasons[b"missing.png"] == NOT_THERE and "Not a directory" in reasons[b"000.png/inside.png"]

    again = run(listed, pictures, tiny_backbone_dir)  # told once, as of other broken files, and kept
    assert (again.added, again.failed, again.not_readable) == (0, 0, 2)
    fill(pictures, 1, start=50)
    (pictures / "sub" / "050.png").rename(pictures / "missing.png")
    back = run(listed, pictures, tiny_backbone_dir)
    assert (back.added, back.failed, back.pictures, back.not_readable) == (1, 0, 13, 1)


def test_in_a_directory_of_features(
    pictures: Path, listed: Path, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    out = tmp_path / "out.parquet"
    report = run(listed, out, tiny_backbone_dir, root=pictures)
    assert (report.pictures, report.encoded, report.failed, report.not_readable) == (12, 12, 2, 2)
    assert failures(out)[b"missing.png"] == NOT_THERE
    again = run(listed, out, tiny_backbone_dir, root=pictures)
    assert (again.encoded, again.already, again.not_readable) == (0, 14, 2)
    fill(pictures, 1, start=50)
    (pictures / "sub" / "050.png").rename(pictures / "missing.png")
    back = run(listed, out, tiny_backbone_dir, root=pictures)
    assert back.encoded >= 1 and (back.pictures, back.not_readable) == (13, 1)
    assert set(failures(out)) == {b"000.png/inside.png"} and len(in_features(out)) == 13


def test_features_of_a_drive_that_is_away_stay(
    pictures: Path, listed: Path, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    out, drive = tmp_path / "out.parquet", pictures / "sub"
    (drive / "sbad.png").write_bytes(b"bad")
    with listed.open("a") as file:
        file.write("\nsub/sbad.png")
    run(listed, out, tiny_backbone_dir, root=pictures)
    before, bad = in_features(out), failures(out)
    names = sorted(path.name for path in out.rglob("*.parquet"))
    away = {path for path in before if path.startswith(b"sub/")}
    assert 0 < len(away) < len(before) == 12 and len(bad) == 3

    drive.rename(tmp_path / "away")
    for _ in range(2):
        report = run(listed, out, tiny_backbone_dir, root=pictures)
        assert (report.encoded, report.failed, report.pictures, report.not_readable) == (0, 0, 12, 3)
        assert {(problem.path, problem.reason) for problem in report.problems} == {
            (path, NOT_THERE) for path in away
        }  # said every time
        assert in_features(out) == before and failures(out) == bad
    (tmp_path / "away").rename(drive)
    back = run(listed, out, tiny_backbone_dir, root=pictures)
    assert (back.encoded, back.failed, back.already, back.problems) == (0, 0, 15, [])
    assert in_features(out) == before and failures(out) == bad
    assert sorted(path.name for path in out.rglob("*.parquet")) == names


def test_they_stay_once_when_their_neighbours_change(
    pictures: Path, listed: Path, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    out, drive = tmp_path / "out.parquet", pictures / "sub"
    run(listed, out, tiny_backbone_dir, root=pictures, average=1000)  # all of them neighbours
    before, bad = in_features(out), failures(out)
    drive.rename(tmp_path / "away")
    for second, changed in enumerate(("000.png", "003.png", "003.png"), start=1):
        other = fill(tmp_path / "other" / str(second), 1, start=60 + second)
        (pictures / changed).write_bytes(next(other.rglob("*.png")).read_bytes())
        os.utime(pictures / changed, (second, second))
        shutil.copytree(out, tmp_path / f"old{second}")
        for encoded in (4, 0):
            report = run(listed, out, tiny_backbone_dir, root=pictures, average=1000)
            assert (report.encoded, report.pictures, report.not_readable) == (encoded, 12, 2)
            assert len(report.problems) == 8
            # As if the first run had been killed before it removed the old shards.
            shutil.copytree(tmp_path / f"old{second}", out, dirs_exist_ok=True)
        run(listed, out, tiny_backbone_dir, root=pictures, average=1000)
        now = in_features(out)
        assert set(now) == set(before) and failures(out) == bad
        assert all(now[path] == before[path] for path in before if path.startswith(b"sub/"))
    (tmp_path / "away").rename(drive)
    run(listed, out, tiny_backbone_dir, root=pictures, average=1000)
    run(listed, tmp_path / "fresh.parquet", tiny_backbone_dir, root=pictures, average=1000)
    names = [{path.name for path in where.rglob("*.parquet")} for where in (out, tmp_path / "fresh.parquet")]
    assert names[0] == names[1] and in_features(out) == in_features(tmp_path / "fresh.parquet")
    assert failures(out) == bad


class Leaving(LocalEngine):
    """The folder `away` is renamed when reading begins."""

    away: Path

    def run(self, *args: Any) -> Any:
        self.away.rename(self.away.parent.parent / "away")
        yield from super().run(*args)


@pytest.mark.parametrize("whole", [False, True])
def test_a_drive_that_leaves_while_it_is_read(
    whole: bool,
    pictures: Path,
    listed: Path,
    tmp_path: Path,
    tiny_backbone_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What could not be read then is read later, and what had been read before is not lost."""
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    source, out, drive = pictures if whole else listed, tmp_path / "out.parquet", pictures / "sub"
    away: list[Leaving] = []

    def engine(choice: Any, backbone: Any, *_: Any) -> Leaving:
        away.append(Leaving(1, 8, backbone))
        away[-1].away = drive
        return away[-1]

    def interrupted() -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(into, "open_engine", engine)
            return run(source, out, tiny_backbone_dir, root=pictures, average=1000)

    assert interrupted().pictures == 4
    (tmp_path / "away").rename(drive)
    back = run(source, out, tiny_backbone_dir, root=pictures, average=1000)
    assert (back.pictures, back.not_readable) == (12, 2)
    before, bad = in_features(out), failures(out)

    fill(tmp_path / "other", 1)
    (tmp_path / "other" / "000.png").rename(pictures / "003.png")
    there = interrupted()
    if not whole:  # what a folder does not have is gone
        assert (there.encoded, there.pictures, there.not_readable) == (4, 12, 2) and failures(out) == bad
        now = in_features(out)
        assert {path for path in now if now[path] != before[path]} == {b"003.png"}
        assert set(now) == set(before)
    (tmp_path / "away").rename(drive)
    back = run(source, out, tiny_backbone_dir, root=pictures, average=1000)
    assert (back.pictures, back.not_readable) == (12, 2) and failures(out) == bad


def test_a_picture_that_is_known_vanishes_as_always(
    pictures: Path, listed: Path, tiny_backbone_dir: Path
) -> None:
    run(listed, pictures, tiny_backbone_dir)
    (pictures / "003.png").unlink()
    for gone in (1, 0):  # told of every time
        report = run(listed, pictures, tiny_backbone_dir)
        assert (report.pictures, report.failed, report.update.gone) == (11, 0, gone)
        assert [(problem.path, problem.reason) for problem in report.problems] == [(b"003.png", NOT_THERE)]
    fill(pictures, 4)
    assert run(listed, pictures, tiny_backbone_dir).pictures == 12  # its vector was kept


def test_nothing_there_at_all(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    (tmp_path / "list.txt").write_text("missing.png\nsub/missing.png\n")
    with pytest.raises(SightwordError, match=r"None of the pictures in .* such as .*/pictures/missing\.png"):
        run(tmp_path / "list.txt", pictures, tiny_backbone_dir)


def test_workers_that_see_another_disk_make_no_failures(
    pictures: Path, listed: Path, tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(LocalEngine):
        def run(self, *args: Any) -> Any:
            for batch in super().run(*args):
                batch["vanished"][:] = True
                batch["reason"][:] = NOT_THERE
                yield batch

    monkeypatch.setattr(into, "open_engine", lambda choice, backbone, *_: Elsewhere(1, 8, backbone))
    with pytest.raises(SightwordError, match="A worker does not find"):
        run(listed, pictures, tiny_backbone_dir)
    assert not failures(pictures) and not in_index(pictures)


def test_what_cannot_be_looked_at_is_kept_once(
    tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be entered hides what is in it; what was made of it before stays, once."""
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    home, out = fill(tmp_path / "pictures", 60), tmp_path / "out.parquet"
    (home / "sub" / "bad.png").write_bytes(b"bad")
    run(home, out, tiny_backbone_dir, root=tmp_path)
    before, bad = in_features(out), failures(out)
    fill(home, 1, start=99)  # 099.png, outside of sub
    (home / "000.png").unlink()
    scan = sources.scan

    def half_blind(folder: Path, problems: list[ScanProblem]) -> Any:
        problems.append(ScanProblem(b"sub", "The folder cannot be read: Permission denied.", True))
        return (file for file in scan(folder) if not file.path.startswith(b"sub/"))

    with monkeypatch.context() as patch:
        patch.setattr(sources, "scan", half_blind)
        for _ in range(2):
            report = run(home, out, tiny_backbone_dir, root=tmp_path)
            assert report.problems[0].path == b"pictures/sub"
            rows = [item.row.path for some in Features.open(out).stored() for item in some]
            assert len(rows) == len(set(rows)) == report.pictures == 60
            now = in_features(out)
            assert set(now) == set(before) - {b"pictures/000.png"} | {b"pictures/099.png"}
            assert all(now[path] == before[path] for path in now if path in before) and failures(out) == bad
    run(home, out, tiny_backbone_dir, root=tmp_path)
    run(home, tmp_path / "fresh.parquet", tiny_backbone_dir, root=tmp_path)
    names = [{path.name for path in where.rglob("*.parquet")} for where in (out, tmp_path / "fresh.parquet")]
    assert names[0] == names[1] and in_features(out) == in_features(tmp_path / "fresh.parquet")
