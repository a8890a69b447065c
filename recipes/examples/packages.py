"""Files inside the pinned packages, by package name and path, whatever they are wrapped in.

A path is looked up in the unpacked package; three packages need more:

- ``gcompris-qt-data``: the path after ``src/activities/`` of a picture inside one of its Qt resource files;
- ``@iconify-json/...``: an emoji's code points (``1f34d``), turned into one SVG;
- ``openmoji`` and ``@lobehub/fluent-emoji-3d`` spell code points with and without the selector FE0F.
"""

from __future__ import annotations

import functools
import json
import os
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("EXAMPLES_CACHE") or HERE / ".cache")
SOURCES = CACHE / "src"

ICONIFY_NAMES = {
    "noto": "@iconify-json/noto",
    "twemoji": "@iconify-json/twemoji",
    "fluent-flat": "@iconify-json/fluent-emoji-flat",
    "high-contrast": "@iconify-json/fluent-emoji-high-contrast",
}


def folder(package: str) -> Path:
    """Where `fetch.py` unpacked a package."""
    return SOURCES / package.replace("/", "-").lstrip("@")


def _plain(code: str) -> str:
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


@functools.cache
def _qt_resources(path: Path) -> dict[str, bytes]:
    """All files of one Qt resource file (format: "qres", offsets, then tree, data and names)."""
    raw = path.read_bytes()
    magic, version, tree, data, names = struct.unpack(">4sIIII", raw[:20])
    if magic != b"qres":
        raise SystemExit(f"{path} is not a Qt resource file")
    width = 22 if version >= 2 else 14
    found: dict[str, bytes] = {}

    def name_at(offset: int) -> str:
        start = names + offset
        (length,) = struct.unpack(">H", raw[start : start + 2])
        return raw[start + 6 : start + 6 + 2 * length].decode("utf-16-be")

    def walk(node: int, prefix: str) -> None:
        start = tree + node * width
        name, flags = struct.unpack(">IH", raw[start : start + 6])
        here = f"{prefix}/{name_at(name)}" if node else ""
        if flags & 2:
            count, first = struct.unpack(">II", raw[start + 6 : start + 14])
            for child in range(first, first + count):
                walk(child, here)
            return
        (offset,) = struct.unpack(">I", raw[start + 10 : start + 14])
        (length,) = struct.unpack(">I", raw[data + offset : data + offset + 4])
        content = raw[data + offset + 4 : data + offset + 4 + length]
        found[here.lstrip("/")] = zlib.decompress(content[4:]) if flags & 1 else content

    walk(0, "")
    return found


@functools.cache
def _iconify(package: str) -> tuple[dict[str, str], dict[str, dict[str, object]], int]:
    base = folder(package) / "package"
    icons = json.loads((base / "icons.json").read_text())
    codes = {_plain(code): name for code, name in json.loads((base / "chars.json").read_text()).items()}
    return codes, icons["icons"], icons.get("height", 32)


def _iconify_svg(package: str, code: str) -> bytes:
    codes, icons, side = _iconify(package)
    icon = icons[codes[code]]
    width, height = icon.get("width", side), icon.get("height", side)
    # The body's own colours stay; "currentColor" (high contrast) becomes black.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}" color="black">{icon["body"]}</svg>'
    ).encode()


@functools.cache
def _by_code(directory: Path) -> dict[str, Path]:
    return {_plain(path.stem): path for path in directory.iterdir()}


def read(package: str, path: str) -> bytes:
    """The bytes of one file."""
    if package.startswith("@iconify-json/"):
        return _iconify_svg(package, path)
    if package == "gcompris-qt-data":
        activity = path.split("/")[0]
        resources = folder(package) / "usr/share/gcompris-qt/rcc" / f"{activity}.rcc"
        return _qt_resources(resources)[f"gcompris/src/activities/{path}"]
    return (folder(package) / path).read_bytes()


def emoji(style: str, code: str) -> tuple[str, str]:
    """Package and path of an emoji in one of the seven styles."""
    if style in ICONIFY_NAMES:
        return ICONIFY_NAMES[style], code
    package, inside = {
        "fluent-3d": ("@lobehub/fluent-emoji-3d", "package/assets"),
        "openmoji": ("openmoji", "package/color/svg"),
        "openmoji-line": ("openmoji", "package/black/svg"),
    }[style]
    return package, f"{inside}/{_by_code(folder(package) / inside)[code].name}"
