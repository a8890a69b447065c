"""Help states bounds in words."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from sightword.cli.door import cli
from sightword.cli.ranges import FloatRange, IntRange
from sightword.cli.settings import commands


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (IntRange(1, 10_000), "1 to 10,000"),
        (IntRange(min=1), "1 or more"),
        (FloatRange(0, 1), "0 to 1"),
        (FloatRange(0, 1, max_open=True), "0 to below 1"),
        (FloatRange(min=0, min_open=True), "above 0"),
        (FloatRange(0, 1, min_open=True), "above 0, at most 1"),
        (FloatRange(max=2), "at most 2"),
        (FloatRange(max=2, max_open=True), "below 2"),
    ],
)
def test_bounds_in_words(kind: click.ParamType, words: str) -> None:  # type: ignore[type-arg]
    @click.command()
    @click.option("--size", type=kind, help="How much.")
    def command(size: object) -> None: ...

    text = CliRunner().invoke(command, ["--help"]).output
    assert f"[{words}]" in text and "RANGE" not in text


def test_no_help_has_clicks_signs() -> None:
    for name, _ in commands():
        text = help_of(name)
        assert "Usage:" in text
        assert not re.search(r"\bx[<>]|[<>]=?x\b|RANGE", text), name
    assert "[default: 10; 1 to 10,000]" in help_of("search")


def help_of(name: str) -> str:
    return " ".join(CliRunner().invoke(cli, [*name.split(), "--help"]).output.split())
