"""Thumbnails in terminals: which protocol, and what is sent."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from sightword.cli.terminal import COLUMNS, ROWS, beside, detect

PICTURE = np.zeros((64, 64, 3), np.uint8)
PICTURE[:32] = (255, 0, 0)
PICTURE[32:] = (0, 0, 255)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app", "COLORTERM": "truecolor"}, "iterm"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "blocks"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, "blocks"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, None),
        ({"COLORTERM": "truecolor", "NO_COLOR": "1"}, None),
        ({"TERM": "screen", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x", "COLORTERM": "truecolor"}, "blocks"),
        ({}, None),
    ],
)
def test_detection(environ: dict[str, str], expected: str | None) -> None:
    assert detect(environ, True) == expected
    assert detect(environ, False) is None


def test_half_blocks_are_the_picture() -> None:
    drawn = beside(PICTURE, ["1  0.5", "cat.png"], "blocks")
    rows = drawn.splitlines()
    assert len(rows) == ROWS
    assert [row.count("▀") for row in rows] == [COLUMNS] * ROWS
    assert "38;2;255;0;0;48;2;255;0;0" in rows[0]
    assert "38;2;0;0;255;48;2;0;0;255" in rows[-1]
    assert sum("cat.png" in row for row in rows) == 1
    assert all("\x1b[0m" in row for row in rows)


def test_half_blocks_of_a_wide_picture_are_fewer() -> None:
    assert len(beside(np.zeros((20, 120, 3), np.uint8), ["a", "b"], "blocks").splitlines()) < ROWS


def test_kitty_sends_a_png_in_pieces() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    drawn = beside(noise, ["a", "cat.png"], "kitty")
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", drawn)
    assert pieces[0][0].startswith("a=T,f=100")
    assert [keys[-3:] for keys, _ in pieces] == ["m=1"] * (len(pieces) - 1) + ["m=0"]
    assert all(len(piece) <= 4096 for _, piece in pieces)
    sent = Image.open(io.BytesIO(base64.b64decode("".join(piece for _, piece in pieces))))
    assert np.array_equal(np.asarray(sent), noise)
    assert drawn.count("\n") == 2 * ROWS  # the room made, and the way down


def test_iterm_sends_a_png() -> None:
    found = re.search(r"\x1b\]1337;File=[^:]*size=(\d+)[^:]*:([^\x07]*)\x07", beside(PICTURE, ["a"], "iterm"))
    assert found
    png = base64.b64decode(found[2])
    assert int(found[1]) == len(png)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), PICTURE)
