"""The composition rules: baselines, inversion, PDV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightword.backbones.base import Array, Backbone
from sightword.errors import UsageError
from sightword.methods import ComposeInput, Method, load_method
from sightword.methods.average import Average
from sightword.methods.image import Image
from sightword.methods.phi import Phi
from sightword.methods.pic2word import Pic2Word
from sightword.methods.slerp import Slerp
from sightword.methods.text import Text
from sightword.methods.vectors import mean_unit, unit
from sightword.methods.weighted import Weighted
from sightword.prompts import parse_prompt
from tiny import D, W, picture

NAMES = ["image", "text", "average", "weighted", "slerp"]


def feature(backbone: Backbone, *colours: str) -> list[Array]:
    return list(backbone.encode_images(np.stack([picture(colour) for colour in colours])))


def words(backbone: Backbone, text: str) -> Array:
    return unit(backbone.encode_prompts([parse_prompt("{text}", text)]))[0]


@pytest.fixture(scope="session")
def pic2word(tiny_backbone: Backbone, tiny_phi_dir: Path) -> Pic2Word:
    method = load_method(str(tiny_phi_dir), backbone=tiny_backbone)
    assert isinstance(method, Pic2Word)
    return method


@pytest.mark.parametrize("name", NAMES)
def test_every_method_gives_unit_vectors_for_every_kind_of_query(tiny_backbone: Backbone, name: str) -> None:
    method = load_method(name, backbone=tiny_backbone)
    assert isinstance(method, Method)
    red, dark = feature(tiny_backbone, "red", "dark")
    queries = [
        ComposeInput([red], "with a dog"),
        ComposeInput([], "with a dog"),
        ComposeInput([red]),
        ComposeInput([red, dark], "blue", without=["cat", dark]),
    ]
    out = method.compose(tiny_backbone, queries)
    assert out.shape == (4, D) and out.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(out[1], words(tiny_backbone, "a dog"), atol=1e-6)
    np.testing.assert_allclose(out[2], unit(red), atol=1e-6)


def test_no_queries_give_no_vectors(tiny_backbone: Backbone) -> None:
    assert Average().compose(tiny_backbone, []).shape == (0, D)


@pytest.mark.parametrize("text", ["", "  "])
def test_a_query_of_nothing_is_refused(tiny_backbone: Backbone, text: str) -> None:
    with pytest.raises(UsageError, match="nothing to look for"):
        Image().compose(tiny_backbone, [ComposeInput([], text, without=["cat"])])


def test_the_baselines_follow_their_equations(tiny_backbone: Backbone) -> None:
    red, blue = feature(tiny_backbone, "red", "blue")
    query = [ComposeInput([5 * red, blue], "as a cartoon")]
    v, t = mean_unit([red, blue]), words(tiny_backbone, "a cartoon")
    angle = np.arccos(v @ t)
    arc = (np.sin(0.75 * angle) * v + np.sin(0.25 * angle) * t) / np.sin(angle)
    for method, expected in [
        (Image(), v),
        (Text(), t),
        (Average(), v + t),
        (Weighted(0.25), 0.75 * v + 0.25 * t),
        (Slerp(0.25), arc),
        (Slerp(0.0), v),
        (Slerp(1.0), t),
    ]:
        np.testing.assert_allclose(method.compose(tiny_backbone, query)[0], unit(expected), atol=2e-6)


def test_slerp_between_equal_and_opposite_vectors_is_finite(
    tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    red = feature(tiny_backbone, "red")[0]
    for sign in (1, -1):
        monkeypatch.setattr(
            "sightword.methods.slerp.text_vectors", lambda backbone, queries, s=sign: s * unit(red)[None]
        )
        out = Slerp(0.7).compose(tiny_backbone, [ComposeInput([red], "x")])[0]
        assert abs(abs(float(out @ unit(red))) - 1) < 1e-5


@pytest.mark.parametrize("options", [{"weight": 1.5}, {"weight": float("nan")}, {"colour": 1}])
def test_wrong_options_are_sentences(tiny_backbone: Backbone, options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        load_method("weighted", backbone=tiny_backbone, **options)


def test_a_batch_equals_its_queries_one_by_one(tiny_backbone: Backbone, pic2word: Pic2Word) -> None:
    red, blue = feature(tiny_backbone, "red", "blue")
    queries = [
        ComposeInput([red], "with a dog and a cat in the big house", without=["dark"]),
        ComposeInput([], "dark"),
        ComposeInput([blue], "as a cartoon", prompts=["{*} {text}", "a {domain} of {*}"]),
        ComposeInput([blue, red]),
    ]
    together = pic2word.compose(tiny_backbone, queries)
    alone = np.concatenate([pic2word.compose(tiny_backbone, [query]) for query in queries])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_pic2word_puts_the_token_in_the_slot(tiny_backbone: Backbone, pic2word: Pic2Word) -> None:
    red = feature(tiny_backbone, "red")[0]
    token = pic2word.phi(red[None])[0]
    prompt = parse_prompt("a photo of {*} and {obj}", obj="a dog")
    expected = unit(tiny_backbone.encode_prompts([prompt], [[token]]))[0]
    out = pic2word.compose(tiny_backbone, [ComposeInput([red], "with a dog")])[0]
    np.testing.assert_allclose(out, expected, atol=1e-6)
    assert float(out @ unit(red)) > 0.5 > float(out @ unit(feature(tiny_backbone, "cyan")[0]))


def test_phi_gets_the_raw_feature(tiny_backbone: Backbone, pic2word: Pic2Word) -> None:
    red = feature(tiny_backbone, "red")[0]
    raw = pic2word.compose(tiny_backbone, [ComposeInput([red], "dark")])
    scaled = pic2word.compose(tiny_backbone, [ComposeInput([unit(red)], "dark")])
    assert np.abs(raw - scaled).max() > 1e-3


def test_several_prompts_are_averaged_as_unit_vectors(tiny_backbone: Backbone, pic2word: Pic2Word) -> None:
    red = feature(tiny_backbone, "red")[0]
    templates = ["{*} {text}", "a photo of {*} that {text}"]
    single = [
        pic2word.compose(tiny_backbone, [ComposeInput([red], "is dark", prompts=[template])])[0]
        for template in templates
    ]
    both = pic2word.compose(tiny_backbone, [ComposeInput([red], "is dark", prompts=templates)])[0]
    np.testing.assert_allclose(both, unit(single[0] + single[1]), atol=1e-6)


def test_several_references(tiny_backbone: Backbone, pic2word: Pic2Word) -> None:
    red, blue = feature(tiny_backbone, "red", "blue")
    query = ComposeInput([red, blue], "with a dog")
    tokens = pic2word.phi(np.stack([red, blue]))
    mean = parse_prompt("a photo of {*} and a dog")
    slots = parse_prompt("a photo of {*} and {*} and a dog")
    for references, prompt, filling in [
        ("mean", mean, [tokens.mean(axis=0)]),
        ("slots", slots, list(tokens)),
    ]:
        method = Pic2Word(pic2word.phi, references=references)  # type: ignore[arg-type]
        expected = unit(tiny_backbone.encode_prompts([prompt], [filling]))[0]
        np.testing.assert_allclose(method.compose(tiny_backbone, [query])[0], expected, atol=1e-6)


def test_slots_and_pictures_must_fit(tiny_backbone: Backbone, pic2word: Pic2Word) -> None:
    three = feature(tiny_backbone, "red", "blue", "green")
    method = Pic2Word(pic2word.phi, references="slots")
    with pytest.raises(UsageError, match="2 places for 3 pictures"):
        method.compose(tiny_backbone, [ComposeInput(three, "x", prompts=["{*} {text} {*}"])])
    with pytest.raises(UsageError, match="no place for the picture"):
        method.compose(tiny_backbone, [ComposeInput(three, "x", prompts=["a {text}"])])
    with pytest.raises(UsageError, match="references"):
        Pic2Word(pic2word.phi, references="all")  # type: ignore[arg-type]


def test_one_reference_fills_every_slot(tiny_backbone: Backbone, pic2word: Pic2Word) -> None:
    red = feature(tiny_backbone, "red")[0]
    out = pic2word.compose(tiny_backbone, [ComposeInput([red], "", prompts=["{*} and {*}"])])[0]
    token = pic2word.phi(red[None])[0]
    expected = unit(tiny_backbone.encode_prompts([parse_prompt("{*} and {*}")], [[token, token]]))[0]
    np.testing.assert_allclose(out, expected, atol=1e-6)


def test_pdv_at_one_is_its_base_and_elsewhere_its_equation(
    tiny_backbone: Backbone, tiny_phi_dir: Path, pic2word: Pic2Word
) -> None:
    red = feature(tiny_backbone, "red")[0]
    query = [ComposeInput([red], "is dark", prompts=["{*} {text}", "a photo of {*} that {text}"])]
    base = pic2word.compose(tiny_backbone, query)[0]
    name = f"{tiny_phi_dir}+pdv"
    same = load_method(name, backbone=tiny_backbone, alpha_text=1, beta=1, alpha_image=9)
    np.testing.assert_allclose(same.compose(tiny_backbone, query)[0], base, atol=1e-6)

    method = load_method(name, backbone=tiny_backbone, alpha_text=1.2, alpha_image=1.4, beta=0.8)
    assert method.name == "pic2word+pdv"
    plain = unit(
        tiny_backbone.encode_prompts([parse_prompt("a photo of {*}")], [[pic2word.phi(red[None])[0]]])
    )
    direction = base - plain[0]
    expected = 0.2 * (unit(red) + 1.4 * direction) + 0.8 * (plain[0] + 1.2 * direction)
    np.testing.assert_allclose(method.compose(tiny_backbone, query)[0], unit(expected), atol=2e-6)


def test_k_tokens_fill_one_slot(tiny_backbone: Backbone) -> None:
    rng = np.random.default_rng(3)
    layers = ((rng.normal(size=(3 * W, D)).astype(np.float32), np.zeros(3 * W, np.float32)),)
    phi = Phi(layers, "relu", 3, {})
    red = feature(tiny_backbone, "red")[0]
    tokens = phi(red[None])
    assert tokens.shape == (1, 3, W)
    out = Pic2Word(phi).compose(tiny_backbone, [ComposeInput([red], "is dark")])[0]
    as_three = parse_prompt("a photo of {*} {*} {*} that is dark")
    expected = unit(tiny_backbone.encode_prompts([as_three], [[t[None] for t in tokens[0]]]))[0]
    np.testing.assert_allclose(out, expected, atol=1e-6)
