"""The page in headless Chromium, against a server of its own process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gallery import make_gallery, paint

sys.path.insert(0, str(Path(__file__).parent))
from browsing import browser, names, settled, visit
from real import server

pytestmark = pytest.mark.slow
AXE = Path(__file__).parent / "axe.min.js"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def home(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = make_gallery(tmp_path_factory.mktemp("browsed") / "pictures")
    with server(tiny_backbone_dir, folder) as (url, _):
        yield url


@pytest.fixture
def page(chrome: Any, home: str) -> Iterator[Any]:
    elsewhere: list[str] = []
    with visit(
        chrome, home, lambda url: url.startswith((home, "blob:", "data:")) or elsewhere.append(url)
    ) as opened:
        yield opened
    assert not elsewhere


def ask(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.keyboard.press("Enter")
    settled(page)


def upload(page: Any, tmp_path: Path, colour: str) -> None:
    page.set_input_files("#file", paint(tmp_path / f"{colour}.png", colour, (61, 47)))
    settled(page)
    page.wait_for_selector("#results .hit")


def test_an_example_asks_at_once(page: Any) -> None:
    page.locator(".examples button").first.click()
    settled(page)
    page.wait_for_selector("#results .hit")
    assert page.input_value("#text") == "as a line drawing"
    assert not page.is_visible("#start")


def test_upload_and_text(page: Any, tmp_path: Path) -> None:
    upload(page, tmp_path, "red")
    assert names(page)[0] == "red"
    ask(page, "blue")
    found = names(page)
    assert {"red", "blue", "purple"} >= set(found[:3])
    assert "of 8" in page.inner_text("#status")
    assert page.locator("#references img").count() == 1


def test_refine_from_a_result_and_go_back(page: Any, tmp_path: Path) -> None:
    upload(page, tmp_path, "green")
    card = page.locator("#results .hit").nth(1)
    chosen = names(page)[1]
    card.hover()
    card.get_by_label("Use as reference").click()
    settled(page)
    page.wait_for_selector(f"#references img[alt='{chosen}.png']")
    assert chosen not in names(page)
    assert page.locator("#trail li").count() == 2
    page.go_back()
    settled(page)
    assert page.locator("#trail [aria-current]").count() == 1
    page.wait_for_selector("#results .hit")
    assert names(page)[0] == "green"
    page.locator("#trail button").last.click()
    page.wait_for_selector(f"#references img[alt='{chosen}.png']")


def test_negatives_filters_and_limits(page: Any) -> None:
    ask(page, "purple")
    before = names(page)
    page.fill("#without-text", "blue")
    page.keyboard.press("Enter")
    settled(page)
    page.wait_for_selector("#without li")
    assert names(page).index("blue") > before.index("blue")
    page.click("#more summary")
    page.fill("#f-folder", "deep")
    page.keyboard.press("Tab")
    page.wait_for_selector("#filter-count:not([hidden])")
    settled(page)
    assert set(names(page)) == {"blue", "cyan"}
    page.fill("#f-folder", "nowhere")
    page.keyboard.press("Tab")
    page.wait_for_selector(".nothing")
    assert "Nothing passes the filters" in page.inner_text(".nothing")
    page.click("#f-clear")
    page.wait_for_selector("#results .hit")
    page.locator("#f-score").fill("12")
    page.wait_for_timeout(400)
    settled(page)
    assert 0 < len(names(page)) < 8


def test_the_slider_pulls(page: Any, tmp_path: Path) -> None:
    upload(page, tmp_path, "red")
    ask(page, "blue")
    page.locator("#balance").fill("100")
    page.wait_for_timeout(300)
    settled(page)
    assert names(page)[0] == "blue"
    page.locator("#balance").fill("0")
    page.wait_for_timeout(300)
    settled(page)
    assert names(page)[0] == "red"
    assert "s=0" in page.url


def test_compare_side_by_side(page: Any, tmp_path: Path) -> None:
    upload(page, tmp_path, "red")
    ask(page, "blue")
    page.click("#compare-toggle")
    page.wait_for_selector(".column")
    settled(page)
    heads = page.locator(".column h2").all_inner_texts()
    assert heads == ["average", "image", "text"]
    assert (
        names(page, ".column:nth-child(2)")[0] == "red" and names(page, ".column:nth-child(3)")[0] == "blue"
    )
    page.locator("#methods label", has_text="slerp").click()
    page.wait_for_selector(".column:nth-child(4)")
    page.click("#compare-toggle")
    page.wait_for_selector("#results > .grid")


def test_explain(page: Any, tmp_path: Path) -> None:
    upload(page, tmp_path, "red")
    ask(page, "blue")
    page.click("#explain-toggle")
    page.wait_for_selector(".wordlist li", timeout=40_000)
    assert page.locator(".pulls meter").count() == 2
    assert page.get_attribute("#explain-toggle", "aria-expanded") == "true"


def test_the_large_view(page: Any, home: str) -> None:
    ask(page, "red")
    page.locator("#results .open").first.click()
    page.wait_for_selector("#viewer[open]")
    assert page.inner_text("#viewer-name") == "red.png"
    assert "48 × 40" in page.inner_text("#viewer-facts")
    with page.expect_download() as download:
        page.click("#viewer-download")
    assert download.value.suggested_filename == "red.png"
    page.get_by_role("button", name="Copy path").click()
    assert page.evaluate("navigator.clipboard.readText()").endswith("pictures/red.png")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#viewer-name") != "red.png"
    page.keyboard.press("Escape")
    assert not page.is_visible("#viewer")


def test_a_shared_address_shows_the_same(page: Any, chrome: Any) -> None:
    ask(page, "purple")
    page.locator("#results .hit").first.hover()
    page.locator("#results .hit").first.get_by_label("Use as reference").click()
    settled(page)
    page.fill("#without-text", "green")
    page.keyboard.press("Enter")
    settled(page)
    page.wait_for_selector("#without li")
    found = names(page)
    page.click("#share")
    address = page.evaluate("navigator.clipboard.readText()")
    other = chrome.new_page()
    other.goto(address)
    other.wait_for_selector("#results .hit")
    settled(other)
    assert names(other) == found
    assert other.input_value("#text") == "purple"
    assert other.locator("#references img").count() == 1
    assert "No longer without green" in other.inner_html("#without")
    other.close()


def test_by_keyboard_alone(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("yellow")
    page.keyboard.press("Enter")
    settled(page)
    page.wait_for_selector("#results .hit")
    found = names(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.title").endswith(f"{found[1]}.png")
    page.keyboard.press("Enter")
    assert page.inner_text("#viewer-name") == f"{found[1]}.png"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.title").endswith(f"{found[1]}.png")
    page.keyboard.press("r")
    page.wait_for_selector(f"#references img[alt='{found[1]}.png']")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("Escape")


def test_dropped_and_pasted_pictures(page: Any, tmp_path: Path) -> None:
    data = list(paint(tmp_path / "x.png", "cyan", (33, 33)).read_bytes())
    send = """([data, kind]) => {
        const given = new DataTransfer();
        given.items.add(new File([new Uint8Array(data)], "x.png", {type: "image/png"}));
        const event = kind === "paste" ? new ClipboardEvent("paste", {clipboardData: given, bubbles: true})
          : new DragEvent(kind, {dataTransfer: given, bubbles: true, cancelable: true});
        document.body.dispatchEvent(event);
    }"""
    page.evaluate(send, [data, "dragenter"])
    assert page.is_visible("#drop")
    page.evaluate(send, [data, "drop"])
    settled(page)
    page.wait_for_selector("#results .hit")
    assert names(page)[0] == "cyan" and not page.is_visible("#drop")
    page.locator("#references button").click()
    page.wait_for_selector("#start:not([hidden])")
    page.evaluate(send, [data, "paste"])
    page.wait_for_selector("#results .hit")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Any, tmp_path: Path, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(AXE.read_text(encoding="utf-8"))

    def check(state: str) -> None:
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        bad = [
            (item["id"], [node["html"][:160] for node in item["nodes"]])
            for item in found
            if item["impact"] in ("serious", "critical")
        ]
        assert not bad, (state, bad)

    check("start")
    upload(page, tmp_path, "red")
    ask(page, "blue")
    page.fill("#without-text", "green")
    page.keyboard.press("Enter")
    settled(page)
    page.click("#more summary")
    check("results")
    page.click("#more summary")
    page.click("#explain-toggle")
    page.wait_for_selector(".wordlist li", timeout=40_000)
    check("explained")
    page.click("#compare-toggle")
    page.wait_for_selector(".column")
    check("compared")
    page.locator("#results .open").first.click()
    check("large view")
    page.keyboard.press("Escape")
    page.click("#help-open")
    check("help")


@pytest.mark.parametrize("width", [360, 768])
def test_narrow_screens(chrome: Any, home: str, tmp_path: Path, width: int) -> None:
    page = chrome.new_page(viewport={"width": width, "height": 740}, has_touch=True)
    page.set_default_timeout(20_000)
    page.goto(home)
    page.wait_for_selector(".examples img")
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        upload(page, tmp_path, "red")
    page.locator("#results .open").first.tap()
    page.wait_for_selector("#viewer[open]")
    assert page.locator("#viewer [data-do=use]").is_visible()
    page.locator("#viewer [data-do=use]").tap()
    page.wait_for_selector("#results .hit")
    page.close()


def test_broken_pictures_are_told(page: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page.set_input_files("#file", tmp_path / "broken.png")
    page.wait_for_selector("#banner:not([hidden])")
    assert "not a picture" in page.inner_text("#banner")
    page.locator("#references button").click()
    page.set_input_files("#file", paint(tmp_path / "ok.png", "red"))
    page.wait_for_selector("#results .hit")
    assert page.is_hidden("#banner")


def test_a_server_that_went_away(chrome: Any, tiny_backbone_dir: Path, tmp_path: Path) -> None:
    folder = make_gallery(tmp_path / "pictures", ["red", "blue", "green"])
    page = chrome.new_page()
    with server(tiny_backbone_dir, folder) as (url, _):
        page.goto(url)
        page.wait_for_selector(".examples img")
    page.fill("#text", "red")
    page.keyboard.press("Enter")
    page.wait_for_selector("#banner:not([hidden])")
    assert "does not answer" in page.inner_text("#banner")
    page.close()


def test_a_locked_server_asks_for_its_key(chrome: Any, tiny_backbone_dir: Path, tmp_path: Path) -> None:
    folder = make_gallery(tmp_path / "pictures", ["red", "blue", "green"])
    key = "a key of the tests"
    os.environ["SIGHTWORD_API_KEY"] = key
    try:
        with server(tiny_backbone_dir, folder, ready=False) as (url, _):
            context = chrome.new_context()
            page = context.new_page()
            page.goto(url)
            page.wait_for_selector("#key[open]")
            page.fill("#key-text", "wrong key")
            page.keyboard.press("Enter")
            page.wait_for_selector("#key-error:not(:empty)")
            page.fill("#key-text", key)
            page.keyboard.press("Enter")
            page.wait_for_selector(".examples img")
            context.close()
            context = chrome.new_context()
            page = context.new_page()
            page.goto(f"{url}#key={key}")
            page.wait_for_selector(".examples img")
            assert "key" not in page.url
            context.close()
    finally:
        del os.environ["SIGHTWORD_API_KEY"]


def test_an_empty_folder_fills_before_the_eyes(chrome: Any, tiny_backbone_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with server(tiny_backbone_dir, tmp_path / "empty", options=("--watch",)) as (url, _):
        page = chrome.new_page()
        page.goto(url)
        page.wait_for_selector("#start:not([hidden])")
        page.wait_for_selector("text=There are no pictures in empty yet")
        make_gallery(tmp_path / "empty")
        page.wait_for_selector(".examples img", timeout=40_000)
        page.close()
