"""Who made a picture and under which licence, read from the package it comes in."""

from __future__ import annotations

import functools
import re
import urllib.parse
from typing import NamedTuple

import packages

EMOJI = {
    "@iconify-json/noto": ("Apache-2.0", "Google, Noto Emoji"),
    "@iconify-json/twemoji": ("CC-BY-4.0", "Twitter and contributors, Twemoji"),
    "@iconify-json/fluent-emoji-flat": ("MIT", "Microsoft, Fluent Emoji"),
    "@iconify-json/fluent-emoji-high-contrast": ("MIT", "Microsoft, Fluent Emoji"),
    "@lobehub/fluent-emoji-3d": ("MIT", "Microsoft, Fluent Emoji"),
    "openmoji": ("CC-BY-SA-4.0", "OpenMoji contributors"),
}
ALLOWED = frozenset(
    ["public domain", "CC0-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-4.0", "CC-BY-SA-4.0", "Apache-2.0", "MIT"]
)
FIELD = re.compile(r"^(Copyright|Licen[sc]e|Source|Comments?|Files):[ \t]*(.*)$")


class Origin(NamedTuple):
    """Licence (SPDX name or "public domain"), author, where the package has it from, what it changed."""

    licence: str
    author: str
    origin: str = ""
    changed: str = ""


def _paragraph(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = "Files"
    for line in text.splitlines():
        match = FIELD.match(line)
        key, value = (match[1].rstrip("s"), match[2]) if match else (key, line)
        if match is None and key == "License":  # some READMEs list the files below without naming them
            key = "Files"
        fields[key] = f"{fields.get(key, '')} {value.strip()}".strip()
    return fields


def _where(text: str) -> str:
    """A Commons or Flickr address as words."""
    address = re.search(r"https?://\S+", text)
    if address is None:
        return ""
    parts = urllib.parse.urlsplit(urllib.parse.unquote(address[0]))
    if parts.netloc == "commons.wikimedia.org":
        return f"Wikimedia Commons, {parts.path.removeprefix('/wiki/').replace('_', ' ')}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.netloc.removeprefix('www.')}{parts.path}{query}"


@functools.cache
def _readme(path: str) -> list[dict[str, str]]:
    text = packages.read("gcompris-qt-data", path).decode()
    return [_paragraph(block) for block in re.split(r"\n\s*\n", text)]


def _gcompris(path: str) -> Origin:
    """Each picture folder of GCompris has a README; the nearest one at or above the picture names it."""
    parts = path.split("/")
    for depth in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[depth:])
        try:
            blocks = _readme("/".join([*parts[:depth], "README"]))
        except KeyError:
            continue
        for block in blocks:
            if name in " ".join(block.values()).split():
                words = re.sub(r"(?i)public domain", "public domain", block["License"]).replace(" ", "-")
                comment = block.get("Comment", "")
                painter = ", after Vincent van Gogh" if "Van Gogh" in comment else ""
                holders = re.sub(r" *Copyright (?=\d{4})", "; ", block["Copyright"]).strip("; ©")
                author = f"{holders}{painter}"
                changed = "" if "http" in comment or painter else comment
                origin = _where(block.get("Source", "") or comment)
                return Origin(words.replace("public-domain", "public domain"), author, origin, changed)
    raise SystemExit(f"gcompris-qt-data names no licence for {path}")


def _openclipart(path: str) -> Origin:
    text = packages.read("openclipart-svg", path).decode("utf-8", "replace")
    licence = re.search(r"<cc:license\s+rdf:resource=\"([^\"]+)\"", text)
    if licence is None or "publicdomain" not in licence[1].lower():
        raise SystemExit(f"openclipart-svg: {path} does not say that it is in the public domain")
    creator = re.search(r"<dc:creator>.*?<dc:title>\s*([^<]+?)\s*</dc:title>", text, re.DOTALL)
    return Origin("public domain", re.sub(r" *\(\S+@\S+\)", "", creator[1]) if creator else "unknown")


def _lomiri(path: str) -> Origin:
    name = path.rsplit("/", 1)[-1]
    package = packages.folder("lomiri-wallpapers-16.04")
    text = (package / "usr/share/doc/lomiri-wallpapers-16.04/copyright").read_text()
    match = re.search(rf"Files: 16\.04/{re.escape(name)}\nCopyright: (.+)\nLicense: (\S+)", text)
    if match is None:
        raise SystemExit(f"lomiri-wallpapers-16.04 names no licence for {name}")
    return Origin(match[2], match[1])


def origin(package: str, path: str, stated: dict[str, list[str]]) -> Origin:
    """Origin of one file; `stated` holds what a package says in prose, by "package:path"."""
    prose = stated.get(f"{package}:{path}")
    if prose is not None:
        found = Origin(*prose)
    elif package in EMOJI:
        found = Origin(*EMOJI[package])
    else:
        readers = {"gcompris-qt-data": _gcompris, "openclipart-svg": _openclipart}
        found = readers.get(package, _lomiri)(path)
    if found.licence not in ALLOWED:
        raise SystemExit(f"{package}: {path} is under {found.licence}, which is not on the list")
    return found
