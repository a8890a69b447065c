"""Thumbnails in the terminal: the kitty and iTerm2 protocols, else coloured half blocks, else none."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "ROWS", "Protocol", "beside", "detect"]

Protocol = Literal["kitty", "iterm", "blocks"]
RGB = NDArray[np.uint8]

COLUMNS, ROWS = 12, 6
"""Cells of a thumbnail; a cell is about twice as high as wide, so this is a square."""


def detect(environ: Mapping[str, str], is_terminal: bool) -> Protocol | None:
    """What this terminal can show, as its environment says."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if not is_terminal or term == "dumb":
        return None
    # A multiplexer swallows or misplaces picture protocols; characters pass through.
    nested = "TMUX" in environ or term.startswith(("screen", "tmux"))
    if not nested and (term == "xterm-kitty" or "KITTY_WINDOW_ID" in environ or program == "ghostty"):
        return "kitty"
    if not nested and (program in ("iTerm.app", "WezTerm") or environ.get("LC_TERMINAL") == "iTerm2"):
        return "iterm"
    if environ.get("COLORTERM") in ("truecolor", "24bit") and not environ.get("NO_COLOR"):
        return "blocks"
    return None


def beside(picture: RGB, lines: Sequence[str], protocol: Protocol) -> str:
    """A thumbnail with lines of text at its right.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
    lines : sequence of str
        At most ROWS, already free of control characters.
    """
    if protocol == "blocks":
        drawn = _half_blocks(picture)
        texts = [*([""] * ((len(drawn) - len(lines)) // 2)), *lines]
        texts += [""] * (len(drawn) - len(texts))
        return "\n".join(f"{row}\x1b[0m  {text}".rstrip() for row, text in zip(drawn, texts)) + "\n"
    # Make room, go back up, put the picture without moving the cursor, write beside it.
    room = "\n" * ROWS + f"\x1b[{ROWS}A"
    image = _kitty(_png(picture)) if protocol == "kitty" else _iterm(_png(picture))
    above = (ROWS - len(lines)) // 2
    below = ROWS - above - len(lines)
    text = "".join(f"\x1b[{COLUMNS + 2}C{line}\n" for line in lines)
    return room + image + "\n" * above + text + "\n" * below


def _half_blocks(picture: RGB) -> list[str]:
    """Rows of ``▀``: the upper pixel is the foreground, the lower one the background."""
    from PIL import Image

    small = Image.fromarray(picture)
    small.thumbnail((COLUMNS, ROWS * 2), Image.Resampling.BOX)
    frame = Image.new("RGB", (COLUMNS, -(-small.height // 2) * 2))
    frame.paste(small, ((COLUMNS - small.width) // 2, 0))
    pixels = np.asarray(frame)
    rows = []
    for top, bottom in zip(pixels[::2], pixels[1::2]):
        cells = (f"\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m▀" for a, b in zip(top, bottom))
        rows.append("".join(cells))
    return rows


def _png(picture: RGB) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return data.getvalue()


def _kitty(png: bytes) -> str:
    """Kitty graphics: PNG in base64, in pieces of 4096; C=1 leaves the cursor where it is."""
    text = base64.b64encode(png).decode("ascii")
    pieces = [text[i : i + 4096] for i in range(0, len(text), 4096)]
    out = []
    for i, piece in enumerate(pieces):
        keys = f"a=T,f=100,r={ROWS},C=1,q=2," if i == 0 else ""
        out.append(f"\x1b_G{keys}m={int(i < len(pieces) - 1)};{piece}\x1b\\")
    return "".join(out)


def _iterm(png: bytes) -> str:
    keys = f"inline=1;size={len(png)};height={ROWS};width={COLUMNS};preserveAspectRatio=1;doNotMoveCursor=1"
    return f"\x1b]1337;File={keys}:{base64.b64encode(png).decode('ascii')}\x07"
