"""Small packages in the layouts of the real ones: a few emoji in seven styles, clip art, stamps."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from sightword.datasets.sources import Source
from sightword.datasets.styleshift.build import sources

THINGS = {
    "test": ["banana", "carrot", "hammer", "bell", "drum", "pizza", "crab", "scarf"],
    "validation": ["lemon", "snake", "elephant", "broccoli", "teapot", "bat", "tulip"],
    "train": ["apple", "dog", "bicycle", "guitar", "tent", "mushroom"],
}
TONES = ["light", "medium-dark"]
PEOPLE = {
    "test": ["firefighter", "man firefighter", "woman firefighter", "detective", "woman detective"],
    "validation": ["person", "person: beard", "mechanic", "woman mechanic"],
    "train": ["cook", "woman cook"],
}
OTHERS = [("red square", "symbols"), ("blue square", "symbols"), ("flag: Spain", "flags")]
CLIP_ART = ["banana", "basket", "elephant", "apple pie", "lighthouse", "violin"]
STAMPS = ["A red crab.", "An elephant!", "A wooden spoon", "Hammers"]


def names() -> list[dict[str, object]]:
    """As emojibase lists them."""
    rows: list[dict[str, object]] = []
    listed = [(name, 1) for part in THINGS.values() for name in part]
    listed += [(name, 0) for part in PEOPLE.values() for name in part]
    listed += [(name, {"symbols": 2, "flags": 3}[group]) for name, group in OTHERS]
    for number, (name, group) in enumerate(listed):
        code = f"1F{number:03X}"
        row: dict[str, object] = {"hexcode": f"{code}-FE0F", "label": name, "tags": ["tag"], "group": group}
        if group == 0 and ":" not in name:
            row["skins"] = [
                {
                    "hexcode": f"{code}-1F3F{'BCDEF'[tone]}",
                    "label": f"{name}: {word} skin tone",
                    "tone": tone + 1,
                    "group": group,
                }
                for tone, word in enumerate(TONES)
            ]
        rows.append(row)
    return rows


def _codes() -> dict[str, str]:
    rows = [row for entry in names() for row in (entry, *entry.get("skins", ()))]  # type: ignore[misc]
    return {str(row["hexcode"]).removesuffix("-FE0F"): str(row["label"]) for row in rows}


def _colour(text: str) -> tuple[int, int, int]:
    """A strong colour for a name: one channel high, one low."""
    digest = hashlib.sha256(text.encode()).digest()
    channels = [220 + digest[0] % 30, 20 + digest[1] % 30, 30 + digest[2] % 100]
    turn = digest[3] % 3
    return tuple(channels[turn:] + channels[:turn])  # type: ignore[return-value]


def _drawn(name: str, style: str, form: str) -> bytes:
    """A shape on nothing, not symmetric, different in every style."""
    page = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    pen, seed = ImageDraw.Draw(page), hashlib.sha256(f"{name}/{style}".encode()).digest()
    pen.ellipse((4, 4, 34 + seed[0] % 20, 34 + seed[1] % 20), fill=(*_colour(name), 255))
    pen.rectangle((10, 44, 20 + seed[2] % 40, 60), fill=(40, 40, 40, 255))
    out = io.BytesIO()
    page.save(out, form, lossless=True) if form == "WEBP" else page.save(out, form)
    return out.getvalue()


def _body(name: str, style: str, *, black: bool) -> str:
    seed = hashlib.sha256(f"{name}/{style}".encode()).digest()
    colour = "black" if black else "#{:02x}{:02x}{:02x}".format(*_colour(name))
    fill = f'fill="none" stroke="{colour}"' if black else f'fill="{colour}"'
    circle = f'<circle cx="{8 + seed[0] % 8}" cy="10" r="{5 + seed[1] % 4}" {fill}/>'
    return f'{circle}<path d="M4 28h{6 + seed[2] % 20}v-6z"/>'


def svg(body: str, extra: str = "") -> bytes:
    """An SVG file."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="80mm" height="80mm">'
    return f"{head}{extra}{body}</svg>".encode()


def tar(path: Path, files: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    """A tar archive with these files."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def deb(path: Path, files: Mapping[str, bytes], packed: str = "xz") -> Path:
    """A Debian package with these files; only its data member means anything."""
    inner = path.with_suffix(".tar")
    tar(inner, {f"./{name}": data for name, data in files.items()}, "w")
    data = inner.read_bytes()
    inner.unlink()
    if packed == "xz":
        data = lzma.compress(data, preset=1)
    elif packed == "gz":
        import gzip

        data = gzip.compress(data)
    out = b"!<arch>\n"
    for name, content in (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", b"odd"),
        (f"data.tar.{packed}", data),
    ):
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        out += content + b"\n" * (len(content) % 2)
    path.write_bytes(out)
    return path


def write_packages(folder: Path) -> dict[str, Path]:
    """All packages that StyleShift reads, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = _codes()
    groups = [
        {"order": n, "key": key} for n, key in enumerate(("people-body", "food-drink", "symbols", "flags"))
    ]
    black = {code: name for code, name in codes.items() if "skin tone" not in name}

    def icons(style: str, chosen: Mapping[str, str], *, dark: bool) -> dict[str, bytes]:
        keys = {code.lower(): f"i{code.lower()}" for code in chosen}
        bodies = {f"i{code.lower()}": {"body": _body(n, style, black=dark)} for code, n in chosen.items()}
        return {
            "package/icons.json": json.dumps({"height": 32, "icons": bodies}).encode(),
            "package/chars.json": json.dumps(keys).encode(),
        }

    def folder_of(place: str, style: str, form: str) -> dict[str, bytes]:
        ending = form.lower()
        return {f"{place}{c.lower()}.{ending}": _drawn(n, style, form) for c, n in codes.items()}

    colour = {f"package/color/svg/{c}.svg": svg(_body(n, "openmoji", black=False)) for c, n in codes.items()}
    lines = {f"package/black/svg/{c}.svg": svg(_body(n, "lines", black=True)) for c, n in black.items()}
    files = {
        "emojibase-data": {
            "package/en/data.json": json.dumps(names()).encode(),
            "package/en/messages.json": json.dumps({"groups": groups}).encode(),
        },
        "emoji-datasource-google": folder_of("package/img/google/64/", "noto", "PNG"),
        "emoji-datasource-twitter": folder_of("package/img/twitter/64/", "twemoji", "PNG"),
        "@lobehub/fluent-emoji-3d": folder_of("package/assets/", "3d", "WEBP"),
        "@iconify-json/fluent-emoji-flat": icons("flat", codes, dark=False),
        "@iconify-json/fluent-emoji-high-contrast": icons("contrast", black, dark=True),
        "openmoji": {**colour, **lines},
    }
    paths = {
        name: tar(folder / f"{name.replace('/', '-').lstrip('@')}.tgz", data) for name, data in files.items()
    }
    paths["openclipart-svg"] = deb(folder / "openclipart-svg.deb", _clip_art())
    paths["tuxpaint-stamps-default"] = deb(folder / "tuxpaint-stamps-default.deb", _stamps())
    return paths


def _clip_art() -> dict[str, bytes]:
    licence = '<cc:license rdf:resource="http://creativecommons.org/licenses/publicdomain/"/>'
    files = {}
    for name in CLIP_ART:
        said = f"<dc:title>{name}</dc:title>{licence}"
        spaces = f'<metadata xmlns:dc="d" xmlns:cc="c" xmlns:rdf="r">{said}</metadata>'
        place = f"usr/share/openclipart/svg/some/{name.replace(' ', '_')}_01.svg"
        files[place] = svg(_body(name, "clipart", black=False), spaces)
    files["usr/share/openclipart/svg/some/not_free.svg"] = svg("<path/>", "<title>hat</title>")
    return files


def _stamps() -> dict[str, bytes]:
    files = {}
    for number, sentence in enumerate(STAMPS):
        files[f"usr/share/tuxpaint/stamps/things/s{number}.txt"] = f"{sentence}\nde.utf8=x\n".encode()
        files[f"usr/share/tuxpaint/stamps/things/s{number}.png"] = _drawn(sentence, "stamp", "PNG")
    return files


def pinned(paths: Mapping[str, Path]) -> list[Source]:
    """The real list of sources, with these files' sizes and hashes."""
    found = []
    for source in sources():
        data = paths[source.name].read_bytes()
        values = {**source.__dict__, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        found.append(Source(**values))
    return found
