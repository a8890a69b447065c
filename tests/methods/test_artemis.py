"""ARTEMIS in numpy: its equations by hand, what is defined at the edges, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_matching import write_artemis
from sightword.errors import ModelMismatch, ModelUnavailable, UsageError
from sightword.methods import ComposeInput, load_method
from sightword.methods.artemis import ArtemisNetwork
from sightword.methods.base import Reranker
from sightword.methods.vectors import unit
from sightword.prompts import Prompt
from tiny import pictures_of_colours


@pytest.fixture
def directory(tmp_path: Path, tiny_backbone: Any) -> Path:
    return write_artemis(tmp_path / "artemis", tiny_backbone.spec)


@pytest.fixture
def method(directory: Path, tiny_backbone: Any) -> Any:
    return load_method(str(directory), backbone=tiny_backbone)


@pytest.fixture(scope="module")
def features(tiny_backbone: Any) -> Any:
    return tiny_backbone.encode_images(pictures_of_colours(12))


def by_hand(tensors: dict[str, Any], words: Any, reference: Any, candidate: Any) -> float:
    """The score of one candidate, number by number, in float64."""

    def length(vector: list[float]) -> list[float]:
        norm = sum(x * x for x in vector) ** 0.5
        return [x / norm for x in vector]

    def linear(name: str, vector: list[float]) -> list[float]:
        weight, bias = tensors[f"{name}.weight"].astype(float), tensors[f"{name}.bias"].astype(float)
        return [sum(w * x for w, x in zip(row, vector)) + b for row, b in zip(weight, bias)]

    def attention(name: str) -> list[float]:
        scaled = [float(x) * len(words) ** 0.5 for x in words]
        hidden = [max(0.0, x) for x in linear(f"{name}.0", scaled)]
        powers = [2.718281828459045**x for x in linear(f"{name}.2", hidden)]
        return [x / sum(powers) for x in powers]

    explicit, implicit = attention("explicit"), attention("implicit")
    wanted = length(linear("words", [float(x) for x in words]))
    seen = length([a * float(c) for a, c in zip(explicit, candidate)])
    kept = length([a * float(r) for a, r in zip(implicit, reference)])
    like = length([a * float(c) for a, c in zip(implicit, candidate)])
    return (sum(x * y for x, y in zip(wanted, seen)) + sum(x * y for x, y in zip(kept, like))) / 2


def test_scores_are_those_of_the_equations(method: Any, features: Any, tiny_backbone: Any) -> None:
    candidates = unit(features[1:])
    query = ComposeInput(images=[features[0]], text="dark red")
    found = method.rerank(tiny_backbone, query, candidates)
    words = unit(tiny_backbone.encode_prompts([Prompt(("dark red",))])[0])
    expected = [by_hand(method.network.tensors, words, unit(features[0]), item) for item in candidates]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32 and np.abs(found).max() <= 1
    assert np.ptp(found) > 0.1  # the random network tells candidates apart


def test_the_start_of_training_ranks_as_average_does(
    tmp_path: Path, tiny_backbone: Any, features: Any
) -> None:
    method: Any = load_method(
        str(write_artemis(tmp_path / "start", tiny_backbone.spec, spread=0)), backbone=tiny_backbone
    )
    query = ComposeInput(images=[features[0]], text="dark red")
    average = load_method("average", backbone=tiny_backbone).compose(tiny_backbone, [query])[0]
    scores = method.rerank(tiny_backbone, query, unit(features[1:]))
    np.testing.assert_array_equal(np.argsort(-scores), np.argsort(-(unit(features[1:]) @ average)))


def test_it_composes_with_the_method_before_it(directory: Path, tiny_backbone: Any, features: Any) -> None:
    query = ComposeInput(images=[features[0]], text="red", without=["blue"])
    for first in ("average", "text"):
        method = load_method(str(directory), backbone=tiny_backbone, first=first)
        assert isinstance(method, Reranker) and method.needs == {"rerank"}
        before = load_method(first, backbone=tiny_backbone)
        found = method.compose(tiny_backbone, [query])
        np.testing.assert_array_equal(found, before.compose(tiny_backbone, [query]))


def test_several_references_are_averaged(method: Any, features: Any, tiny_backbone: Any) -> None:
    candidates = unit(features[2:])
    both = method.rerank(tiny_backbone, ComposeInput([features[0], features[1]], "red"), candidates)
    mean = unit(unit(features[0]) + unit(features[1]))
    alone = method.rerank(tiny_backbone, ComposeInput([mean], "red"), candidates)
    np.testing.assert_allclose(both, alone, atol=1e-6)


@pytest.mark.parametrize("unwanted", ["blue", None])
def test_without_takes_what_it_takes_from_the_first_cosine(
    method: Any, features: Any, tiny_backbone: Any, unwanted: str | None
) -> None:
    candidates = unit(features[1:])
    plain = ComposeInput(images=[features[0]], text="red")
    steered = ComposeInput([features[0]], "red", [unwanted or features[3]])
    before, after = (method.compose(tiny_backbone, [query])[0] for query in (plain, steered))
    change = method.rerank(tiny_backbone, steered, candidates) - method.rerank(
        tiny_backbone, plain, candidates
    )
    np.testing.assert_allclose(change, candidates @ (after - before), atol=1e-6)
    assert np.abs(change).max() > 1e-3


def test_a_query_with_one_side_keeps_its_first_ranking(
    method: Any, features: Any, tiny_backbone: Any
) -> None:
    candidates = unit(features)
    assert method.rerank(tiny_backbone, ComposeInput(images=[features[0]]), candidates) is None
    assert method.rerank(tiny_backbone, ComposeInput(text="red"), candidates) is None


def test_depth_and_first_come_from_the_directory_and_can_be_given(tmp_path: Path, tiny_backbone: Any) -> None:
    place = str(write_artemis(tmp_path / "own", tiny_backbone.spec, depth=7, first="slerp"))
    method: Any = load_method(place, backbone=tiny_backbone)
    assert (method.depth, method.first.name) == (7, "slerp")
    method = load_method(place, backbone=tiny_backbone, depth=9.0, first="average")
    assert (method.depth, method.first.name) == (9, "average")


@pytest.mark.parametrize("depth", [0, -3, 2.5, float("nan"), float("inf")])
def test_a_depth_that_is_no_number_of_pictures(directory: Path, tiny_backbone: Any, depth: float) -> None:
    with pytest.raises(UsageError, match="cannot be ranked anew"):
        load_method(str(directory), backbone=tiny_backbone, depth=depth)


@pytest.mark.parametrize("first", ["./here", "hf-hub:some/body", 3, None, ""])
def test_a_strangers_directory_cannot_make_us_open_others(
    tmp_path: Path, tiny_backbone: Any, first: object
) -> None:
    place = write_artemis(tmp_path / "odd", tiny_backbone.spec, first=first)
    with pytest.raises(ModelUnavailable, match="not the name of a method"):
        load_method(str(place), backbone=tiny_backbone)


def test_it_cannot_come_before_itself(
    tmp_path: Path, tiny_backbone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTWORD_MODELS", str(tmp_path))
    write_artemis(tmp_path / "methods" / "tiny" / "artemis", tiny_backbone.spec, first="artemis")
    with pytest.raises(UsageError, match="cannot come before"):
        load_method("artemis", backbone=tiny_backbone)
    load_method("artemis", backbone=tiny_backbone, first="average")  # the guard does not stay shut


def test_another_backbone_is_refused(tmp_path: Path, tiny_backbone: Any) -> None:
    place = write_artemis(tmp_path / "other", tiny_backbone.spec)
    config = json.loads((place / "config.json").read_text())
    config["backbone"]["weights_hash"] = "0" * 64
    (place / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelMismatch):
        load_method(str(place), backbone=tiny_backbone)


@pytest.mark.parametrize(
    ("network", "told"), [({"hidden": 0}, "hidden"), ({"hidden": 11}, "shape"), ({"depth": "all"}, "depth")]
)
def test_a_damaged_directory_is_told(
    tmp_path: Path, tiny_backbone: Any, network: dict[str, Any], told: str
) -> None:
    place = write_artemis(tmp_path / "odd", tiny_backbone.spec, **network)
    with pytest.raises(ModelUnavailable, match=told):
        load_method(str(place), backbone=tiny_backbone)


def test_huge_attention_stays_finite(features: Any) -> None:
    dim = features.shape[1]
    eye = np.eye(dim, dtype=np.float32)
    tensors = {"words.weight": eye, "words.bias": np.zeros(dim, np.float32)}
    for name in ("explicit", "implicit"):
        tensors |= {f"{name}.0.weight": eye, f"{name}.0.bias": np.zeros(dim, np.float32)}
        tensors |= {f"{name}.2.weight": 1e4 * eye, f"{name}.2.bias": np.zeros(dim, np.float32)}
    scores = ArtemisNetwork(tensors)(unit(features[0]), unit(features[1]), unit(features))
    assert np.isfinite(scores).all() and np.abs(scores).max() <= 1 + 1e-6
