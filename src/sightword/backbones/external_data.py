"""Which files an ONNX graph reads its weights from, and that none lies outside its directory.

A graph may keep tensors in other files ("external data") and name them by path. A directory from a stranger
could so point at any file of this machine. The few protobuf messages on the way to those names are walked
here; no protobuf library is needed for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightword.errors import ModelUnavailable

__all__ = ["check_external_data", "external_files"]

# Message -> {field number: message inside}; field numbers from onnx.proto.
_TREE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
_DEEPEST = 32


def check_external_data(path: Path) -> set[str]:
    """Names of the files that an ONNX graph reads beside itself.

    Raises
    ------
    ModelUnavailable
        One of them lies outside the graph's directory, is missing, or the file is no ONNX graph.
    """
    try:
        names = external_files(path)
    except (ValueError, IndexError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnavailable(f"{path} is not an ONNX graph ({error}).") from None
    except OSError as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}.") from None
    for name in names:
        if name != Path(name).name or "\\" in name or name in ("", ".", ".."):
            raise ModelUnavailable(
                f"{path} reads weights from {name!r}, outside its own directory.", "Do not use this backbone."
            )
        if not (path.parent / name).is_file():
            raise ModelUnavailable(f"{path.parent / name} is missing.", "Add the backbone again.")
    return names


def external_files(path: Path) -> set[str]:
    """The ``location`` of every external tensor, as written in the graph."""
    found: set[str] = set()
    _walk(memoryview(path.read_bytes()), "model", found, 0)
    return found


def _walk(data: memoryview, message: str, found: set[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    inside = _TREE[message]
    key = ""
    for field, value in _fields(data):
        if field in inside:
            _walk(value, inside[field], found, depth + 1)
        elif message == "entry" and field == 1:
            key = bytes(value).decode()
        elif message == "entry" and field == 2 and key == "location":
            found.add(bytes(value).decode())


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The length-delimited fields of a message; the others are stepped over."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == 0:
            _, position = _varint(data, position)
        elif kind in (1, 5):
            position += 8 if kind == 1 else 4
        elif kind == 2:
            length, position = _varint(data, position)
            if position + length > len(data):
                raise ValueError("it is cut off")
            yield tag >> 3, data[position : position + length]
            position += length
        else:
            raise ValueError(f"it has a field of kind {kind}")


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("it has a number that is too long")
