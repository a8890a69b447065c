"""Answers from a part of the rows are noticed; a clock that is moved by hand says when."""

from __future__ import annotations

from collections.abc import Iterator

from sightword.index.milvus.whole import Whole


class Server:
    """Counts of rows as they are asked for, and a clock that only sleeping moves."""

    def __init__(self, *counts: int) -> None:
        self.counts: Iterator[int] = iter(counts)
        self.asked = 0
        self.now = 1000.0
        self.whole = Whole(self.count, lambda: self.now, self.sleep)

    def count(self) -> int:
        self.asked += 1
        return next(self.counts)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self) -> float:
        """Seconds that a question waited."""
        before = self.now
        assert self.whole.wait() == (self.now > before)
        return self.now - before


def test_while_all_is_calm_the_rows_are_counted_now_and_then() -> None:
    server = Server(1000, 1200)
    for _ in range(50):
        assert server.wait() == 0
        server.now += 1
    assert server.asked == 2


def test_after_a_doubt_an_answer_waits_for_all_rows() -> None:
    server = Server(50_000, 0, 20_000, 49_000, 50_000, 50_000)
    server.wait()
    server.whole.doubt()
    assert server.wait() == 0.75
    assert server.asked == 5
    server.wait()  # still counted before every question
    assert server.asked == 6


def test_a_client_that_noticed_nothing_sees_that_rows_are_missing() -> None:
    server = Server(50_000, 30_000, 30_000, 50_000)
    server.wait()
    server.now += 31
    assert server.wait() == 0.5


def test_rows_that_stay_away_are_believed_to_be_gone() -> None:
    server = Server(50_000, *[30_000] * 1000)
    server.wait()
    server.now += 31
    assert 25 < server.wait() < 35
    asked = server.asked
    assert server.wait() == 0 and server.asked == asked  # calm again


def test_a_few_rows_fewer_are_nothing() -> None:
    server = Server(50_000, 49_600, 150, 60)
    server.wait()
    server.whole.doubt()
    assert server.wait() == 0
    server.whole.forget()  # rows were removed by ourselves
    assert server.wait() == 0
    server.now += 100
    assert server.wait() == 0
