"""Addresses of indexes on a cluster: read exactly, and never with a secret in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightword.errors import UsageError
from sightword.index.milvus.address import Address, Layout, is_address, parse_address, refuse_half
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


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1:19530/holiday", "milvus://127.0.0.1:19530/holiday"),
        ("db.example.org:19530/team/holiday", "milvus://db.example.org:19530/team/holiday"),
        ("milvus:19530/holiday", "milvus://milvus:19530/holiday"),
        ("[::1]:19530/x", "'milvus://[::1]:19530/x'"),
        ("localhost:19530", "milvus://localhost:19530/COLLECTION"),
        ("ann:s3cret@db:1/x", "milvus://db:1/x"),
        ("http://db:19530/x", "milvus://db:19530/x"),
        ("https://ann@db/x?replicas=2", "'milvus+tls://db/x?replicas=2'"),
        ("https://host:443?token=s3cret", "milvus+tls://host:443/COLLECTION"),
        ("https://host:443/x?token=s3cret&replicas=2", "milvus+tls://host:443/x"),
        ("https://host:443/x?index=s3cret", "milvus+tls://host:443/x"),
        ("https://host:443/x#s3cret", "milvus+tls://host:443/x"),
        ("https://host:443?token=a@s3cret", "milvus+tls://HOST/COLLECTION"),
        ("https://ann:s3?s3cret@host/x", "milvus+tls://HOST/COLLECTION"),
        ("db:443/x?token=s3cret", "milvus://db:443/x"),
        ("milvus:/db/x", "milvus://db/x"),
        ("MILVUS+TLS:/db/x", "milvus+tls://db/x"),
        ("mivlus://db/x", None),
        ("milvs://db/x", "milvus://db/x"),
        ("s3://bucket/x", None),
    ],
)
def test_half_an_address_is_no_path(text: str, meant: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_half(text, "sightword index push holiday {}")
    assert "s3cret" not in str(caught.value)
    hint = caught.value.hint or ""
    if meant is None:
        assert "Name a directory, or milvus://" in hint
    else:
        assert hint.partition(" (")[0] == f"Write: sightword index push holiday {meant}"
    with pytest.raises(UsageError):
        as_place(text)


def test_what_may_be_a_path_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "db:19530").mkdir()
    for text in (
        "holiday", "./db:1/x", "/srv/db:1/x", "a:b/c", "C:/pictures", "db:123456/x", "db:19530", "milvus://db/x",
        "photos: 2024/x", "db:1x/y", "a/b:1/c",
    ):  # fmt: skip
        refuse_half(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("milvus://db:1", "Write milvus://db:1/COLLECTION."),
        ("milvus+tls://ann@db/", "Write milvus+tls://ann@db/COLLECTION."),
        ("milvus://db/holiday-2024", "Write milvus://db/holiday_2024, for instance."),
        ("milvus://db/2024", "Write milvus://db/_2024, for instance."),
        ("milvus://db/my team/%C3%A4", "Write milvus://db/my_team/COLLECTION, for instance."),
        ("milvus://db/a/b/c", "Write milvus://db/COLLECTION or milvus://db/DATABASE/COLLECTION."),
    ],
)
def test_a_bad_name_is_told_with_a_good_one(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert caught.value.hint == hint
    for sentence in (caught.value.message, hint):
        assert sentence.endswith(".") and ": It is" not in sentence


def test_strangers_see_no_user() -> None:
    address = parse_address("milvus+tls://ann@db/team/x?replicas=2")
    assert address.public == "milvus+tls://db:19530/team/x"
    assert address.plain == "milvus+tls://ann@db:19530/team/x"


def test_paths_stay_paths() -> None:
    assert as_place("milvus/x") == Path("milvus/x")
    assert as_place(Path("x")) == Path("x")
    assert isinstance(as_place("milvus://db/x"), Address)
