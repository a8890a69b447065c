"""Rows of ids: storage, truncation, several places a slot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.backbones.tokenize import GAP
from sightword.methods.token_rows import Rows, RowsWriter, prompt_ids, widen
from sightword.prompts import parse_prompt
from tiny import CONTEXT

LONG = "{*} and {*} " + " ".join(["cat"] * 30)


def test_round_trip(tmp_path: Path) -> None:
    writer = RowsWriter()
    rows = [[2, 5, GAP, 3], [2, 3], list(range(9))]
    for row in rows:
        writer.add(row)
    writer.rows().save(tmp_path, "whole")
    read = Rows.load(tmp_path, "whole")
    assert [read[i].tolist() for i in range(3)] == rows
    assert read.lengths().tolist() == [4, 2, 9]


@pytest.mark.parametrize("prompt", ["a photo of {*}, red", "{*} and {*}", "a cat", '("{*}")'])
def test_ids_are_those_of_searching(tiny_backbone: OpenVINOBackbone, prompt: str) -> None:
    parsed = parse_prompt(prompt)
    ids, whole = prompt_ids(parsed, tiny_backbone.tokenizer, tiny_backbone.spec)
    assert whole
    expected = tiny_backbone.tokenizer.encode(parsed, [1] * parsed.slots).ids
    assert ids == expected
    wide = tiny_backbone.tokenizer.encode(parsed, [3] * parsed.slots).ids
    assert widen(np.array(ids), 3, tiny_backbone.spec).tolist() == wide


def test_over_long_rows_lose_words_and_keep_slots(tiny_backbone: OpenVINOBackbone) -> None:
    spec, tokenizer = tiny_backbone.spec, tiny_backbone.tokenizer
    ids, whole = prompt_ids(parse_prompt(LONG), tokenizer, spec)
    assert ids is not None and not whole
    assert len(ids) == CONTEXT and ids.count(GAP) == 2 and ids[-1] == spec.suffix_ids[-1]
    wide = widen(np.array(ids), 4, spec)
    assert len(wide) == CONTEXT and (wide == GAP).sum() == 8
    assert wide[0] == spec.prefix_ids[0] and wide[-1] == spec.suffix_ids[-1]
    cut, whole = prompt_ids(parse_prompt("cat " * 30 + "{*}"), tokenizer, spec, keep_slots=False)
    assert cut is not None and not whole and len(cut) == CONTEXT and GAP not in cut
    assert prompt_ids(parse_prompt("{*} " * 30), tokenizer, spec) == (None, False)
