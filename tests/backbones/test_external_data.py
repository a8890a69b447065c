"""ONNX graphs may only read weights beside themselves. The graphs are written byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightword.backbones.external_data import check_external_data, external_files
from sightword.errors import ModelUnavailable


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def tensor(location: str) -> bytes:
    entries = {"location": location, "offset": "0", "length": "64"}
    pairs = [field(13, field(1, key.encode()) + field(2, value.encode())) for key, value in entries.items()]
    return varint(1 << 3) + varint(4) + field(8, b"w" * 300) + b"".join(pairs) + varint(14 << 3) + b"\1"


def graph(location: str, place: str = "initializer") -> bytes:
    inner = tensor(location)
    if place == "initializer":
        body = field(5, inner)
    elif place == "constant":
        body = field(1, field(5, field(5, inner)))
    elif place == "branch":
        body = field(1, field(5, field(6, field(5, inner))))
    elif place == "sparse":
        body = field(15, field(1, inner))
    else:
        return field(25, field(7, field(5, field(10, inner))))
    return varint(1 << 3) + varint(8) + field(7, body)


PLACES = ["initializer", "constant", "branch", "sparse", "function"]


@pytest.mark.parametrize("place", PLACES)
def test_names_are_found_wherever_tensors_can_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "weights.bin").write_bytes(b"")
    path = tmp_path / "m.onnx"
    path.write_bytes(graph("weights.bin", place))
    assert external_files(path) == check_external_data(path) == {"weights.bin"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["../w", "/etc/passwd", "sub/w", "..", "", ".", "..\\w", "C:\\w"])
def test_names_outside_the_directory_are_refused(tmp_path: Path, place: str, name: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(graph(name, place))
    with pytest.raises(ModelUnavailable, match="outside its own directory"):
        check_external_data(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(graph("gone.bin"))
    with pytest.raises(ModelUnavailable, match=r"gone\.bin is missing"):
        check_external_data(path)


@pytest.mark.parametrize("content", [b"\x3a\xff", b"\xff" * 20, b"\x3b", b"<html>", b"\x3a\x02\x0a"])
def test_bytes_that_are_no_graph(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="not an ONNX graph"):
        check_external_data(path)


def test_a_bomb_of_nested_graphs_is_refused(tmp_path: Path) -> None:
    body = b""
    for _ in range(200):
        body = field(1, field(5, field(6, body)))
    path = tmp_path / "m.onnx"
    path.write_bytes(field(7, body))
    with pytest.raises(ModelUnavailable, match="nested"):
        check_external_data(path)
