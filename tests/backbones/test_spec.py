"""backbone.json: reading, writing, refusing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sightword.backbones.embedding import EmbeddingTable
from sightword.backbones.spec import CARD, hash_file, read_files, read_spec, weights_hash, write_spec
from sightword.errors import ModelUnavailable


@pytest.fixture
def directory(tiny_backbone_dir: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_backbone_dir, tmp_path / "copy")
    return tmp_path / "copy"


def change(directory: Path, **changes: Any) -> None:
    data = json.loads((directory / CARD).read_text())
    for key, value in changes.items():
        if value is None:
            del data[key]
        else:
            data[key] = value
    (directory / CARD).write_text(json.dumps(data))


def test_what_is_written_is_read(directory: Path) -> None:
    spec = read_spec(directory)
    write_spec(directory, spec)
    assert read_spec(directory) == spec
    assert spec.preprocess.size == 32 and isinstance(spec.preprocess.mean, tuple)
    files = read_files(directory)
    assert {"text.xml", "text.bin", "image.xml", "tokenizer.json"} <= set(files)
    assert all(entry["sha256"] == hash_file(directory / name) for name, entry in files.items())


def test_unknown_keys_are_left_alone(directory: Path) -> None:
    spec = read_spec(directory)
    change(directory, colour="blue", preprocess={"size": 32, "sharpen": True})
    assert read_spec(directory) == spec


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema 2"),
        ({"schema": None}, "schema"),
        ({"dim": None}, "lacks.*dim"),
        ({"dim": 0}, "dim is 0"),
        ({"dim": "16"}, "dim is '16'"),
        ({"mask": "windowed"}, "mask 'windowed'"),
        ({"pool": "attention"}, "pool 'attention'"),
        ({"clean": "lower"}, "clean 'lower'"),
        ({"preprocess": {"resize": "stretch"}}, "resize 'stretch'"),
        ({"preprocess": {"mean": [1, 2]}}, "three numbers"),
        ({"preprocess": {"size": 0}}, "size is 0"),
        ({"preprocess": 5}, "preprocess"),
        ({"prefix_ids": 5}, "prefix_ids"),
        ({"suffix_ids": ["x"]}, "token ids"),
        ({"context": 2}, "no room"),
        ({"weights_hash": ""}, "weights_hash"),
        ({"mask": "none"}, "padded to its context"),
        ({"exact": ["audio"]}, "exact"),
        ({"exact": "image"}, "exact"),
        ({"golden": []}, "golden"),
        ({"golden": {"least": []}}, "golden.least"),
        ({"golden": {"least": {"image": 0.9}}}, "golden.least.image"),
        ({"golden": {"least": {"images": {"bf16": 0.9}}}}, "golden.least.images"),
        ({"golden": {"least": {"image": {"bf16": "near"}}}}, "golden.least.image"),
    ],
)
def test_what_cannot_be_run_is_named(directory: Path, changes: dict[str, Any], message: str) -> None:
    change(directory, **changes)
    with pytest.raises(ModelUnavailable, match=message):
        read_spec(directory)


@pytest.mark.parametrize("text", ["", "[]", "{", "\ufeff{}", "[" * 100000])
def test_a_card_that_is_none(directory: Path, text: str) -> None:
    (directory / CARD).write_text(text, encoding="utf-8")
    with pytest.raises(ModelUnavailable):
        read_spec(directory)


def test_a_folder_without_a_card(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="not a backbone directory"):
        read_spec(tmp_path)


def test_the_weights_hash_follows_content_and_not_order(directory: Path) -> None:
    names = ["text.bin", "image.bin"]
    before = weights_hash(directory, names)
    assert before == weights_hash(directory, names[::-1])
    (directory / "text.bin").write_bytes(b"\0" + (directory / "text.bin").read_bytes()[1:])
    assert weights_hash(directory, names) != before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        (2).to_bytes(8, "little") + b"{}",
        b"\x40\0\0\0\0\0\0\0" + b'{"weight":{"dtype":"F16","shape":[1000000,12],"data_offsets":[0,24]}}'[:64],
    ],
)
def test_a_table_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token_embedding.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="not a token-embedding table"):
        EmbeddingTable(path, 12)


def test_a_table_of_another_width(directory: Path) -> None:
    with pytest.raises(ModelUnavailable, match="promises width 13"):
        EmbeddingTable(directory / "token_embedding.safetensors", 13)
