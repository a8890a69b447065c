"""Texts are UTF-8 with or without a mark; anything else is an error that names the byte."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from sightword.errors import UsageError
from sightword.training.readers import open_source
from sightword.training.readers.triplets import open_triplets

MARK = b"\xef\xbb\xbf"
TABLE = b"filepath,title\na.png,caf\xc3\xa9\n"
TRIPLETS = b"reference,text,target\na.png,\xc3\xa9clair,b.png\n"


@pytest.mark.parametrize(
    ("name", "data", "place", "byte"),
    [
        ("a table.csv", b"filepath,title\na.png,caf\xe9\n", "a table.csv:2", "byte 10 of the line is 0xE9"),
        ("b.tsv", b"filepath\tl\xe9gende\n", "b.tsv:1", "byte 11 of the line is 0xE9"),
        ("c.jsonl", b'{"caption": "a"}\n{"caption": "\x80"}\n', "c.jsonl:2", "byte 14 of the line is 0x80"),
        ("d.txt", b"a cat\n" * 20_000 + b"a caf\xe9\n", "d.txt:20001", "byte 6 of the line is 0xE9"),
        ("cut.txt", b"a cat\ncaf\xc3", "cut.txt:2", "byte 4 of the line is 0xC3"),
    ],
)
def test_what_is_not_utf8_is_named_with_its_line_and_byte(
    tmp_path: Path, name: str, data: bytes, place: str, byte: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        list(open_source(str(path)))
    assert caught.value.message == f"{tmp_path / place} is not UTF-8: {byte}."
    hint = caught.value.hint or ""
    assert "iconv -f WINDOWS-1252 -t UTF-8" in hint
    assert (f"'{path}'" if " " in name else f" {path} ") in hint


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("t.csv", b"reference,text,target\na.png,\xe9clair,b.png\n", "t.csv:2"),
        ("t.tsv", b"reference\ttext\ttarget\na.png\t\xe9clair\tb.png\n", "t.tsv:2"),
        ("t.jsonl", b'{"reference": "a.png", "text": "\xe9", "target": "b.png"}\n', "t.jsonl:1"),
    ],
)
def test_so_are_triplets(tmp_path: Path, name: str, data: bytes, place: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=f"{place} is not UTF-8: byte .* is 0xE9"):
        list(open_triplets(str(tmp_path / name)))


def test_spreadsheets_unicode_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(TABLE.decode().encode("utf-16"))
    with pytest.raises(UsageError, match=r"sheet\.csv:1 is not UTF-8: byte 1") as caught:
        open_source(str(tmp_path / "sheet.csv"))
    assert "iconv -f UTF-16 -t UTF-8" in str(caught.value.hint)


def test_captions_beside_pictures_and_in_shards(tmp_path: Path) -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    (tmp_path / "a.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(UsageError, match=r"a\.txt:1 is not UTF-8: byte 4"):
        list(open_source(str(tmp_path)))
    (tmp_path / "a.txt").write_bytes(MARK + b"caf\xc3\xa9\n")
    assert [item.captions for item in open_source(str(tmp_path))] == [("café",)]

    shard = tmp_path / "shard.tar"
    for data, captions in ((MARK + b"caf\xc3\xa9", ("café",)), (b"caf\xe9", None)):
        with tarfile.open(shard, "w") as tar:
            info = tarfile.TarInfo("0.txt")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if captions is not None:
            assert [item.captions for item in open_source(str(shard))] == [captions]
            continue
        with pytest.raises(UsageError, match=r"shard\.tar: 0\.txt is not UTF-8: byte 4 is 0xE9"):
            list(open_source(str(shard)))


def test_json_members_of_shards_too(tmp_path: Path) -> None:
    shard = tmp_path / "shard.tar"
    for encoding in ("utf-8", "utf-8-sig", "latin-1"):
        data = '{"caption": "café"}'.encode(encoding)
        with tarfile.open(shard, "w") as tar:
            info = tarfile.TarInfo("x/0.json")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if encoding != "latin-1":
            assert [item.captions for item in open_source(str(shard))] == [("café",)]
            continue
        with pytest.raises(UsageError, match=r"shard\.tar: x/0\.json is not UTF-8: byte 17 is 0xE9"):
            list(open_source(str(shard)))


def test_a_byte_order_mark_is_no_letter(tmp_path: Path) -> None:
    for name, data in (
        ("a.csv", TABLE),
        ("a.tsv", TABLE.replace(b",", b"\t")),
        ("a.jsonl", json.dumps({"filepath": "a.png", "title": "café"}).encode()),
    ):
        (tmp_path / name).write_bytes(MARK + data)
        (item,) = open_source(str(tmp_path / name))
        assert (item.picture, item.captions) == (tmp_path / "a.png", ("café",))
    (tmp_path / "a.txt").write_bytes(MARK + "café\n".encode())
    assert [item.captions for item in open_source(str(tmp_path / "a.txt"))] == [("café",)]
    for name, data in (("t.csv", TRIPLETS), ("t.tsv", TRIPLETS.replace(b",", b"\t"))):
        (tmp_path / name).write_bytes(MARK + data)
        (triplet,) = open_triplets(str(tmp_path / name))
        assert triplet.texts == ("éclair",) and triplet.reference.picture == tmp_path / "a.png"
