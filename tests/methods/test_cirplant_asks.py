"""CIRPLANT in numpy, without torch: its attention, and what it refuses. Parity: tests/training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sightword.errors import ModelMismatch, ModelUnavailable
from sightword.methods import ComposeInput, load_method
from sightword.methods.blocks import attention
from sightword.methods.cirplant import shapes
from tiny import D, W

NETWORK = {"width": 8, "layers": 2, "heads": 2, "longest": 4}


def write(folder: Path, weights_hash: str, network: dict[str, Any] | None = None, **more: Any) -> Path:
    dice = np.random.default_rng(0)
    tensors = {
        name: dice.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes(D, W, NETWORK).items()
    }
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    config = {
        "schema": 1, "kind": "cirplant", "method": "cirplant", "dim": D, "network": network or NETWORK,
        "backbone": {"name": "tiny", "weights_hash": weights_hash},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config | more))
    return folder


def queries(texts: list[str]) -> list[ComposeInput]:
    dice = np.random.default_rng(1)
    return [ComposeInput([dice.normal(size=D).astype(np.float32)], text) for text in texts]


def test_a_query_does_not_depend_on_its_company(tiny_backbone: Any, tmp_path: Path) -> None:
    method = load_method(str(write(tmp_path / "c", tiny_backbone.spec.weights_hash)), backbone=tiny_backbone)
    asked = queries(["but blue", "a red ball on a green house at night", "dark", "…"])
    together = method.compose(tiny_backbone, asked)
    alone = np.concatenate([method.compose(tiny_backbone, [query]) for query in asked])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_words_beyond_the_longest_do_not_count(tiny_backbone: Any, tmp_path: Path) -> None:
    method = load_method(str(write(tmp_path / "c", tiny_backbone.spec.weights_hash)), backbone=tiny_backbone)
    rows, lengths = method.words(tiny_backbone, ["a red ball on a green house", "blue"])  # type: ignore[attr-defined]
    assert rows.shape == (2, 4, W)
    assert lengths.tolist() == [4, 1]
    assert not rows[1, 1:].any()


def test_attention_is_a_softmax_over_what_may_be_seen() -> None:
    dice = np.random.default_rng(2)
    x = dice.normal(size=(1, 3, 4)).astype(np.float32)
    tensors = {
        "a.qkv.weight": dice.normal(size=(12, 4)).astype(np.float32), "a.qkv.bias": np.zeros(12, np.float32),
        "a.join.weight": np.eye(4, dtype=np.float32), "a.join.bias": np.zeros(4, np.float32),
    }  # fmt: skip
    query, key, value = (x[0] @ part.T for part in np.split(tensors["a.qkv.weight"], 3))
    expected = np.zeros((3, 4))
    for head in (slice(0, 2), slice(2, 4)):
        for place in range(3):
            weights = [np.exp(query[place, head] @ key[other, head] / np.sqrt(2)) for other in (0, 2)]
            expected[place, head] = (weights[0] * value[0, head] + weights[1] * value[2, head]) / sum(weights)
    found = attention(x, tensors, "a", 2, np.array([[True, False, True]]))
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ({"width": 8, "layers": 2, "heads": 2}, "does not say its width, layers, heads, longest"),
        ({**NETWORK, "heads": 3}, "3 heads cannot share 8"),
        ({**NETWORK, "layers": 3}, "has no blocks.2"),
        ({**NETWORK, "layers": 1}, "holds blocks.1.*, which its configuration does not explain"),
        ({**NETWORK, "longest": 5}, r"places has shape \(4, 8\), not \(5, 8\)"),
    ],
)
def test_weights_that_do_not_fit(
    tiny_backbone: Any, tmp_path: Path, network: dict[str, int], told: str
) -> None:
    folder = write(tmp_path / "c", tiny_backbone.spec.weights_hash, network)
    with pytest.raises(ModelUnavailable, match=told):
        load_method(str(folder), backbone=tiny_backbone)


def test_another_backbone(tiny_backbone: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match="was trained for the backbone"):
        load_method(str(write(tmp_path / "c", "0" * 64)), backbone=tiny_backbone)


def test_a_method_nobody_has_trained(tiny_backbone: Any) -> None:
    with pytest.raises(ModelUnavailable, match="No cirplant has been trained") as error:
        load_method("cirplant", backbone=tiny_backbone)
    assert "sightword train cirplant" in str(error.value.hint)
