"""Single features of the page in headless Chromium: filters, how many, several references, progress."""

from __future__ import annotations

import colorsys
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gallery import COLOURS, make_gallery, paint

sys.path.insert(0, str(Path(__file__).parent))
from browsing import browser, names, settled
from real import server

pytestmark = pytest.mark.slow


def dated(path: Path, colour: str, taken: str) -> None:
    """A photograph with the date of taking that a camera writes."""
    image = Image.new("RGB", (48, 40), COLOURS[colour])
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = taken
    exif[0x0132] = taken
    image.save(path, "JPEG", exif=exif)


@pytest.fixture(scope="module")
def home(tiny_backbone_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = make_gallery(tmp_path_factory.mktemp("detailed") / "pictures")
    dated(folder / "spring.jpg", "red", "2024:05:17 14:30:00")
    dated(folder / "autumn.jpg", "blue", "2024:10:03 09:00:00")
    paint(folder / "wide.png", "green", (700, 60))
    for number in range(10):  # colours of their own: what looks the same is shown once
        mixed = colorsys.hsv_to_rgb(0.05 + 0.09 * number, 0.5 + 0.05 * number, 0.6)
        Image.new("RGB", (48, 40), tuple(round(255 * part) for part in mixed)).save(folder / f"m{number}.png")
    with server(tiny_backbone_dir, folder) as (url, _):
        yield url


@pytest.fixture
def page(home: str) -> Iterator[Any]:
    with browser() as running:
        opened = running.new_page(viewport={"width": 1200, "height": 800})
        opened.set_default_timeout(20_000)
        opened.goto(home)
        opened.wait_for_selector(".examples img")
        yield opened


def ask(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.keyboard.press("Enter")
    settled(page)
    page.wait_for_selector("#results .hit")


def wait_for_count(page: Any, selector: str, wanted: int = -1, more_than: int | None = None) -> None:
    """The page's policy forbids `wait_for_function`: it evaluates text."""
    deadline, seen = time.monotonic() + 20, -1
    while time.monotonic() < deadline:
        seen = page.locator(selector).count()
        if seen == wanted or (more_than is not None and seen > more_than):
            return
        page.wait_for_timeout(50)
    raise AssertionError((selector, seen))


def found(page: Any) -> set[str]:
    settled(page)
    return {name.removesuffix(".jpg") for name in names(page)}


def test_date_size_kind_and_how_many(page: Any) -> None:
    ask(page, "red")
    page.click("#more summary")
    page.fill("#f-from", "2024-05-01")
    page.keyboard.press("Tab")
    page.wait_for_selector("#filter-count:not([hidden])")
    assert found(page) == {"spring", "autumn"}
    page.fill("#f-until", "2024-05-17")  # the whole day
    page.keyboard.press("Tab")
    wait_for_count(page, "#results .hit", 1)
    assert found(page) == {"spring"}
    page.click("#f-clear")
    page.select_option("#f-width", "640")
    wait_for_count(page, "#results .hit", 1)
    assert found(page) == {"wide"}
    page.click("#f-clear")
    page.select_option("#f-format", "jpeg")
    wait_for_count(page, "#results .hit", 2)
    assert found(page) == {"spring", "autumn"}
    page.click("#f-clear")
    wait_for_count(page, "#results .hit", more_than=12)
    page.select_option("#f-k", "12")
    wait_for_count(page, "#results .hit", 12)
    assert "k=12" in page.url


def test_two_references_and_forward_again(page: Any) -> None:
    ask(page, "red")
    page.locator("#results .open").nth(0).focus()
    page.keyboard.press("r")
    wait_for_count(page, "#references img", 1)
    settled(page)
    page.locator("#results .open").nth(0).click()
    page.click("#viewer [data-do=add]")
    wait_for_count(page, "#references img", 2)
    assert page.locator("#trail li").count() == 3
    page.go_back()
    wait_for_count(page, "#references img", 1)
    page.go_forward()
    wait_for_count(page, "#references img", 2)
    page.locator("#results .open").nth(0).focus()
    page.keyboard.press("n")
    page.wait_for_selector("#without li img")


def test_a_method_that_cannot_answer_says_so_in_its_column(page: Any) -> None:
    ask(page, "red")
    page.click("#compare-toggle")
    page.wait_for_selector(".columns")
    settled(page)
    alone = page.locator(".column[aria-label=image]")
    assert "needs a picture" in alone.inner_text() and alone.locator(".hit").count() == 0
    assert page.locator(".column[aria-label=text] .hit").count() > 3
    assert not page.locator("#banner").is_visible()


def test_progress_while_a_folder_is_read(page: Any, home: str) -> None:
    """The counts of a real answer, as they are in the middle of a refresh."""

    def reading(route: Any) -> None:
        answer = route.fetch()
        told = answer.json()
        told[0]["job"] |= {"state": "running", "done": 1040, "total": 2600, "found": 2600}
        route.fulfill(response=answer, json=told)

    page.route("**/v1/indexes", reading)
    page.reload()
    page.wait_for_selector("#progress:not([hidden])")
    assert "Reading pictures: 1,040 of 2,600" in page.inner_text("#progress-text")
    bar = page.locator("#progress-bar")
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("1040", "2600")
    page.unroute("**/v1/indexes")
    page.wait_for_selector("#progress", state="hidden")
