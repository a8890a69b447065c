"""Take the pictures of the page for the documentation: a real server on examples/pictures, real answers.

    python recipes/screenshots.py [--out docs] [--chromium /usr/bin/chromium] [--folder examples/pictures]

Needs `playwright` and a Chromium. Pages: the start, an answer, steps, comparing, explaining, the large view,
and a phone; light and dark.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
QUERY = ROOT / "examples/query.png"
STILL = {"reduced_motion": "reduce"}


def main() -> None:
    """Start a server, visit it, save what is seen."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--folder", type=Path, default=ROOT / "examples/pictures")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with server(options.folder) as url, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            visit(browser, url, options.out, scheme)
        browser.close()


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of a server whose index is complete."""
    with tempfile.TemporaryDirectory() as home:
        index = Path(home) / "index"
        program = [sys.executable, "-m", "sightword"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        subprocess.run([*program, "index", str(folder), "--index", str(index)], check=True, env=environ)
        command = [*program, "serve", str(folder), "--index", str(index), "--port", "0", "--no-update"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.terminate()


def visit(browser: Any, url: str, out: Path, scheme: str) -> None:
    """All pictures in one colour scheme."""
    suffix = "" if scheme == "light" else "-dark"
    page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme=scheme, **STILL)
    page.goto(url)
    page.wait_for_selector(".examples img")
    loaded(page, ".examples img")
    if scheme == "light":
        save(page, out / "page-start.png")
    page.set_input_files("#file", QUERY)
    page.fill("#text", "as a line drawing")
    page.keyboard.press("Enter")
    answered(page)
    save(page, out / f"page{suffix}.png")
    if scheme == "dark":
        page.close()
        return
    page.locator(".hit").nth(3).hover()
    page.locator(".hit").nth(3).get_by_label("Use as reference").click()
    answered(page)
    page.fill("#text", "as a painting")
    page.keyboard.press("Enter")
    answered(page)
    page.click("#explain-toggle")
    page.wait_for_selector(".wordlist li", timeout=60_000)
    save(page, out / "page-explain.png")
    page.click("#explain-toggle")
    page.click("#compare-toggle")
    page.wait_for_selector(".column .hit")
    answered(page)
    save(page, out / "page-compare.png")
    page.click("#compare-toggle")
    answered(page)
    page.locator(".hit .open").first.click()
    page.wait_for_timeout(1500)
    save(page, out / "page-view.png")
    page.close()
    phone = browser.new_page(
        viewport={"width": 390, "height": 780}, device_scale_factor=2, has_touch=True, **STILL
    )
    phone.goto(url)
    phone.set_input_files("#file", QUERY)
    phone.fill("#text", "as a line drawing")
    phone.keyboard.press("Enter")
    answered(phone)
    save(phone, out / "page-phone.png")
    phone.close()


def answered(page: Any) -> None:
    """Wait for an answer and its pictures."""
    page.wait_for_timeout(150)
    page.wait_for_selector("body:not(.busy) .hit")
    loaded(page, ".hit img")


def loaded(page: Any, images: str) -> None:
    """Wait for all pictures that are on the screen."""
    seen = "each => each.getBoundingClientRect().top > innerHeight || (each.complete && each.naturalWidth)"
    # `wait_for_function` would need eval, which the page forbids.
    while not page.evaluate(f"[...document.querySelectorAll({images!r})].every({seen})"):
        page.wait_for_timeout(100)
    page.wait_for_timeout(400)


def save(page: Any, path: Path) -> None:
    """What is seen, with few colours: these files are in the repository."""
    from PIL import Image

    page.screenshot(path=path)
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(224, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
