"""Wrong values of options are told in words."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from sightword.cli.mistakes import sentence_of


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (click.IntRange(1, 10_000), "abc", "--size takes a whole number from 1 to 10,000, not 'abc'."),
        (click.IntRange(1, 10_000), "0", "--size takes a whole number from 1 to 10,000, not 0."),
        (click.IntRange(min=1), "-3", "--size takes a whole number of at least 1, not -3."),
        (click.FloatRange(0, 1), "2", "--size takes a number from 0 to 1, not 2."),
        (click.FloatRange(min=0, min_open=True), "0", "--size takes a number above 0, not 0."),
        (
            click.FloatRange(0, 1, max_open=True),
            "1",
            "--size takes a number of at least 0 and below 1, not 1.",
        ),
        (click.FloatRange(max=2), "2.5", "--size takes a number of at most 2, not 2.5."),
        (int, "1.5", "--size takes a whole number, not '1.5'."),
        (float, "x", "--size takes a number, not 'x'."),
        (click.Choice(["f32", "bf16"]), "f16", "--size takes f32 or bf16, not 'f16'."),
        (click.Choice(["a", "b", "c"]), "d", "--size takes a, b or c, not 'd'."),
        (click.Path(exists=True), "/no/such", "There is no file or folder '/no/such' (--size)."),
        (click.Path(exists=True, dir_okay=False), "/no/such", "There is no file '/no/such' (--size)."),
        (click.Path(exists=True, dir_okay=False), "/", "'/' is a folder, not a file (--size)."),
        (click.Path(exists=True, file_okay=False), "/no/such", "There is no folder '/no/such' (--size)."),
        (
            click.Path(exists=True, file_okay=False),
            __file__,
            f"{__file__!r} is a file, not a folder (--size).",
        ),
    ],
)
def test_a_wrong_value_is_a_sentence(kind: object, value: str, sentence: str) -> None:
    @click.command()
    @click.option("-s", "--size", type=kind)
    def command(size: object) -> None:
        raise AssertionError(size)

    result = CliRunner().invoke(command, ["--size", value], standalone_mode=False)
    assert isinstance(result.exception, click.ClickException)
    assert sentence_of(result.exception) in (sentence, f"--size {sentence}")
