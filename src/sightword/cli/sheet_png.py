"""The contact sheet as a PNG: white cards on light grey."""

from __future__ import annotations

import io
from functools import lru_cache
from urllib.parse import urlsplit

from PIL import Image, ImageDraw, ImageFont

from sightword.cli.output import rounded_down
from sightword.cli.sheet import THUMBNAIL, Card, Sheet

__all__ = ["render_png"]

COLUMNS = 5
MARGIN = 40
GAP = 20
PAD = 12
CARD_WIDTH = THUMBNAIL + 2 * PAD
LABEL = 50
CARD_HEIGHT = THUMBNAIL + 2 * PAD + LABEL
WIDTH = 2 * MARGIN + COLUMNS * CARD_WIDTH + (COLUMNS - 1) * GAP
RADIUS = 14
RULE = 56
"""Pixels between head and cards; the line is in the middle."""

PAGE, CARD, EDGE = (241, 242, 244), (255, 255, 255), (223, 225, 229)
INK, GREY, ACCENT = (28, 30, 34), (112, 117, 126), (37, 99, 190)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def render_png(sheet: Sheet) -> bytes:
    """Draw the sheet; returns the bytes of a PNG."""
    words = _wrap(sheet.words, _font(34), _words_width(sheet))
    head = _head_height(sheet, len(words))
    rows = max(1, -(-len(sheet.hits) // COLUMNS))
    height = MARGIN + head + RULE + rows * CARD_HEIGHT + (rows - 1) * GAP + MARGIN
    page = Image.new("RGB", (WIDTH, height), PAGE)
    draw = ImageDraw.Draw(page)

    x = MARGIN
    for card in sheet.references:
        _card(page, draw, card, x, MARGIN)
        x += CARD_WIDTH + GAP
    x += 12 if sheet.references else 0
    text_height = len(words) * 44 + len(sheet.notes) * 26
    y = MARGIN + max(0, (head - text_height) // 2)
    for line in words:
        draw.text((x, y), line, INK, _font(34))
        y += 44
    for note in sheet.notes:
        draw.text((x, y + 4), _fit(note, _font(17), WIDTH - MARGIN - x), GREY, _font(17))
        y += 26

    rule = MARGIN + head + RULE // 2
    draw.line((MARGIN, rule, WIDTH - MARGIN, rule), EDGE, 2)
    top = MARGIN + head + RULE
    for i, card in enumerate(sheet.hits):
        row, column = divmod(i, COLUMNS)
        _card(page, draw, card, MARGIN + column * (CARD_WIDTH + GAP), top + row * (CARD_HEIGHT + GAP))
    if not sheet.hits:
        draw.text((MARGIN, top + 16), "Nothing matched.", GREY, _font(20))

    data = io.BytesIO()
    page.save(data, "PNG", optimize=True)
    return data.getvalue()


def _words_width(sheet: Sheet) -> int:
    used = len(sheet.references) * (CARD_WIDTH + GAP)
    return max(CARD_WIDTH, WIDTH - 2 * MARGIN - used - 12)


def _head_height(sheet: Sheet, lines: int) -> int:
    text = lines * 44 + len(sheet.notes) * 26 + 8
    return max(CARD_HEIGHT if sheet.references else 0, text)


def _card(page: Image.Image, draw: ImageDraw.ImageDraw, card: Card, x: int, y: int) -> None:
    page.paste(EDGE, (x - 1, y - 1), _rounded(CARD_WIDTH + 2, CARD_HEIGHT + 2))
    page.paste(CARD, (x, y), _rounded(CARD_WIDTH, CARD_HEIGHT))
    if card.picture is not None:
        picture = Image.fromarray(card.picture)
        picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        left, top = (THUMBNAIL - picture.width) // 2, (THUMBNAIL - picture.height) // 2
        page.paste(picture, (x + PAD + left, y + PAD + top))
    else:
        where = urlsplit(card.url).netloc if card.url else ""
        lines = ["kept at", where] if where else ["cannot be shown"]
        for at, line in enumerate(lines):
            text = _fit(line, _font(15), THUMBNAIL, middle=True)
            draw.text((x + PAD, y + PAD + THUMBNAIL // 2 - 10 + 20 * at), text, GREY, _font(15))
    base = y + PAD + THUMBNAIL + 9
    if card.rank is not None:
        draw.text((x + PAD, base), str(card.rank), ACCENT, _font(17))
        score = rounded_down(card.score or 0.0, 3)
        draw.text((x + CARD_WIDTH - PAD - _length(score, _font(15)), base + 1), score, GREY, _font(15))
    else:
        draw.text((x + PAD, base), "query", ACCENT, _font(17))
    draw.text((x + PAD, base + 23), _fit(card.name, _font(14), THUMBNAIL, middle=True), INK, _font(14))


@lru_cache
def _rounded(width: int, height: int) -> Image.Image:
    """A mask with smooth corners: drawn four times too large, because Pillow's own corners have steps."""
    large = Image.new("L", (width * 4, height * 4))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, width * 4 - 1, height * 4 - 1), RADIUS * 4, 255)
    return large.resize((width, height), Image.Resampling.BOX)


@lru_cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def _length(text: str, font: Font) -> int:
    return round(font.getlength(text))


def _fit(text: str, font: Font, width: int, middle: bool = False) -> str:
    """Shorten with an ellipsis; of a path the end matters most, so it loses its middle."""
    if _length(text, font) <= width:
        return text

    def short(keep: int) -> str:
        head = keep // 3 if middle else keep
        return f"{text[:head]}…{text[len(text) - (keep - head) :]}"

    # How many characters may stay; found by halving, for texts can be long.
    fits, too_many = 0, len(text)
    while too_many - fits > 1:
        keep = (fits + too_many) // 2
        fits, too_many = (keep, too_many) if _length(short(keep), font) <= width else (fits, keep)
    return short(fits)


def _wrap(text: str, font: Font, width: int, most: int = 4) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and _length(f"{lines[-1]} {word}", font) <= width:
            lines[-1] += f" {word}"
        elif len(lines) == most:
            lines[-1] += " …"
            break
        else:
            lines.append(word)
    return [_fit(line, font, width) for line in lines]
