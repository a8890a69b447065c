"""Contact sheets: deterministic, escaped, self-contained, written whole or not at all."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightword.cli import sheet as sheets
from sightword.cli.sheet import Card, Sheet, check_target, write_sheet
from sightword.cli.sheet_html import render_html
from sightword.cli.sheet_png import CARD_HEIGHT, GAP, MARGIN, WIDTH, render_png
from sightword.errors import SightwordError, UsageError

RED, BLUE = (200, 30, 20), (20, 30, 200)


def plain_picture(colour: tuple[int, int, int], width: int = 120, height: int = 80) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


def sheet(hits: int = 3, name: str = "cat.png", words: str = "as a line drawing") -> Sheet:
    cards = [Card(plain_picture(BLUE), name, i + 1, 0.5 - i / 100, 3.25 - i) for i in range(hits)]
    return Sheet(words, [Card(plain_picture(RED), "query.png")], cards, ["holiday: 20 pictures"])


def colours(data: bytes) -> set[tuple[int, ...]]:
    page = Image.open(io.BytesIO(data)).convert("RGB")
    return {colour for _, colour in page.getcolors(1 << 20) or []}  # type: ignore[misc]


def test_png_shows_query_and_hits() -> None:
    data = render_png(sheet(7))
    page = Image.open(io.BytesIO(data))
    assert page.width == WIDTH
    assert {RED, BLUE} <= colours(data)
    # Reference above, hits below it.
    assert page.getpixel((MARGIN + 60, MARGIN + 110)) == RED
    assert page.getpixel((MARGIN + 60, page.height - MARGIN - CARD_HEIGHT - GAP - 150)) == BLUE


def test_png_has_a_row_for_five_hits() -> None:
    heights = [Image.open(io.BytesIO(render_png(sheet(n)))).height for n in (1, 5, 6, 11)]
    assert heights[0] == heights[1]
    assert heights[2] - heights[1] == heights[3] - heights[2] == CARD_HEIGHT + GAP


@pytest.mark.parametrize("words", ["", "word " * 400, "x" * 3000, "日本語 \U0001f600"])
def test_png_survives_any_words(words: str) -> None:
    assert Image.open(io.BytesIO(render_png(sheet(words=words)))).width == WIDTH


def test_png_without_pictures_or_hits() -> None:
    lone = Sheet("dogs", [], [])
    assert Image.open(io.BytesIO(render_png(lone))).width == WIDTH
    broken = Sheet("", [Card(None, "gone.png")], [Card(None, "also-gone.png", 1, 0.1, 0.0)])
    assert Image.open(io.BytesIO(render_png(broken))).width == WIDTH


@pytest.mark.parametrize("render", [render_png, render_html])
def test_equal_sheets_give_equal_bytes(render) -> None:  # type: ignore[no-untyped-def]
    assert render(sheet()) == render(sheet())


def test_html_escapes_hostile_names() -> None:
    page = render_html(
        sheet(name='"><img src=x onerror=alert(1)>\x1b[31m.png', words="<script>alert(1)</script>")
    )
    text = page.decode()
    assert "<script" not in text
    assert "onerror=alert(1)>" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "\x1b" not in text


def test_html_is_self_contained() -> None:
    text = render_html(sheet()).decode()
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", text)
    assert "url(" not in text
    assert text.count("data:image/jpeg;base64,") == 4
    assert "as a line drawing" in text
    assert "0.500" in text


def test_html_thumbnails_carry_no_metadata() -> None:
    import base64

    found = re.search(r"data:image/jpeg;base64,([^\"]+)", render_html(sheet()).decode())
    assert found
    assert not Image.open(io.BytesIO(base64.b64decode(found[1]))).getexif()


def test_write_by_ending(tmp_path: Path) -> None:
    write_sheet(tmp_path / "a.png", sheet())
    write_sheet(tmp_path / "a.html", sheet())
    assert (tmp_path / "a.png").read_bytes() == render_png(sheet())
    assert (tmp_path / "a.html").read_bytes() == render_html(sheet())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "a.png"]


def test_a_failed_write_leaves_the_old_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sheets.os, "fsync", full)
    with pytest.raises(SightwordError, match="No space left on device"):
        write_sheet(target, sheet())
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_wrong_targets_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither in \.png"):
        check_target(tmp_path / "a.pdf")
    with pytest.raises(UsageError, match="no such directory"):
        check_target(tmp_path / "missing" / "a.png")
    assert check_target(tmp_path / "A.PNG") == tmp_path / "A.PNG"


@pytest.mark.parametrize("middle", [False, True])
def test_long_names_are_cut_as_little_as_needed(middle: bool) -> None:
    from sightword.cli.sheet_png import _fit, _font, _length

    font, name = _font(14), "holiday/in/the/mountains/and/by/the/lake/picture-0001.jpg"
    cut = _fit(name, font, 200, middle=middle)
    assert _length(cut, font) <= 200
    assert cut.count("…") == 1 and 10 < len(cut) < len(name)
    assert cut.endswith("1.jpg") is middle
    assert _fit(name, font, 2000, middle=middle) == name
    assert _fit("x" * 100_000, font, 200, middle=middle).startswith("x")


def elsewhere(*urls: str | None) -> Sheet:
    """Hits whose pictures are not on this machine."""
    hits = [Card(None, f"{at}.jpg", at, 0.5, 1.0, url) for at, url in enumerate(urls, start=1)]
    return Sheet("at night", [Card(plain_picture(RED), "query.png")], hits)


def policy(text: str) -> str:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert found
    return html.unescape(found[1])


def test_html_refers_to_pictures_elsewhere_and_allows_their_origin_alone() -> None:
    text = render_html(
        elsewhere("https://a.example/x%20y/1.jpg", "https://a.example/2.jpg?a=1&b=2", None)
    ).decode()
    assert (
        '<a href="https://a.example/x%20y/1.jpg" rel="noreferrer"><img src="https://a.example/x%20y/1.jpg"'
        in text
    )
    assert 'src="https://a.example/2.jpg?a=1&amp;b=2"' in text
    assert text.count("cannot be shown") == 1
    assert policy(text) == "default-src 'none'; img-src data: https://a.example; style-src 'unsafe-inline'"
    assert (
        policy(render_html(sheet()).decode())
        == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    )


def test_html_embeds_what_is_here_and_links_to_where_it_is_kept() -> None:
    card = Card(plain_picture(BLUE), "a.jpg", 1, 0.5, 1.0, "https://a.example/a.jpg")
    text = render_html(Sheet("", [], [card])).decode()
    assert '<a href="https://a.example/a.jpg"' in text and 'src="https' not in text
    assert "a.example" not in policy(text)  # nothing is loaded


def test_a_path_on_some_server_means_nothing_in_a_file() -> None:
    text = render_html(elsewhere("/pictures/1.jpg")).decode()
    assert "/pictures/" not in text and "cannot be shown" in text


def test_png_names_where_pictures_are_kept_and_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a sheet opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)
    data = render_png(elsewhere("https://pictures.example.org/1.jpg"))
    assert data == render_png(
        elsewhere("https://pictures.example.org/other/2.jpg")
    )  # its server, not its name
    assert data != render_png(elsewhere(None))
    assert data != render_png(elsewhere("https://x.example/1.jpg"))
