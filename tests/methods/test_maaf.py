"""MAAF in numpy: its equations by hand, patches that are missing, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_matching import MAAF, write_maaf
from sightword.backbones import load_backbone
from sightword.errors import MethodNeeds, ModelUnavailable, UsageError
from sightword.methods import ComposeInput, load_method
from sightword.methods.vectors import unit
from tiny import ids, pictures_of_colours, table, write_tiny_backbone


@pytest.fixture
def method(tmp_path: Path, tiny_backbone: Any) -> Any:
    return load_method(str(write_maaf(tmp_path / "maaf", tiny_backbone.spec)), backbone=tiny_backbone)


@pytest.fixture(scope="module")
def seen(tiny_backbone: Any) -> tuple[Any, Any]:
    pixels = pictures_of_colours(3)
    return tiny_backbone.encode_images(pixels), tiny_backbone.encode_patches(pixels)


def by_hand(t: dict[str, Any], patches: Any, words: Any, text: Any, picture: Any) -> Any:
    """One query, token by token and head by head, in float64."""
    t = {name: value.astype(float) for name, value in t.items()}

    def lin(name: str, x: Any) -> Any:
        return t[f"{name}.weight"] @ x + t[f"{name}.bias"]

    def norm(name: str, x: Any) -> Any:
        centred = x - sum(x) / len(x)
        deviation = math.sqrt(sum(centred**2) / len(x) + 1e-5)
        return centred / deviation * t[f"{name}.weight"] + t[f"{name}.bias"]

    def standard(x: Any) -> Any:
        x = np.asarray(x, float)
        return x / math.sqrt(sum(x**2)) * math.sqrt(len(x))

    def gelu(x: Any) -> Any:
        return np.array([0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x])

    tokens = [lin("patches", standard(p)) for p in patches]
    tokens += [lin("words", standard(w)) + t["places"][i] for i, w in enumerate(words)]
    tokens += [lin("sentence", standard(text))]
    tokens = [norm("input", x) for x in tokens]
    width, heads = MAAF["width"], MAAF["heads"]
    each = width // heads
    for layer in range(MAAF["layers"]):
        name = f"blocks.{layer}"
        qkv = [lin(f"{name}.qkv", norm(f"{name}.norm_1", x)) for x in tokens]
        mixed = []
        for own in qkv:
            parts = []
            for h in range(heads):
                q = own[h * each : (h + 1) * each]
                keys = [o[width + h * each : width + (h + 1) * each] for o in qkv]
                values = [o[2 * width + h * each : 2 * width + (h + 1) * each] for o in qkv]
                powers = [math.exp(float(q @ k) / math.sqrt(each)) for k in keys]
                parts.append(sum(p / sum(powers) * v for p, v in zip(powers, values)))
            mixed.append(lin(f"{name}.join", np.concatenate(parts)))
        tokens = [x + m for x, m in zip(tokens, mixed)]
        tokens = [
            x + lin(f"{name}.fall", gelu(lin(f"{name}.rise", norm(f"{name}.norm_2", x)))) for x in tokens
        ]
    count = len(patches)
    pooled = (sum(tokens[:count]) / count + sum(tokens[count:]) / (len(tokens) - count)) / 2
    q = picture + unit(text) + lin("output", norm("output_norm", pooled))
    return q / math.sqrt(sum(q**2))


def test_vectors_are_those_of_the_equations(method: Any, seen: Any, tiny_backbone: Any) -> None:
    features, patches = seen
    queries = [
        ComposeInput(images=[features[0]], text="dark red", patches=patches[0]),
        ComposeInput(images=[features[1]], text="a big blue ball on a red car", patches=patches[1]),
    ]
    found = method.compose(tiny_backbone, queries)
    for query, vector in zip(queries, found):
        words = table()[ids(query.text)[1:-1][: MAAF["longest"]]]
        text = tiny_backbone.encode_prompts([_plain(query.text)])[0]
        expected = by_hand(method.tensors, query.patches, words, text, unit(query.images[0]))
        np.testing.assert_allclose(vector, expected, atol=1e-5)
    assert abs(float(found[0] @ found[1])) < 0.9999


def _plain(text: str) -> Any:
    from sightword.prompts import Prompt

    return Prompt((text,))


def test_what_the_picture_shows_where_changes_nothing_but_what_it_shows_does(
    method: Any, seen: Any, tiny_backbone: Any
) -> None:
    features, patches = seen
    asked = [
        ComposeInput(images=[features[0]], text="red", patches=p)
        for p in (patches[0], patches[0][::-1], patches[1])
    ]
    one, turned, other = method.compose(tiny_backbone, asked)
    np.testing.assert_allclose(one, turned, atol=1e-6)  # patches have no position, as published
    assert np.abs(one - other).max() > 1e-3


def test_several_references_bring_all_their_patches(method: Any, seen: Any, tiny_backbone: Any) -> None:
    features, patches = seen
    both = ComposeInput([features[0], features[1]], "red", patches=np.concatenate(patches[:2]))
    mean = unit(unit(features[0]) + unit(features[1]))
    same = ComposeInput([mean], "red", patches=np.concatenate(patches[1::-1]))
    one, two = method.compose(tiny_backbone, [both, same])
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_one_side_alone_needs_no_patches(method: Any, seen: Any, tiny_backbone: Any) -> None:
    features, _ = seen
    found = method.compose(tiny_backbone, [ComposeInput(images=[features[0]]), ComposeInput(text="red")])
    np.testing.assert_allclose(found[0], unit(features[0]), atol=1e-6)
    text = load_method("text", backbone=tiny_backbone)
    np.testing.assert_array_equal(found[1], text.compose(tiny_backbone, [ComposeInput(text="red")])[0])


def test_without_steers_it_as_every_method(method: Any, seen: Any, tiny_backbone: Any) -> None:
    features, patches = seen
    plain = ComposeInput([features[0]], "red", patches=patches[0])
    steered = ComposeInput([features[0]], "red", ["blue"], patches=patches[0])
    one, two = method.compose(tiny_backbone, [plain, steered])
    blue = unit(tiny_backbone.encode_prompts([_plain("blue")])[0])
    assert two @ blue < one @ blue and np.linalg.norm(two) == pytest.approx(1, abs=1e-6)


def test_a_query_without_patches_is_refused(method: Any, seen: Any, tiny_backbone: Any) -> None:
    features, patches = seen
    with pytest.raises(UsageError, match="without the patches"):
        method.compose(tiny_backbone, [ComposeInput(images=[features[0]], text="red")])
    with pytest.raises(UsageError, match=r"reads patches \[N, 3\]"):
        query = ComposeInput([features[0]], "red", patches=patches[0][:, :2])
        method.compose(tiny_backbone, [query])


def test_a_backbone_without_patches_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    bare = load_backbone(str(write_tiny_backbone(tmp_path / "bare", patches=None)), threads=1)
    place = str(write_maaf(tmp_path / "maaf", bare.spec))
    with pytest.raises(MethodNeeds, match="needs patches, which the backbone 'tiny' does not give"):
        load_method(place, backbone=bare)


@pytest.mark.parametrize("network", [{"heads": 3}, {"layers": 0}, {"patch": "3"}])
def test_a_damaged_directory_is_told(tmp_path: Path, tiny_backbone: Any, network: dict[str, Any]) -> None:
    import json

    place = write_maaf(tmp_path / "odd", tiny_backbone.spec)
    config = json.loads((place / "config.json").read_text())
    config["network"] |= network
    (place / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable):
        load_method(str(place), backbone=tiny_backbone)
