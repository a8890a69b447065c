"""States of the page in headless Chromium: offline and back, empty folders, links, small screens, themes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gallery import make_gallery, paint

sys.path.insert(0, str(Path(__file__).parent))
from browsing import browser, file_chooser, names, settled, visit
from real import server

pytestmark = pytest.mark.slow
AXE = Path(__file__).parent / "axe.min.js"
HOSTILE = "<img src=x onerror=document.title='owned'>.png"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("states")
    first = make_gallery(root / "pictures")
    second = make_gallery(root / "Other", ["red", "blue"])
    paint(second / HOSTILE, "green")
    return first, second


@pytest.fixture(scope="module")
def home(tiny_backbone_dir: Path, folders: tuple[Path, Path]) -> Iterator[str]:
    with server(tiny_backbone_dir, *folders) as (url, _):
        yield url


@pytest.fixture
def page(chrome: Any, home: str) -> Iterator[Any]:
    with visit(chrome, home) as opened:
        yield opened


def ask(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.keyboard.press("Enter")
    settled(page)
    page.wait_for_selector("#results .hit")


def test_offline_and_back(page: Any) -> None:
    """The last answer stays, a sentence says what is wrong, and an answer or a retry ends it."""
    ask(page, "red")
    for again in ("#banner-retry", ".go"):
        page.route("**/v1/**", lambda route: route.abort())
        page.fill("#text", "blue")
        page.keyboard.press("Enter")
        page.wait_for_selector("#banner:not([hidden])")
        assert "The server does not answer. Is it still running?" in page.inner_text("#banner")
        assert names(page)[0] == "red"
        page.unroute("**/v1/**")
        page.locator(again).first.click()
        settled(page)
        page.wait_for_selector("#banner", state="hidden", timeout=4000)
        assert names(page)[0] == "blue"
        ask(page, "red")


def test_a_refusal_is_a_sentence_with_the_next_step(page: Any) -> None:
    ask(page, "red")
    told = {"type": "about:blank", "title": "Too Many Requests", "status": 429,
            "detail": "The server is busy.", "hint": "Ask again in a moment."}  # fmt: skip
    page.route("**/v1/search", lambda route: route.fulfill(status=429, json=told))
    page.fill("#text", "blue")
    page.keyboard.press("Enter")
    page.wait_for_selector("#banner:has-text('The server is busy. Ask again in a moment.')")
    assert "This could not be answered" in page.inner_text("#results")
    page.unroute("**/v1/search")
    page.click("#banner-retry")
    page.wait_for_selector("#results .hit")
    assert page.is_hidden("#banner") and names(page)[0] == "blue"


def test_rows_are_justified_and_scores_fall(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")  # cards move in otherwise
    ask(page, "red")
    boxes = page.locator("#results .hit").evaluate_all(
        "all => all.map((each) => { const box = each.getBoundingClientRect(); "
        "return [box.top, box.right, box.height]; })"
    )
    edge = page.locator("#results .grid").evaluate("each => each.getBoundingClientRect().right")
    row = [box for box in boxes if box[0] == boxes[0][0]]
    assert 2 <= len(row) < len(boxes)
    assert max(box[1] for box in row) == pytest.approx(edge, abs=2)
    assert max(box[2] for box in row) - min(box[2] for box in row) < 2
    scores = [text.split(" · ") for text in page.locator("#results .score").all_inner_texts()]
    cosines = [float(cosine) for cosine, _ in scores]
    assert cosines == sorted(cosines, reverse=True) and all(z.endswith("σ") for _, z in scores)


def test_several_pictures_at_once(page: Any, tmp_path: Path) -> None:
    given = [paint(tmp_path / f"{colour}.png", colour, (61, 47)) for colour in ("red", "blue")]
    page.set_input_files("#file", given)
    page.wait_for_selector("#references li >> nth=1")
    settled(page)
    page.wait_for_selector("#results .hit")
    assert "purple" in names(page)[:3]
    page.locator("#references button").first.click()
    settled(page)
    assert page.locator("#references li").count() == 1 and names(page)[0] == "blue"


def test_the_hint_says_where_the_folder_is(page: Any, folders: tuple[Path, Path]) -> None:
    ask(page, "blue")
    page.locator("#results .open").first.click()
    hint = page.inner_text("#viewer-hint")
    assert hint.startswith("To open the folder, copy the path") and str(folders[0] / "deep/blue.png") in hint
    page.keyboard.press("Escape")

    def far_away(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=[each | {"folder": None} for each in answer.json()])

    page.route("**/v1/indexes", far_away)
    page.reload()
    page.wait_for_selector("#results .hit")
    page.locator("#results .open").first.click()
    assert page.inner_text("#viewer-hint") == "It lies on the server, in the folder pictures: deep/blue.png"


def test_light_and_dark_by_hand(page: Any) -> None:
    def paper() -> Any:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.emulate_media(color_scheme="light")
    light = paper()
    page.click("#theme")
    dark = paper()
    assert light == "rgb(247, 246, 243)" and dark == "rgb(22, 23, 22)"
    page.reload()
    page.wait_for_selector(".examples img")
    assert paper() == dark
    page.click("#theme")
    assert paper() == light


def test_two_folders(page: Any) -> None:
    ask(page, "red")
    page.select_option("#index", "other")
    settled(page)
    page.wait_for_selector("#results .hit >> nth=2")
    assert set(names(page)) >= {"red", "blue"} and page.locator("#results .hit").count() == 3
    assert page.inner_text("#count") == "3 pictures"
    assert "i=other" in page.url
    page.locator("#results .open").first.focus()
    page.keyboard.press("r")
    page.wait_for_selector("#references img")
    settled(page)
    assert page.locator("#results .hit").count() == 2


def test_names_of_files_are_text(page: Any) -> None:
    page.select_option("#index", "other")
    ask(page, "green")
    assert names(page)[0] == HOSTILE.removesuffix(".png")
    page.locator("#results .open").first.click()
    assert page.inner_text("#viewer-name") == HOSTILE
    page.click("#viewer [data-do=use]")
    settled(page)
    page.wait_for_selector("#references img")
    assert page.locator("img[src='x']").count() == 0 and "owned" not in page.title()


def test_an_address_carries_everything(page: Any, chrome: Any) -> None:
    ask(page, "cyan")
    page.locator("#results .open").first.focus()
    page.keyboard.press("r")
    page.wait_for_selector("#references img")
    page.click("#more summary")
    page.fill("#f-folder", "deep")
    page.keyboard.press("Tab")
    page.select_option("#f-format", "png")
    page.select_option("#f-k", "60")
    page.locator("#f-score").fill("1")
    page.wait_for_timeout(400)
    page.locator("#balance").fill("70")
    page.wait_for_timeout(400)
    settled(page)
    found = names(page)
    other = chrome.new_page()
    other.goto(page.url)
    other.wait_for_selector("#results .hit")
    settled(other)
    assert names(other) == found and found
    fields = ("#text", "#f-folder", "#f-format", "#f-k", "#f-score", "#balance")
    values = [other.input_value(field) for field in fields]
    assert values == ["cyan", "deep", "png", "60", "1", "70"]
    page.click("#compare-toggle")
    page.wait_for_selector(".column")
    other.goto(page.url)
    other.reload()
    other.wait_for_selector(".column")
    heads = [each.locator(".column h2").all_inner_texts() for each in (page, other)]
    assert heads[0] == heads[1] == ["average", "image", "text"]
    other.close()


def test_a_link_cannot_carry_an_upload(page: Any, chrome: Any, tmp_path: Path) -> None:
    page.set_input_files("#file", paint(tmp_path / "new.png", "red", (61, 47)))
    page.wait_for_selector("#results .hit")
    settled(page)
    page.click("#share")
    page.wait_for_selector("#status:has-text('without the picture you uploaded')")
    other = chrome.new_page()
    other.goto(page.evaluate("navigator.clipboard.readText()"))
    other.wait_for_selector("#status:has-text('give it again')")
    assert other.locator("#references img").count() == 0
    other.close()


def test_a_picture_is_chosen_by_keyboard(page: Any, tmp_path: Path) -> None:
    page.focus("#text")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "pick"
    with file_chooser(page) as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(paint(tmp_path / "x.png", "cyan", (33, 33)))
    page.wait_for_selector("#results .hit")
    settled(page)
    assert names(page)[0] == "cyan"
    page.keyboard.press("Escape")  # out of the words, where the letters are keys
    page.keyboard.press("c")
    page.wait_for_selector(".column")
    page.keyboard.press("c")
    page.wait_for_selector("#results > .grid")
    page.keyboard.press("e")
    page.wait_for_selector(".wordlist li", timeout=40_000)
    page.locator("#results .open").first.focus()
    page.keyboard.press("n")
    page.wait_for_selector("#without li img")


SMALL = """() => [...document.querySelectorAll("button, select, .button, input:not([type=checkbox])")]
  .filter((each) => each.checkVisibility() && !each.closest(".skip"))
  .map((each) => [each.id || each.className || each.outerHTML.slice(0, 60), each.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([name]) => name)"""


@pytest.mark.parametrize("width", [320, 390])
def test_every_state_fits_a_phone(chrome: Any, home: str, tmp_path: Path, width: int) -> None:
    """Nothing scrolls sideways, and what is to be touched is large enough (WCAG 2.5.8)."""
    page = chrome.new_page(viewport={"width": width, "height": 740}, has_touch=True)
    page.set_default_timeout(20_000)

    def fits(state: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state
        assert page.evaluate(SMALL) == [], state

    page.goto(home)
    page.wait_for_selector(".examples img")
    fits("start")
    page.set_input_files("#file", paint(tmp_path / "red.png", "red", (61, 47)))
    page.wait_for_selector("#results .hit")
    ask(page, "blue")
    page.fill("#without-text", "green")
    page.keyboard.press("Enter")
    settled(page)
    fits("answer")
    page.locator("#more summary").tap()
    fits("filters")
    page.locator("#more summary").tap()
    page.locator("#explain-toggle").tap()
    page.wait_for_selector(".wordlist li", timeout=40_000)
    fits("explained")
    page.locator("#compare-toggle").tap()
    page.wait_for_selector(".column")
    fits("compared")
    page.locator("#compare-toggle").tap()
    page.wait_for_selector("#results > .grid")
    page.locator("#results .open").first.tap()
    page.wait_for_selector("#viewer[open]")
    fits("large view")
    page.locator("#viewer [data-do=use]").tap()
    page.wait_for_selector("#trail:not([hidden])")
    settled(page)
    fits("steps")
    page.locator("#help-open").tap()
    fits("help")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_description_for_people(page: Any, home: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{home}docs")
    page.wait_for_selector("article >> nth=20")
    heads = page.locator("article h2").all_inner_texts()
    assert "POST/v1/search" in [head.replace(" ", "") for head in heads] and "SearchRequest" in heads
    assert "urn:sightword:usage" in page.inner_text("#Problem pre")
    assert page.inner_text("#curl").startswith(f"curl {home.rstrip('/')}/v1/search")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [item["id"] for item in found if item["impact"] in ("serious", "critical")] == []


def test_looking_for_new_pictures(chrome: Any, tiny_backbone_dir: Path, tmp_path: Path) -> None:
    """Without --watch the page asks the server to look; an empty folder says how."""
    folder = tmp_path / "empty"
    folder.mkdir()
    with server(tiny_backbone_dir, folder) as (url, _):
        page = chrome.new_page()
        page.set_default_timeout(40_000)
        page.goto(url)
        page.wait_for_selector("#start:has-text('There are no pictures in empty yet. Add some and press')")
        page.click("#look")
        page.wait_for_selector("#status:has-text('Nothing is new in empty.')")
        make_gallery(folder, ["red", "blue", "green"])
        page.click("#look")
        page.wait_for_selector(".examples img")
        assert page.inner_text("#count") == "3 pictures"
        ask(page, "red")
        paint(folder / "later.png", "yellow")
        page.click("#look")
        page.wait_for_selector("#results .hit >> nth=3")
        assert "later" in names(page)
        page.close()
