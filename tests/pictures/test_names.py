"""Names of files are hostile until they are displayed."""

from __future__ import annotations

import base64
import json

import pytest

from sightword.pictures.names import display, html_name, json_name, path_b64


@pytest.mark.parametrize(
    "name, shown",
    [
        (b"holiday/cat.jpg", "holiday/cat.jpg"),
        ("Grüße/猫 😀.png".encode(), "Grüße/猫 😀.png"),
        (b"caf\xe9.jpg", "caf\ufffd.jpg"),
        (b"line\nbreak\r\t.png", "linebreak.png"),
        (b"\x1b[31mred\x1b[0m.png", "red.png"),
        (b"\x1b]0;title\x07cat.png", "cat.png"),
        (b"\x1b]8;;http://evil\x1b\\cat.png", "cat.png"),
        (b"a\x1b(Bb\x1bcc.png", "abc.png"),
        ("a\x9b2Jb.png".encode(), "ab.png"),
        ("cat\u202egpj.exe".encode(), "catgpj.exe"),
        ("a\u2066b\u2069\u200b\u2028c\ufeff".encode(), "abc"),
        ("👩\u200d🍳.png".encode(), "👩\u200d🍳.png"),
        (b"\x1b\x07\n", "\ufffd"),
        (b"", ""),
    ],
)
def test_display(name: bytes, shown: str) -> None:
    assert display(name) == shown


def test_display_takes_any_path() -> None:
    assert display("caf\udce9.jpg") == display(b"caf\xe9.jpg") == "caf\ufffd.jpg"


def test_html() -> None:
    assert html_name(b"<img src=x onerror='a()'>\".png") == (
        "&lt;img src=x onerror=&#x27;a()&#x27;&gt;&quot;.png"
    )


def test_json_is_exact_or_says_so() -> None:
    assert json_name(b"a\nb.png") == {"path": "a\nb.png"}
    assert path_b64("é".encode()) is None
    named = json.loads(json.dumps(json_name(b"caf\xe9.jpg")))
    assert named["path"] == "caf\ufffd.jpg"
    assert base64.b64decode(named["path_b64"]) == b"caf\xe9.jpg"
