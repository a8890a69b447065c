"""Who may ask: every way in which a page elsewhere could reach the pictures is closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving import HOME, TestClient, id_of

EVIL = "http://evil.example"
KEY = "correct horse battery"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "127.0.0.1:1", "127.0.0.1", "localhost.evil.example:8765",
     "user@127.0.0.1:8765", "", "127.0.0.1:8765/x", "10.0.0.1:8765", "127.0.0.1:eight"],
)  # fmt: skip
def test_a_rebound_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/v1/indexes", headers={"host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"])
def test_our_own_names_are_fine(client: TestClient, host: str) -> None:
    assert client.get("/v1/indexes", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


def test_two_hosts_are_refused(client: TestClient) -> None:
    headers = [("host", "127.0.0.1:8765"), ("host", "evil.example")]
    assert client.get("/healthz", headers=headers).status_code == 421


@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", "http://127.0.0.1:1", "http://localhost:8765", "file://", "http://127.0.0.1:8765/x",
     "http://[::1"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/search", "/v1/embed", "/v1/indexes/pictures/refresh", "/v1/session"])
def test_another_site_cannot_post(client: TestClient, path: str, origin: str) -> None:
    assert client.post(path, json={"text": "red"}, headers={"origin": origin}).status_code == 403


def test_a_post_must_say_where_it_comes_from(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, origin=False)
    answer = client.post("/v1/search", json={"text": "red"})
    assert answer.status_code == 403
    assert "Origin" in answer.json()["hint"]
    assert client.post("/v1/search", json={"text": "red"}, headers={"origin": HOME}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_fetches_of_other_sites_are_refused(client: TestClient, site: str) -> None:
    embedded = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert client.get(f"/v1/images/{id_of(client, 'red.png')}/thumb", headers=embedded).status_code == 403
    assert client.get("/", headers=embedded).status_code == 403
    # A link on another site may open the page itself, and nothing else.
    opened = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    del client.headers["origin"]
    try:
        assert client.get("/", headers=opened).status_code == 200
        assert client.get("/v1/images/pictures.1", headers=opened).status_code == 403
    finally:
        client.headers["origin"] = HOME


def test_no_cors(client: TestClient) -> None:
    headers = {"origin": EVIL, "access-control-request-method": "POST"}
    assert client.options("/v1/search", headers=headers).status_code == 403
    for answer in (client.get("/v1/indexes"), client.options("/v1/search", headers=headers)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/v1/indexes", "/nowhere", "/v1/images/pictures.1/thumb"])
def test_headers_on_every_answer(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    refused = client.get(path, headers={"host": "evil.example"}).headers
    assert refused["content-security-policy"] and refused["cache-control"] == "no-store"


def test_the_policy_allows_our_own_files_and_nothing_else(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    rules = {name: set(values) for name, *values in (rule.split() for rule in policy.split(";"))}
    assert rules == {
        "default-src": {"'none'"},
        "script-src": {"'self'"},
        "style-src": {"'self'"},
        "img-src": {"'self'", "blob:", "data:"},
        "connect-src": {"'self'"},
        "manifest-src": {"'self'"},
        "base-uri": {"'none'"},
        "form-action": {"'none'"},
        "frame-ancestors": {"'none'"},
    }
    # What a picture's file may be besides a picture runs nothing.
    boxed = client.get("/v1/images/pictures.1").headers["content-security-policy"]
    assert boxed == "default-src 'none'; sandbox"


def test_headers_on_our_own_mistakes_too(
    serve: Callable[..., TestClient], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **named: Any) -> Any:
        raise RuntimeError(f"{folder} must not be told")

    monkeypatch.setattr("sightword.serve.routes_ask.answer", broken)
    answer = serve(folder).post("/v1/search", json={"text": "red"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(folder) not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (
        "no-store",
        "nosniff",
    )


class TestKey:
    @pytest.fixture
    def locked(self, serve: Callable[..., TestClient], folder: Path) -> TestClient:
        return serve(folder, api_key=KEY, origin=False, wrong_keys=3)

    @pytest.mark.parametrize("path", ["/v1/indexes", "/v1/images/pictures.1", "/metrics", "/docs"])
    def test_everything_needs_it(self, locked: TestClient, path: str) -> None:
        answer = locked.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert locked.get(path, headers={"authorization": f"Bearer {KEY}"}).status_code == 200

    def test_the_page_and_health_do_not(self, locked: TestClient) -> None:
        for path in ("/", "/assets/main.js", "/healthz", "/readyz"):
            assert locked.get(path).status_code == 200

    def test_it_replaces_the_origin(self, locked: TestClient) -> None:
        answer = locked.post("/v1/search", json={"text": "red"}, headers={"x-api-key": KEY})
        assert answer.status_code == 200
        evil = {"x-api-key": KEY, "origin": EVIL}
        assert locked.post("/v1/search", json={"text": "red"}, headers=evil).status_code == 403

    def test_a_browser_gets_a_cookie(self, locked: TestClient) -> None:
        own = {"origin": HOME}
        assert locked.post("/v1/session", json={"key": "wrong wrong"}, headers=own).status_code == 401
        answer = locked.post("/v1/session", json={"key": KEY}, headers=own)
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie and KEY not in cookie
        assert locked.get("/v1/indexes").status_code == 200
        assert locked.post("/v1/search", json={"text": "red"}, headers=own).status_code == 200
        # The cookie alone is what a foreign page would send.
        assert locked.post("/v1/search", json={"text": "red"}).status_code == 403
        locked.cookies.clear()
        assert locked.get("/v1/indexes", headers={"cookie": "sightword_session=guess"}).status_code == 401

    def test_guessing_is_slow(self, locked: TestClient) -> None:
        wrong = [locked.get("/v1/indexes", headers={"x-api-key": f"guess {n}"}).status_code for n in range(5)]
        assert wrong == [401, 401, 401, 429, 429]

    def test_the_right_key_opens_after_wrong_ones(self, locked: TestClient) -> None:
        for n in range(12):
            locked.get("/v1/indexes", headers={"x-api-key": f"guess {n}"})
        assert locked.get("/v1/indexes", headers={"x-api-key": "once more"}).status_code == 429
        assert locked.get("/v1/indexes", headers={"x-api-key": KEY}).status_code == 200
        own = {"origin": HOME}
        assert locked.post("/v1/session", json={"key": "wrong wrong"}, headers=own).status_code == 429
        assert locked.post("/v1/session", json={"key": KEY}, headers=own).status_code == 204

    def test_keys_are_compared_in_constant_time(
        self, locked: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from sightword.serve import security

        seen: list[tuple[bytes, bytes]] = []

        def compare(given: bytes, right: bytes) -> bool:
            seen.append((given, right))
            return given == right

        monkeypatch.setattr(security.hmac, "compare_digest", compare)
        locked.get("/v1/indexes", headers={"x-api-key": "x"})
        locked.get("/v1/indexes", headers={"x-api-key": KEY})
        assert len(seen) == 2 and {len(item) for pair in seen for item in pair} == {32}


def test_beyond_this_machine_addresses_pass_and_names_do_not(serve: Callable[..., Any], folder: Path) -> None:
    client = serve(folder, host="0.0.0.0", api_key=KEY, allowed_hosts=("Photos.Example",), origin=False)
    known = {"x-api-key": KEY}
    assert client.get("/v1/indexes", headers={**known, "host": "192.168.1.7:8765"}).status_code == 200
    assert client.get("/v1/indexes", headers={**known, "host": "photos.example"}).status_code == 200
    assert client.get("/v1/indexes", headers={**known, "host": "evil.example:8765"}).status_code == 421
    # Where the pictures lie on that machine is nobody's business.
    told = client.get("/v1/indexes", headers={**known, "host": "192.168.1.7:8765"}).json()
    assert told[0]["folder"] is None and str(folder) not in str(told)


def test_too_many_requests(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder, rate=1, burst=5)
    answers = [client.get("/healthz") for _ in range(8)]
    assert [answer.status_code for answer in answers][:5] == [200] * 5
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) >= 1
