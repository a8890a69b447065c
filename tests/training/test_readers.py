"""Readers of training data, with what is wrong in it."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import types
from pathlib import Path

import pytest
from PIL import Image

from sightword.errors import ModelUnavailable, UsageError
from sightword.training.readers import Columns, Item, open_source


def png(colour: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, "PNG")
    return stream.getvalue()


def read(name: object, **columns: str) -> list[Item]:
    source = open_source(str(name), Columns(**columns))
    first = list(source)
    assert list(source) == first  # can be read again
    assert source.identity() == open_source(str(name), Columns(**columns)).identity()
    return first


def test_a_folder_with_captions_beside_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.png", "a.png", "deep/c.png"):
        (tmp_path / name).write_bytes(png())
    (tmp_path / "a.txt").write_text("a cat\na small cat\n")
    (tmp_path / "notes.md").write_text("no picture")
    items = read(tmp_path)
    assert [Path(item.name).name for item in items] == ["a.png", "b.png", "c.png"]
    assert items[0].captions == ("a cat", "a small cat") and items[1].captions == ()
    before = open_source(str(tmp_path)).identity()
    (tmp_path / "d.png").write_bytes(png())
    assert open_source(str(tmp_path)).identity() != before


def test_the_layout_of_cc3m(tmp_path: Path) -> None:
    table = tmp_path / "Train_GCC-training_output.csv"
    table.write_text('filepath\ttitle\ncc/0.jpg\ta "red" cat , sleeping\n/abs/1.jpg\t\ncc/2.jpg\n')
    items = read(table)
    assert [item.picture for item in items] == [
        tmp_path / "cc/0.jpg",
        Path("/abs/1.jpg"),
        tmp_path / "cc/2.jpg",
    ]
    assert items[0].captions == ('a "red" cat , sleeping',)
    assert items[1].captions == ("",) and items[2].captions == ()


def test_other_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('﻿id,Caption,image\n1,"a cat, a dog",x.jpg\n', encoding="utf-8")
    (item,) = read(tmp_path / "a.csv")
    assert item.picture == tmp_path / "x.jpg" and item.captions == ("a cat, a dog",)
    (tmp_path / "b.tsv").write_text("a cat\thttp://x\na dog\thttp://y\n")
    assert [item.captions for item in read(tmp_path / "b.tsv", caption="0")] == [("a cat",), ("a dog",)]
    assert [item.captions[0] for item in read(tmp_path / "a.csv", caption="id")] == ["1"]


def test_tables_without_the_columns_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("one,two\n1,2\n")
    with pytest.raises(UsageError, match=r"no column of pictures or captions .* 'one', 'two'"):
        open_source(str(tmp_path / "a.csv"))
    with pytest.raises(UsageError, match="no column 'three'; it has 'one', 'two'"):
        open_source(str(tmp_path / "a.csv"), Columns(caption="three"))
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(UsageError, match=r"b\.csv is empty"):
        open_source(str(tmp_path / "b.csv"))


def test_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("a cat\r\n\nein Hündchen\n".encode())
    assert [item.captions[0] for item in read(tmp_path / "a.txt")] == ["a cat", "", "ein Hündchen"]
    rows = [{"caption": ["a cat", "a dog", 3], "image": "x.png"}, {"caption": "b"}, {"image": None}]
    (tmp_path / "b.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
    items = read(tmp_path / "b.jsonl")
    assert [item.captions for item in items] == [("a cat", "a dog"), ("b",), ()]
    assert [item.picture for item in items] == [tmp_path / "x.png", None, None]
    (tmp_path / "c.jsonl").write_text('{"text": "a"}\nnothing\n')
    with pytest.raises(UsageError, match=r"c\.jsonl:2 is not a JSON object"):
        list(open_source(str(tmp_path / "c.jsonl")))


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra train")
    from pyarrow import parquet

    table = pyarrow.table({"text": ["a cat", None, "a dog"], "jpg": [png(), None, b"x"], "other": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "a.parquet")
    items = read(tmp_path / "a.parquet")
    assert [item.captions for item in items] == [("a cat",), (), ("a dog",)]
    assert items[0].picture == png() and items[1].picture is None
    (tmp_path / "b.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UsageError, match=r"b\.parquet cannot be read as Parquet"):
        open_source(str(tmp_path / "b.parquet"))


def shard(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_webdataset(tmp_path: Path) -> None:
    shard(
        tmp_path / "s-00.tar", {"0.png": png(), "0.txt": b"a cat\n", "1.jpg": png("blue"), "1.json": b"{bad"}
    )
    shard(tmp_path / "s-01.tar", {"x/2.json": b'{"caption": "a dog"}', "x/2.png": png(), "x/2.cls": b"7"})
    items = read(tmp_path)
    assert [item.name for item in items] == ["s-00.tar/0", "s-00.tar/1", "s-01.tar/x/2"]
    assert [item.captions for item in items] == [("a cat",), (), ("a dog",)]
    assert items[1].picture == png("blue")
    assert read(tmp_path / "s-{00..01}.tar") == items
    assert read(tmp_path / "s-01.tar") == items[2:]
    with pytest.raises(UsageError, match=r"no .*s-02\.tar"):
        open_source(str(tmp_path / "s-{00..02}.tar"))
    (tmp_path / "bad.tar").write_bytes(b"no tar")
    with pytest.raises(UsageError, match=r"bad\.tar cannot be read as a tar file"):
        list(open_source(str(tmp_path / "bad.tar")))


def test_data_sets_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ModelUnavailable, match="needs datasets, which is not installed"):
        open_source("hf:owner/name")

    class Data(list):  # type: ignore[type-arg]
        column_names = ("image", "text")
        _fingerprint = "f"

    asked = []

    def load_dataset(name: str, split: str) -> Data:
        asked.append((name, split))
        if name == "none":
            raise FileNotFoundError("Couldn't find 'none' on the Hub\nmore")
        return Data([{"image": {"bytes": b"x", "path": None}, "text": "a cat"}, {"image": None, "text": "b"}])

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    items = read("hf:owner/name:validation")
    assert asked[0] == ("owner/name", "validation")
    assert [(item.picture, item.captions) for item in items] == [(b"x", ("a cat",)), (None, ("b",))]
    with pytest.raises(ModelUnavailable, match="none cannot be loaded: Couldn't find 'none' on the Hub"):
        open_source("hf:none")


def test_what_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no nowhere"):
        open_source("nowhere")
    (tmp_path / "a.docx").write_bytes(b"")
    with pytest.raises(UsageError, match="of no kind that can be read"):
        open_source(str(tmp_path / "a.docx"))
