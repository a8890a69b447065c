"""What a terminal gets and a pipe does not: thumbnails and the progress bar."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from gallery import paint
from pseudo_terminal import on_a_terminal


def test_half_blocks_in_a_terminal_of_many_colours(environ, folder: Path) -> None:
    code, shown = on_a_terminal({"COLORTERM": "truecolor"}, "search", folder, "red", "-k", "2")
    assert code == 0
    assert "▀" in shown and "38;2;255;0;0" in shown
    assert "red.png" in shown


@pytest.mark.parametrize(
    ("own", "args"),
    [
        ({"COLORTERM": "truecolor", "NO_COLOR": "1"}, ()),
        ({"COLORTERM": "truecolor"}, ("--no-thumbnails",)),
        ({"COLORTERM": ""}, ()),
        ({"COLORTERM": "truecolor"}, ("--json",)),
        ({"COLORTERM": "truecolor"}, ("--paths",)),
    ],
)
def test_no_thumbnails(environ, folder: Path, own: dict[str, str], args: tuple[str, ...]) -> None:
    code, shown = on_a_terminal(own, "search", folder, "red", *args)
    assert code == 0
    assert "red.png" in shown
    assert "\x1b" not in shown


def test_kitty(environ, folder: Path) -> None:
    _, shown = on_a_terminal({"KITTY_WINDOW_ID": "1"}, "search", folder, "red", "-k", "1")
    assert "\x1b_Ga=T,f=100" in shown
    assert "red.png" in shown


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_hostile_names_stay_text_beside_thumbnails(environ, folder: Path) -> None:
    paint(folder / "tmp.png", "red", (60, 60)).rename(folder / "red\x1b]0;owned\x07\x1b[2J.png")
    (folder / "red.png").unlink()
    _, shown = on_a_terminal({"COLORTERM": "truecolor"}, "search", folder, "red", "-k", "1")
    assert "]0;owned" not in shown and "\x1b[2J" not in shown
    assert "red.png" in shown


@pytest.mark.slow
def test_the_bar_shows_rate_and_time_left_after_two_seconds(environ, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(folder / "0.jpg", quality=90)
    for number in range(1, 600):
        os.link(folder / "0.jpg", folder / f"{number}.jpg")
    code, shown = on_a_terminal({}, "index", folder)
    assert code == 0
    assert " pictures/s" in shown
    assert "/600" in shown
    assert "600 pictures in the index." in shown
