"""Pictures that are kept elsewhere: told, allowed for the page, and never fetched by the server."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serving import png

TEMPLATE = "https://pictures.example.org/holiday/{path}?v=1"
Serve = Callable[..., TestClient]


@dataclass
class Elsewhere:
    """An object store on another port; `asked` has who came for what."""

    origin: str
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    store = Elsewhere("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            store.asked.append((self.path, self.headers.get("User-Agent", "")))
            data = png("red")
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield store
    server.shutdown()
    thread.join()
    server.server_close()


def images_of(client: TestClient) -> str:
    policy = client.get("/").headers["content-security-policy"]
    return next(part.strip() for part in policy.split(";") if part.strip().startswith("img-src"))


def test_every_picture_says_where_it_is(serve: Serve, folder: Path) -> None:
    (folder / "deep" / "r\xe9d & blue?.png").parent.mkdir(exist_ok=True)
    (folder / "deep" / "r\xe9d & blue?.png").write_bytes(png("red"))
    client = serve(folder, pictures=TEMPLATE)
    answer = client.post("/v1/search", json={"text": "red", "k": 50, "fold": False}).json()
    hits = answer["results"][0]["hits"]
    urls = {hit["path"]: hit["url"] for hit in hits}
    assert urls["red.png"] == "https://pictures.example.org/holiday/red.png?v=1"
    assert urls["deep/r\xe9d & blue?.png"].endswith("/holiday/deep/r%C3%A9d%20%26%20blue%3F.png?v=1")
    assert client.get(f"/v1/images/{hits[0]['id']}/meta").json()["url"] == hits[0]["url"]
    sample = client.get(f"/v1/indexes/{answer['index']}/sample?k=3").json()["pictures"]
    assert all(item["url"] == urls[item["path"]] for item in sample)


def test_the_page_may_show_that_origin_and_no_other(serve: Serve, folder: Path, client: TestClient) -> None:
    with_template = serve(folder, pictures=TEMPLATE)
    assert images_of(with_template) == "img-src 'self' blob: data: https://pictures.example.org"
    assert images_of(client) == "img-src 'self' blob: data:"
    # Nothing else is loosened.
    loosened = with_template.get("/").headers["content-security-policy"]
    assert (
        loosened.replace(" https://pictures.example.org", "")
        == client.get("/").headers["content-security-policy"]
    )


def test_a_path_on_the_same_server_needs_no_permission(serve: Serve, folder: Path) -> None:
    client = serve(folder, pictures="/pictures/{path}")
    hit = client.post("/v1/search", json={"text": "red", "k": 1}).json()["results"][0]["hits"][0]
    assert hit["url"] == f"/pictures/{hit['path']}"
    assert images_of(client) == "img-src 'self' blob: data:"


def test_without_a_template_nothing_is_said(client: TestClient) -> None:
    hit = client.post("/v1/search", json={"text": "red", "k": 1}).json()["results"][0]["hits"][0]
    assert hit["url"] is None


def test_the_server_fetches_nothing(serve: Serve, folder: Path, elsewhere: Elsewhere) -> None:
    client = serve(folder, pictures=elsewhere.origin + "/{path}")
    hit = client.post("/v1/search", json={"text": "red", "k": 1}).json()["results"][0]["hits"][0]
    (folder / hit["path"]).unlink()
    for address in ("", "/thumb", "/meta"):
        answer = client.get(f"/v1/images/{hit['id']}{address}")
        assert answer.status_code == (200 if address == "/meta" else 404)
        assert address == "/meta" or hit["url"] in answer.json()["hint"]
    client.post("/v1/search", json={"images": [hit["id"]], "text": "blue"})
    assert elsewhere.asked == []


@pytest.mark.filterwarnings("ignore::sightword.backbones.tokenize.PromptTruncated")
def test_addresses_in_questions_are_not_fetched(client: TestClient, elsewhere: Elsewhere) -> None:
    """Wherever an address stands in a request, nobody comes for it."""
    address = f"{elsewhere.origin}/x.png"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{address}"/></svg>'.encode()
    page = f'<!doctype html><img src="{address}">'.encode()
    playlist = f"#EXTM3U\n{address}\n".encode()
    asked = [
        client.post("/v1/search", json={"images": [address]}),
        client.post("/v1/search", json={"text": "red", "without_images": [address]}),
        client.post("/v1/search", data={"image": address}, files=[("image", png("red"))]),
        client.post("/v1/embed", json={"images": [address]}),
        *(client.post("/v1/search", files=[("image", data)]) for data in (svg, page, playlist)),
    ]
    assert [answer.status_code for answer in asked] == [422] * len(asked)
    # As words an address is only words.
    for body in ({"text": address}, {"text": "red", "without": [address]}, {"text": address, "k": 1}):
        assert client.post("/v1/search", json=body).status_code == 200
    assert elsewhere.asked == []
    store = http.client.HTTPConnection(elsewhere.origin.partition("//")[2])
    store.request("GET", "/x.png")  # it would have been noticed
    assert store.getresponse().read()
    store.close()
    assert [path for path, _ in elsewhere.asked] == ["/x.png"]


@pytest.mark.slow
def test_the_page_shows_pictures_from_elsewhere(
    tiny_backbone_dir: Path, folder: Path, elsewhere: Elsewhere
) -> None:
    from browsing import browser, settled
    from real import server

    options = ("--pictures", elsewhere.origin + "/kept/{path}")
    with server(tiny_backbone_dir, folder, options=options) as (url, _), browser() as running:
        page = running.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        page.goto(url)
        page.fill("#text", "red")
        page.keyboard.press("Enter")
        page.wait_for_selector("#results .hit img")
        settled(page)
        page.wait_for_function(
            "() => [...document.querySelectorAll('#results .hit img')].some(each => each.naturalWidth > 0)"
        )
        sources = page.locator("#results .hit img").evaluate_all("all => all.map(each => each.src)")
        assert all(source.startswith(f"{elsewhere.origin}/kept/") for source in sources)
        page.locator("#results .hit .open").first.click()
        link = page.locator("#viewer-download")
        assert link.get_attribute("href") == sources[0]
        assert refused == []
    assert elsewhere.asked and all("Chrome" in agent for _, agent in elsewhere.asked)
