"""docs/backbones.md is true: its names, its table of towers and its commands."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import click
import pytest

from sightword.backbones.torch_clip.names import parse_name
from sightword.cli.door import cli

PAGE = (Path(__file__).parents[2] / "docs/backbones.md").read_text(encoding="utf-8")
COMMANDS = [
    line.partition("#")[0].split()[1:]
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("sightword ")
]
NAMES = re.findall(r"`([A-Za-z][\w.-]*/[\w.-]+|hf-hub:[\w./-]+)`", PAGE)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_and_their_options_exist(words: list[str]) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_names_are_told_apart() -> None:
    kinds = {name: source.kind for name in NAMES if (source := parse_name(name))}
    assert kinds == {name: "hub" if name.startswith("hf-hub:") else "tag" for name in NAMES}
    assert len(NAMES) > 5


@pytest.mark.slow
def test_every_model_of_open_clip_is_in_the_table_or_refused() -> None:
    open_clip = pytest.importorskip("open_clip", reason="open_clip is an extra")
    from sightword.backbones.torch_clip.kinds import HF_POOLS, POOLS, refuse_unsupported
    from sightword.errors import ModelUnavailable

    rows = re.findall(r"^\| [^|]+ \| (\w+) \| ([\w ]+) \| ([\w ]+) \| (`.*`) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    tagged = {model for model, _ in open_clip.list_pretrained()} & set(open_clip.list_models())
    seen = 0
    for model in sorted(tagged):
        config = open_clip.get_model_config(model)
        text = config["text_cfg"]
        try:
            refuse_unsupported(model, config)
        except ModelUnavailable:
            assert model.startswith("coca")
            continue
        if text.get("hf_model_name"):
            kind = ("padding", HF_POOLS[text["hf_pooler_type"]])
        else:
            kind = (
                "none" if text.get("no_causal_mask") else "causal",
                POOLS[text.get("pool_type", "argmax")],
            )
        where = {"eot": "end of text", "last": "last position"}.get(kind[1], "mean or first token")
        names = next(globs for mask, pool, _, globs in rows if (mask, pool) == (kind[0], where))
        assert any(fnmatch(model, glob) for glob in re.findall(r"`([^`]+)`", names)), model
        seen += 1
    assert seen > 100
