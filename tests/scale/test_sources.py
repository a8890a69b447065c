"""Lists, tables and folders as sources; and what cannot be one."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bulk_album import failures, fill, in_features, in_index, run
from sightword.errors import SightwordError, UsageError
from sightword.scale.sources import Files, open_source


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return fill(tmp_path / "pictures", 12)


def listing(folder: Path, end: bytes = b"\n") -> bytes:
    return end.join(sorted(os.fsencode(path) for path in folder.rglob("*.png")))


def write_table(path: Path, columns: dict[str, Any], group: int = 5) -> Path:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is in the extra [ray]")
    import pyarrow

    path.parent.mkdir(exist_ok=True)
    parquet.write_table(pyarrow.table(columns), path, row_group_size=group)
    return path


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_a_list_into_the_index_of_a_folder(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path, end: bytes
) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes(listing(pictures, end))
    report = run(file, pictures, tiny_backbone_dir)
    assert (report.pictures, report.added, report.failed) == (12, 12, 1)  # empty.png
    whole = run(pictures, None, tiny_backbone_dir)
    assert (whole.update.added, whole.update.failed, whole.pictures) == (0, 1, 12)  # broken.jpg


def test_a_list_says_nothing_of_other_pictures(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    run(pictures, None, tiny_backbone_dir)
    file = tmp_path / "list.txt"
    file.write_text("000.png\n")
    report = run(file, pictures, tiny_backbone_dir)
    assert (report.pictures, report.update.gone, report.update.skipped_notice) == (12, 0, None)


def test_standard_input(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"000.png\nsub/001.png\n./000.png\n")))
    source = open_source("-")
    assert isinstance(source, Files)
    assert [task.name for task in source.tasks] == [b"000.png", b"sub/001.png"]


def test_pictures_outside_keep_their_whole_path_or_are_refused(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    file = tmp_path / "list.txt"
    file.write_bytes(listing(pictures))
    with pytest.raises(UsageError, match=r"is not inside .*cannot name it") as refused:
        run(file, pictures / "sub", tiny_backbone_dir)
    assert "--root" in str(refused.value)
    run(file, tmp_path / "out.parquet", tiny_backbone_dir, root=pictures / "sub")
    names = in_features(tmp_path / "out.parquet")
    assert b"001.png" in names and os.fsencode(pictures / "000.png") in names


def test_a_part_of_a_folder_keeps_its_names(pictures: Path, tiny_backbone_dir: Path) -> None:
    report = run(pictures / "sub", pictures, tiny_backbone_dir)
    assert report.pictures == 8 and all(path.startswith(b"sub/") for path in in_index(pictures))
    with pytest.raises(UsageError, match="is not inside"):
        run(pictures, pictures / "sub", tiny_backbone_dir)


def test_pictures_inside_parquet(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    files = sorted(pictures.rglob("*.*"))
    data = [path.read_bytes() for path in files]
    names = [path.relative_to(pictures).as_posix() for path in files]
    table = write_table(tmp_path / "shards" / "a.parquet", {"filename": names, "image": data, "other": names})
    report = run(f"parquet:{table.parent}", tmp_path / "out.parquet", tiny_backbone_dir)
    assert (report.pictures, report.failed) == (12, 2)
    run(pictures, None, tiny_backbone_dir)
    made, wanted = in_features(tmp_path / "out.parquet"), in_index(pictures)
    without_time = [{path: (row[0], *row[2:]) for path, row in both.items()} for both in (made, wanted)]
    assert without_time[0] == without_time[1]
    assert failures(tmp_path / "out.parquet") == failures(pictures)
    again = run(f"parquet:{table.parent}", tmp_path / "out.parquet", tiny_backbone_dir)
    assert (again.encoded, again.already) == (0, 14)


def test_pictures_inside_parquet_into_a_folder_that_has_them(
    pictures: Path, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    files = sorted(pictures.rglob("*.png"))
    struct = [{"bytes": path.read_bytes(), "path": path.relative_to(pictures).as_posix()} for path in files]
    named = write_table(tmp_path / "hub.parquet", {"image": struct, "label": list(range(len(files)))})
    with pytest.raises(UsageError, match="names no files"):
        run(named, pictures, tiny_backbone_dir)
    columns = {"image": [item["bytes"] for item in struct], "path": [item["path"] for item in struct]}
    table = write_table(tmp_path / "both.parquet", columns)
    report = run(table, pictures, tiny_backbone_dir)
    assert (report.pictures, report.encoded, report.left_out) == (12, 12, 0)
    assert not (pictures / ".sightword" / "bulk").exists()
    after = run(pictures, None, tiny_backbone_dir)
    assert after.update.added == after.update.changed == 0
    run(named, tmp_path / "out.parquet", tiny_backbone_dir)
    assert set(in_features(tmp_path / "out.parquet")) == {os.fsencode(name) for name in columns["path"]} - {
        b"empty.png"
    }


def test_rows_without_names_and_contents(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    good = (pictures / "000.png").read_bytes()
    table = write_table(tmp_path / "plain.parquet", {"bytes": [good, None, good, b"bad"]}, group=3)
    run(table, tmp_path / "out.parquet", tiny_backbone_dir)
    assert set(in_features(tmp_path / "out.parquet")) == {b"plain.parquet#0", b"plain.parquet#2"}
    assert failures(tmp_path / "out.parquet")[b"plain.parquet#1"] == "The row holds no picture."
    assert b"plain.parquet#3" in failures(tmp_path / "out.parquet")


def test_a_damaged_group_costs_itself(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    good = (pictures / "000.png").read_bytes()
    table = write_table(
        tmp_path / "plain.parquet", {"bytes": [good + bytes([n]) * n for n in range(9)]}, group=3
    )
    import pyarrow.parquet as parquet

    column = parquet.ParquetFile(table).metadata.row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    raw = bytearray(table.read_bytes())
    raw[start : start + 40] = b"\xff" * 40
    table.write_bytes(raw)
    run(table, tmp_path / "out.parquet", tiny_backbone_dir)
    assert len(in_features(tmp_path / "out.parquet")) == 6
    reasons = failures(tmp_path / "out.parquet")
    assert set(reasons) == {b"plain.parquet#%d" % number for number in (3, 4, 5)}
    assert all("cannot be read here" in reason for reason in reasons.values())


def test_paths_and_addresses_in_parquet(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    files = sorted(pictures.rglob("*.png"))
    paths = (
        [str(path) for path in files[:6]] + [path.as_uri() for path in files[6:]] + ["file:///not/there.png"]
    )
    table = write_table(tmp_path / "paths.parquet", {"caption": paths, "where": paths})
    with pytest.raises(UsageError, match="no column of pictures or paths") as refused:
        run(table, tmp_path / "out.parquet", tiny_backbone_dir)
    assert "'caption', 'where'" in str(refused.value) and "--column" in str(refused.value)
    run(table, tmp_path / "out.parquet", tiny_backbone_dir, column="where", root=pictures)
    made = in_features(tmp_path / "out.parquet")
    assert len(made) == 12 and sum(b"://" in name for name in made) >= 5
    reasons = failures(tmp_path / "out.parquet")
    assert "cannot be read" in reasons[b"file:///not/there.png"]
    run(pictures, None, tiny_backbone_dir)
    wanted = {row[2]: row[-1] for row in in_index(pictures).values()}
    assert all(row[-1] == wanted[row[2]] for row in made.values())


def test_addresses_of_fsspec(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    pytest.importorskip("fsspec", reason="fsspec comes with the extra [ray]")
    files = sorted(pictures.rglob("0*.png"))
    places = [f"fsspec+file://{path}" for path in files] + ["fsspec+file:///not/there.png", "fsspec+odd://x"]
    (tmp_path / "list.txt").write_text("\n".join(places))
    run(tmp_path / "list.txt", tmp_path / "out.parquet", tiny_backbone_dir)
    assert {os.fsencode(place) for place in places[:12]} <= set(in_features(tmp_path / "out.parquet"))
    reasons = failures(tmp_path / "out.parquet")
    assert "No such file" in reasons[b"fsspec+file:///not/there.png"]
    assert "Protocol not known" in reasons[b"fsspec+odd://x"]
    data = {"bytes": [path.read_bytes() for path in files[:4]]}
    table = write_table(tmp_path / "some.parquet", data, group=2)
    report = run(f"fsspec+file://{table}", tmp_path / "some-out.parquet", tiny_backbone_dir)
    assert report.encoded == 4
    with pytest.raises(UsageError, match=r"cannot be reached .*odd"):
        run("fsspec+odd://x.parquet", tmp_path / "none.parquet", tiny_backbone_dir)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder.mkdir(), "There are no pictures in"),
        (lambda folder: None, "No such file or directory"),
        (lambda folder: folder.write_text("/not/there.png\n"), "None of the pictures in .* is there"),
        (lambda folder: folder.write_text(""), "There are no pictures in"),
        (lambda folder: folder.write_bytes(b"\x89PNG\r\n\x1a\n"), "is a picture, not a list"),
    ],
)
def test_nothing_to_read_is_a_sentence(
    make: Any, words: str, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    make(tmp_path / "source")
    with pytest.raises(UsageError, match=words):
        run(tmp_path / "source", tmp_path / "out.parquet", tiny_backbone_dir)
    assert not (tmp_path / "out.parquet").exists()


def test_where_to_and_what_is_no_table(pictures: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    (tmp_path / "list.txt").write_text("a")
    for source, to, words in (
        (tmp_path / "list.txt", None, "Where shall the pictures of .* go"),
        (pictures, tmp_path / "nowhere", "There is no folder"),
        (tmp_path / "no.parquet", pictures, "There is no "),
        (f"parquet:{pictures}", tmp_path / "out.parquet", "no .parquet files"),
        ("https://example.org/x.jpg", tmp_path / "out.parquet", "is no Parquet"),
        ("gopher://example.org/x.parquet", tmp_path / "out.parquet", "cannot be reached"),
    ):
        with pytest.raises(SightwordError, match=words):
            run(source, to, tiny_backbone_dir)
    (tmp_path / "bad.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        run(tmp_path / "bad.parquet", pictures, tiny_backbone_dir)
    table = write_table(tmp_path / "numbers.parquet", {"path": [1, 2]})
    for options, words in (
        ({}, "no column of pictures"),
        ({"column": "image"}, "no column 'image'"),
        ({"column": "path"}, "holds int64"),
    ):
        with pytest.raises(UsageError, match=words):
            run(table, pictures, tiny_backbone_dir, **options)
