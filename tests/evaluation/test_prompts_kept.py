"""A second evaluation encodes no prompt again, and says the same to the last bit."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import made_field
from sightword.backbones.base import Array, Backbone
from sightword.backbones.tokenize import PromptTruncated
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.memory import Remembering
from sightword.evaluation.run import run
from sightword.prompts import Prompt


class Counting:
    """A backbone that counts the prompts it encodes."""

    def __init__(self, backbone: Backbone) -> None:
        self.inner, self.spec, self.count = backbone, backbone.spec, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def encode_prompts(self, prompts: Sequence[Prompt], tokens: Sequence[Sequence[Array]] = ()) -> Array:
        self.count += len(prompts)
        return self.inner.encode_prompts(prompts, tokens)


def test_a_second_evaluation_encodes_no_prompt(
    tmp_path: Path, tiny_backbone: Backbone, tiny_phi_dir: Path
) -> None:
    data, counting = made_field.circo(tmp_path), Counting(tiny_backbone)
    benchmark = benchmark_named("circo", allow_missing=True)
    reports, counts = [], []
    for _ in range(2):
        loaded = benchmark.load(data, "val")
        methods = ["average", f"{tiny_phi_dir}+pdv"]
        reports.append(run(benchmark, loaded, counting, methods, cache=tmp_path / "cache"))  # type: ignore[arg-type]
        counts.append(counting.count)
    assert counts[0] > 0 and counts[1] == counts[0]
    for name in reports[0].methods:
        assert reports[0].methods[name].rows == reports[1].methods[name].rows
        assert reports[0].methods[name].tops == reports[1].methods[name].tops


def test_blocks_are_named_by_all_that_decides_their_bits(tmp_path: Path, tiny_backbone: Backbone) -> None:
    counting = Counting(tiny_backbone)
    word = np.zeros((1, tiny_backbone.spec.token_dim), np.float32)
    prompt = Prompt(("a photo of ", ""))

    def ask(word: Array, pieces: Prompt = prompt) -> Array:
        return Remembering(counting, tmp_path).encode_prompts([pieces], [[word]])  # type: ignore[arg-type]

    first = ask(word)
    assert counting.count == 1
    assert (ask(word) == first).all() and counting.count == 1
    assert (ask(word + 1) != first).any() and counting.count == 2
    ask(word, Prompt(("a drawing of ", "")))
    assert counting.count == 3
    for path in tmp_path.glob("prompts-*.npz"):
        path.write_bytes(path.read_bytes()[:50])
    assert (ask(word) == first).all() and counting.count == 4


def test_what_was_cut_off_is_told_again(tmp_path: Path, tiny_backbone: Backbone) -> None:
    long = Prompt((" ".join(["red"] * 300),))
    told = []
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            Remembering(tiny_backbone, tmp_path).encode_prompts([long])
        told.append([str(item.message) for item in caught if item.category is PromptTruncated])
    assert told[0] == told[1] and len(told[0]) == 1


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path, tiny_backbone: Backbone) -> None:
    (tmp_path / "file").write_text(json.dumps({}))
    found = Remembering(tiny_backbone, tmp_path / "file").encode_prompts([Prompt(("red",))])
    assert found == pytest.approx(tiny_backbone.encode_prompts([Prompt(("red",))]))
