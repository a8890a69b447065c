"""Templates of addresses: one origin whatever a picture is called, and nothing but http."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightword.errors import UsageError
from sightword.pictures.address import parse_address

GOOD = {
    "https://pictures.example.org/{path}": "https://pictures.example.org",
    "http://127.0.0.1:9000/bucket/{path}?v=1": "http://127.0.0.1:9000",
    "https://[2001:db8::1]/{path}": "https://[2001:db8::1]",
    "https://a.example?file={path}": "https://a.example",
    "HTTPS://A.Example:443/{path}": "https://a.example",
    "http://a.example:80/{path}": "http://a.example",
    "http://a.example:443/{path}": "http://a.example:443",
    "/pictures/{path}": None,
}

BAD = [
    "", "{path}", "pictures/{path}", "https://a.example/", "https://a.example/{path}/{path}",
    "javascript:{path}", "javascript://a.example/%0aalert(1)//{path}", "data:text/html,{path}",
    "file:///{path}", "ftp://a.example/{path}", "blob:https://a.example/{path}", "//evil.example/{path}",
    "/\\evil.example/{path}", "https:{path}", "https:/{path}", "https:///{path}",
    "https://{path}", "https://{path}.example/", "https://a.example{path}", "https://a.example:{path}/",
    "https://user@a.example/{path}", "https://user:secret@a.example/{path}", "https://a.example@evil/{path}",
    "https://a.example/#{path}", "https://a.example/{path}#x", "https://a.example:99999/{path}",
    "https://*/{path}", "https://*.example/{path}", "https://a.example;script-src */{path}",
    "https://a.example script-src/{path}", "https://a.example,b.example/{path}", "https://'self'/{path}",
    "https://bücher.example/{path}", "https://[::1%25eth0]/{path}", "https://[a.example]/{path}",
    "https://-a.example/{path}", "https://a..example/{path}",
    "https://a.example/a b/{path}", 'https://a.example/"onerror={path}', "https://a.example/<{path}>",
    " https://a.example/{path}", "https://a.example/{path}\n", "ht\ntps://a.example/{path}",
    "https://a.example/\\..\\{path}", "https://a.example/{other}/{path}", "https://a.example/\x00{path}",
    "https://a.example/" + "a" * 3000 + "{path}",
]  # fmt: skip


@pytest.mark.parametrize("template", GOOD)
def test_good_templates(template: str) -> None:
    address = parse_address(template)
    assert address.origin == GOOD[template]
    assert address.of(b"a/b.jpg").count("a/b.jpg") == 1


@pytest.mark.parametrize("template", BAD)
def test_hostile_and_mistaken_templates_are_refused(template: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(template)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)


@pytest.mark.parametrize("template", [name for name, origin in GOOD.items() if origin])
@given(path=st.binary(min_size=1, max_size=60))
def test_no_name_leads_elsewhere_and_every_name_comes_back(template: str, path: bytes) -> None:
    address = parse_address(template)
    url = address.of(path)
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == address.origin
    assert url.isascii() and not set(url) & set("\"'<>\\ \n\r\t`{}")
    head, _, tail = address.template.partition("{path}")
    assert unquote_to_bytes(url[len(head) : len(url) - len(tail)]) == path


def test_how_bytes_are_written() -> None:
    address = parse_address("https://a.example/{path}")
    assert address.of(b"caf\xe9 & co/100%.jpg") == "https://a.example/caf%E9%20%26%20co/100%25.jpg"
    assert address.of("été/ß.jpg".encode()) == "https://a.example/%C3%A9t%C3%A9/%C3%9F.jpg"
    assert address.of(b"a?b#c+d=e;f") == "https://a.example/a%3Fb%23c%2Bd%3De%3Bf"
