"""Progress of training: a bar on a terminal, whole lines now and then elsewhere."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from sightword.training import bars
from sightword.training.bars import Bar
from sightword.training.report import Report


class Stream(io.StringIO):
    """A standard error that says it is a terminal, or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(bars, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


def pipe(monkeypatch: pytest.MonkeyPatch, *, terminal: bool = False) -> Stream:
    stream = Stream(terminal)
    monkeypatch.setattr(bars.sys, "stderr", stream)
    return stream


def test_a_pipe_gets_a_line_every_half_minute_and_one_at_the_end(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    stream = pipe(monkeypatch)
    report = Report(3000, 1000, 8)
    for step in range(1000, 3000):
        clock.now += 1 / 16
        report.step(step, 2.0 - step / 3000, 1e-3)
    report.close()
    lines = stream.getvalue().splitlines()
    assert "\r" not in stream.getvalue() and len(lines) == 5
    assert lines[0] == "sightword: train: 1,480 of 3,000 steps, loss 1.5070, 128 rows/s, about 2 min left"
    assert lines[2].startswith("sightword: train: 2,440 of 3,000 steps") and "less than a minute" in lines[2]
    assert lines[4].startswith("sightword: train: 3,000 of 3,000 steps") and "left" not in lines[4]


def test_short_work_says_nothing(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    stream = pipe(monkeypatch)
    counted = []
    for item in Bar("captions", "caption").over(range(5)):
        clock.now += 5
        counted.append(item)
    with Bar("pictures", "picture", 10, show=False) as bar:
        clock.now += 500
        bar.reach(10)
    assert counted == list(range(5)) and stream.getvalue() == ""


def test_a_stage_without_a_known_end(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    stream = pipe(monkeypatch)
    for _ in Bar("captions", "caption").over(range(3)):
        clock.now += 20
    assert stream.getvalue().splitlines() == [
        "sightword: captions: 2 captions",
        "sightword: captions: 3 captions",
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "QUIET_SECONDS", 0.0)
    stream = pipe(monkeypatch, terminal=True)
    report = Report(4, 0, 8)
    for step in range(4):
        report.step(step, 0.5, 1e-3)
    report.close()
    assert "train: 100%" in stream.getvalue() and "loss 0.5000" in stream.getvalue()
    assert "sightword:" not in stream.getvalue()
