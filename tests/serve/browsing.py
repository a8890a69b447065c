"""Headless Chromium for the tests of the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


def chromium() -> str:
    """Path of the browser; the test is skipped without one."""
    found = (
        os.environ.get("SIGHTWORD_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if not found:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """A running browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium()
    with playwright.sync_playwright() as play:
        running = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@contextmanager
def visit(chrome: Any, home: str, asked: Callable[[str], object] = str) -> Iterator[Any]:
    """The start page in a context of its own; no script on it may fail. `asked` is told every address."""
    context = chrome.new_context(
        viewport={"width": 1200, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: asked(request.url))
    opened.goto(home)
    opened.wait_for_selector(".examples img")
    yield opened
    context.close()
    assert not errors


@contextmanager
def file_chooser(page: Any) -> Iterator[Any]:
    """What the block opens, as `page.expect_file_chooser`.

    Playwright does not wait until the browser intercepts choosers: pressed at once, the key opened an
    unseen one 3 times of 25 on a busy machine. An answer from the page comes after that.
    """
    with page.expect_file_chooser() as chooser:
        page.evaluate("0")
        yield chooser


def settled(page: Any) -> None:
    """Wait until the answer to the question is there."""
    page.wait_for_timeout(80)
    page.wait_for_selector("body:not(.busy)")


def names(page: Any, within: str = "#results") -> list[str]:
    """File names of the results, without their endings."""
    titles = page.locator(f"{within} .hit .open").evaluate_all("all => all.map(each => each.title)")
    return [title.rpartition("/")[2].removesuffix(".png") for title in titles]
