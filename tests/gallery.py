"""Small folders of coloured pictures, for tests of search and of the command line."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "purple": (255, 0, 255),
    "cyan": (0, 255, 255),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}


def paint(path: Path, colour: str, size: tuple[int, int] = (48, 40)) -> Path:
    """Write a plain picture; the ending decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, COLOURS[colour]).save(path)
    return path


def make_gallery(folder: Path, colours: list[str] | None = None) -> Path:
    """One plain PNG of each colour, named after it; some in a subfolder."""
    for index, colour in enumerate(colours or list(COLOURS)):
        paint(folder / ("deep" if index % 3 == 2 else "") / f"{colour}.png", colour)
    return folder
