"""A page of another site, in a real browser, gets nothing of the pictures on this machine."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gallery import make_gallery

sys.path.insert(0, str(Path(__file__).parent))
from browsing import browser
from real import server

from sightword.client import Client

pytestmark = pytest.mark.slow

TRIES = """async (home) => {
  const tried = {};
  const attempt = async (name, work) => {
    try { tried[name] = await work(); } catch { tried[name] = "failed"; }
  };
  const load = (tag, path) => new Promise((resolve) => {
    const node = document.createElement(tag);
    node.onload = () => resolve("loaded");
    node.onerror = () => resolve("failed");
    node.src = home + path;
    document.body.append(node);
  });
  const form = new FormData();
  form.append("text", "red");
  const json = {method: "POST", body: '{"text": "red"}', headers: {"content-type": "application/json"}};
  const blind = {method: "POST", mode: "no-cors", body: form};
  await attempt("thumbnail", () => load("img", "v1/images/pictures.1/thumb"));
  await attempt("picture", () => load("img", "v1/images/pictures.1"));
  await attempt("script", () => load("script", "assets/main.js"));
  await attempt("read", async () => (await fetch(home + "v1/indexes")).text());
  await attempt("post", async () => (await fetch(home + "v1/search", json)).text());
  await attempt("blind", async () => (await fetch(home + "v1/search", blind)).type);
  await Promise.race([load("iframe", ""), new Promise((resolve) => setTimeout(resolve, 2000))]);
  return tried;
}"""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A web site on another port: to browsers the same site, but another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><p>Hello.")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_address[1]}/"
        site.shutdown()


def test_a_foreign_page_gets_nothing(tiny_backbone_dir: Path, tmp_path: Path, elsewhere: str) -> None:
    folder = make_gallery(tmp_path / "pictures")
    with server(tiny_backbone_dir, folder) as (url, _), browser() as chrome:
        page = chrome.new_page()
        for origin in (elsewhere, elsewhere.replace("127.0.0.1", "localhost")):
            page.goto(origin)
            tried = page.evaluate(TRIES, url)
            assert tried["thumbnail"] == tried["picture"] == "failed"
            assert tried["read"] == tried["post"] == tried["script"] == "failed"
            assert tried["blind"] in ("opaque", "failed")
            for _ in range(100):  # a busy browser takes its time to put the error into the frame
                if all(frame.url for frame in page.frames[1:]):
                    break
                page.wait_for_timeout(50)
            assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]
        with Client(url) as client:
            told = client._ask("GET", "/metrics").decode()
        # Not even the blind question was asked of the pictures.
        assert "sightword_search_seconds_count 0.0" in told
        assert 'sightword_rejected_requests_total{reason="site"}' in told
