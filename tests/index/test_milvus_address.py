"""Addresses of indexes on a cluster: read exactly, and never with a secret in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightword.errors import UsageError
from sightword.index.milvus.address import Address, Layout, is_address, parse_address
from sightword.index.opening import as_place


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("milvus://db.example/holiday", Address("db.example", 19530, "holiday")),
        ("milvus://127.0.0.1:1/h_1/", Address("127.0.0.1", 1, "h_1")),
        ("milvus+tls://ann@db:443/team/pics", Address("db", 443, "pics", "team", "ann", True)),
        ("MILVUS://[::1]:7/x", Address("::1", 7, "x")),
        (
            "milvus://db/x?index=hnsw&shards=4&replicas=2&consistency=strong",
            Address("db", 19530, "x", layout=Layout("hnsw", 4, 2, "strong")),
        ),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert is_address(text)
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "milvus://", "milvus://db", "milvus://db/", "milvus:///x", "milvus://db/1x", "milvus://db/a/b/c",
        "milvus://db/x y", "milvus://db/x;y", "milvus://db:0/x", "milvus://db:99999/x", "milvus://db:z/x",
        "milvus://db/x#y", "milvus://d b/x", "milvus://a b@db/x", "milvus://[::1/x", "milvus://db/x?index=best",
        "milvus://db/x?shards=0", "milvus://db/x?shards=", "milvus://db/x?shards=-1", "milvus://db/x?k=3",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


def test_a_password_is_refused_and_not_repeated() -> None:
    for text in ("milvus://ann:s3cret@db/x", "milvus://ann:s3cret@db", "milvus://:s3cret@db/x?y=1"):
        with pytest.raises(UsageError) as caught:
            parse_address(text)
        assert "s3cret" not in str(caught.value)
        assert "SIGHTWORD_MILVUS_PASSWORD" in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    try:
        address = parse_address("milvus://" + text)
    except UsageError:
        return
    assert parse_address(str(address)) == address


def test_paths_stay_paths() -> None:
    assert as_place("milvus/x") == Path("milvus/x")
    assert as_place(Path("x")) == Path("x")
    assert isinstance(as_place("milvus://db/x"), Address)
