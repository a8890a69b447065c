"""The progress bar keeps quiet for two seconds and off pipes; Ctrl-C is counted."""

from __future__ import annotations

import io
import signal
import time
from types import SimpleNamespace

import pytest

from sightword.cli import progress
from sightword.cli.progress import Bar, Interruptible


class Terminal(io.StringIO):
    """A standard error that says it is a terminal, or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(
    monkeypatch: pytest.MonkeyPatch, seconds: list[float], terminal: bool = True, already: int = 0
) -> str:
    """What a bar writes when pictures are done at these times."""
    now = iter([0.0, *(second for second in seconds for _ in range(3))])
    last = [0.0]

    def clock() -> float:
        last[0] = next(now, last[0])
        return last[0]

    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=clock))
    stream = Terminal(terminal)
    monkeypatch.setattr(progress.sys, "stderr", stream)
    with Bar() as bar:
        bar.description("reading pictures")
        bar.already(already)
        bar.total(100)
        for _ in seconds:
            bar.advance(10)
    return stream.getvalue()


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, [0.5, 0.9]) == ""


def test_long_work_shows_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, [2.5, 3.0, 4.0])
    assert "reading pictures" in text
    assert "/100" in text
    assert "pictures/s" in text


def test_a_resumed_folder_starts_from_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, [2.5, 3.0], already=900)
    assert "90%" in text and "900/1000" in text


def test_another_piece_of_work_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    stream = Terminal(True)
    monkeypatch.setattr(progress.sys, "stderr", stream)
    with Bar("items") as bar:
        for what, count in (("reading pictures", 40), ("asking average", 70)):
            bar.description(what)
            bar.total(count)
            for _ in range(count):
                bar.advance()
            assert (bar._bar.n, bar._bar.total) == (count, count)
    assert "40/70" not in stream.getvalue()


def test_what_was_there_belongs_to_one_piece_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed table with pictures inside: features are made from 900 on, then all 1,000 are brought in."""
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(progress.sys, "stderr", Terminal(True))
    with Bar() as bar:
        bar.already(900)
        bar.total(100)
        bar.advance(100)
        assert (bar._bar.initial, bar._bar.n, bar._bar.total) == (900, 1000, 1000)
        bar.total(1000)
        bar.advance(400)
        assert (bar._bar.initial, bar._bar.n, bar._bar.total) == (0, 400, 1000)


def test_a_slow_start_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is done yet: a slow walk or a model that is loading must not look like hanging."""
    monkeypatch.setattr(progress, "SPEAK_SECONDS", 0.01)
    stream = Terminal(True)
    monkeypatch.setattr(progress.sys, "stderr", stream)
    deadline = time.monotonic() + 10
    with Bar() as bar:
        bar.description("looking for changes in holiday")
        bar.found(12_000)
        while "12,000 so far" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "looking for changes in holiday, 12,000 so far ..." in stream.getvalue()
    assert stream.getvalue().endswith(" \r")  # and nothing of it stays


def test_a_pipe_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, [2.5, 3.0, 4.0], terminal=False) == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_asks_and_the_second_ends(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    with Interruptible("Stopping.") as stop:
        assert not stop.event.is_set()
        signal.raise_signal(number)
        assert stop.event.is_set()
        assert "sightword: Stopping." in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
