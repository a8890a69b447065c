"""What the cluster index is made of, without a server: patience, names of users, refusals, leases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sightword.errors import IndexCorrupt, IndexMissing, IndexProblem, UsageError
from sightword.index.milvus import lease
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.credentials import read_credentials
from sightword.index.milvus.faults import is_transient, sentence
from sightword.index.milvus.layout import choose, index_parameters, search_parameters
from sightword.index.milvus.retry import Transient, retrying
from sightword.index.milvus.schema import read_manifest

PLAIN = parse_address("milvus://db/x")
TLS = parse_address("milvus+tls://ann@db/x")


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def failing(times: int, clock: Clock, costs: float = 0.0) -> Callable[[], str]:
    left = [times]

    def work() -> str:
        clock.now += costs
        if left[0]:
            left[0] -= 1
            raise Transient
        return "done"

    return work


def test_pauses_double_up_to_a_limit() -> None:
    clock = Clock()
    answer = retrying(failing(8, clock), 60.0, clock=clock, sleep=clock.sleep, uniform=lambda low, high: high)
    assert answer == "done"
    assert clock.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_pauses_are_spread() -> None:
    clock = Clock()
    retrying(failing(3, clock), 60.0, clock=clock, sleep=clock.sleep, uniform=lambda low, high: low)
    assert clock.slept == [0.05, 0.1, 0.2]


def test_patience_ends_with_the_error() -> None:
    clock = Clock()
    with pytest.raises(Transient):
        retrying(failing(99, clock, costs=1.0), 3.0, clock=clock, sleep=clock.sleep)
    assert clock.now <= 4.0
    with pytest.raises(Transient):
        retrying(failing(1, clock), 0.0, clock=clock, sleep=clock.sleep)


def test_other_errors_are_told_at_once() -> None:
    def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        retrying(work, 60.0)


def test_credentials_come_from_the_environment_and_are_not_shown() -> None:
    environ = {"SIGHTWORD_MILVUS_PASSWORD": "s3cret", "SIGHTWORD_MILVUS_TIMEOUT": "2.5"}
    found = read_credentials(TLS, environ)
    assert (found.token, found.timeout) == ("ann:s3cret", 2.5)
    assert found.arguments(TLS) == {"token": "ann:s3cret", "secure": True}
    assert "s3cret" not in repr(found)
    assert read_credentials(PLAIN, {}).arguments(PLAIN) == {"token": ""}
    key = {"SIGHTWORD_MILVUS_TOKEN": "api-key", "SIGHTWORD_MILVUS_USER": "bob"}
    assert read_credentials(TLS, key).token == "api-key"
    bob = {"SIGHTWORD_MILVUS_USER": "bob", "SIGHTWORD_MILVUS_PASSWORD": "x"}
    assert read_credentials(PLAIN, bob).token == "bob:x"


def test_certificates(tmp_path: Path) -> None:
    files = {}
    for name in ("CA", "CERT", "KEY"):
        files[f"SIGHTWORD_MILVUS_{name}"] = str(tmp_path / name)
        (tmp_path / name).write_text("pem")
    password = {"SIGHTWORD_MILVUS_PASSWORD": "x"}
    assert read_credentials(TLS, {**password, **files}).files["client_key_path"] == str(tmp_path / "KEY")
    ca = {"SIGHTWORD_MILVUS_CA": str(tmp_path / "CA")}
    assert read_credentials(TLS, {**password, **ca}).files == {"server_pem_path": str(tmp_path / "CA")}
    del files["SIGHTWORD_MILVUS_KEY"]
    for address, environ in ((TLS, {**password, **files}), (PLAIN, ca)):
        with pytest.raises(UsageError):
            read_credentials(address, environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SIGHTWORD_MILVUS_PASSWORD": "s3cret", "SIGHTWORD_MILVUS_TIMEOUT": "soon"},
        {"SIGHTWORD_MILVUS_PASSWORD": "s3cret", "SIGHTWORD_MILVUS_TIMEOUT": "0"},
        {"SIGHTWORD_MILVUS_PASSWORD": "s3cret", "SIGHTWORD_MILVUS_CA": "/not/there"},
    ],
)
def test_what_does_not_fit_together_is_told(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        read_credentials(TLS, environ)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(UsageError, match="no user"):
        read_credentials(PLAIN, {"SIGHTWORD_MILVUS_PASSWORD": "s3cret"})


class Refusal(Exception):
    """As the client library's: a number and words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Status:
    name = "UNAUTHENTICATED"


class CallFailed(Exception):
    """As the RPC library's: the status is what a method returns."""

    def code(self) -> Status:
        return Status()

    def details(self) -> str:
        return "auth check failure, please check username and password are correct"


@pytest.mark.parametrize(
    ("error", "again", "kind", "words"),
    [
        (Refusal(8, "request rejected by rate limiter"), True, IndexProblem, "does not answer"),
        (Refusal(65535, "fail to search on all shard leaders, err=x"), True, IndexProblem, "does not answer"),
        (Refusal(1100, "invalid parameter: not ready"), False, IndexProblem, "refuses: invalid parameter"),
        (Refusal(100, "collection not found"), False, IndexMissing, "no such collection"),
        (Refusal(65535, "PrivilegeInsert: permission deny"), False, IndexProblem, "does not allow the user"),
        (CallFailed(), False, IndexProblem, "does not let the user 'ann' in"),
        (ValueError("odd\n\x1b[31m" + "x" * 500), False, IndexProblem, "refuses: odd"),
    ],
)
def test_refusals_are_sentences(error: Exception, again: bool, kind: type, words: str) -> None:
    assert is_transient(error) is again
    told = sentence(error, "db:19530", "ann")
    assert type(told) is kind
    assert words in told.message
    assert told.exit_code == 3
    assert len(told.message) < 300 and told.message.isprintable()


def test_the_failed_call_behind_an_error_is_what_counts() -> None:
    outer = Refusal(2, "Fail connecting to server")
    outer.__cause__ = CallFailed()
    assert not is_transient(outer)
    assert "does not let" in sentence(outer, "db:1", "").message
    circle = Refusal(8, "rate limit")
    circle.__cause__ = circle
    assert is_transient(circle)


def test_manifests_that_are_not_ours_are_told() -> None:
    for description in (
        "",
        "a holiday",
        "[]",
        "3",
        '{"sightword": "x"}',
        '{"sightword": 2}',
        '{"sightword": 1}',
    ):
        with pytest.raises(IndexCorrupt):
            read_manifest({"description": description, "fields": []}, PLAIN)
    with pytest.raises(IndexCorrupt, match=r"schema version 2.*Upgrade Sightword"):
        read_manifest({"description": '{"sightword": 2}'}, PLAIN)


def test_the_index_suits_the_number_of_pictures() -> None:
    assert [choose("auto", count) for count in (0, 10**6, 10**6 + 1, 10**8)] == [
        "FLAT",
        "FLAT",
        "HNSW",
        "IVF_SQ8",
    ]
    assert choose("hnsw", 0) == "HNSW"
    assert search_parameters("HNSW", 16384)["ef"] >= 16384
    assert index_parameters("IVF_SQ8", 10**8)["nlist"] == 65536
    assert search_parameters("IVF_SQ8", 42, 65536)["nprobe"] == 4096
    assert search_parameters("IVF_SQ8", 42, 128)["nprobe"] == 64
    assert search_parameters("IVF_SQ8", 42, 32)["nprobe"] == 32
    assert index_parameters("FLAT", 1) == {}


def note(**changes: object) -> str:
    said = {
        "place": lease._place(),
        "host": "h",
        "pid": os.getpid(),
        "since": "now",
        "until": time.time() + 60,
    }
    return json.dumps({**said, **changes})


def test_a_holder_is_alive_until_it_ends_or_its_time_is_over() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert lease._is_alive(note())
    assert not lease._is_alive(note(until=time.time() - 1))
    assert not lease._is_alive(note(pid=child.pid))
    assert lease._is_alive(note(pid=child.pid, place="another machine"))
    assert not lease._is_alive("damaged")
    assert lease._described(note(pid=7)) == "process 7 on h since now"
