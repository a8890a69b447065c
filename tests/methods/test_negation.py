"""``without``: words and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightword.backbones.base import Array, Backbone
from sightword.methods import ComposeInput, load_method
from sightword.methods.average import Average
from sightword.methods.image import Image
from sightword.methods.negation import PICTURE_STRENGTH, WORD_STRENGTH
from sightword.methods.pic2word import Pic2Word
from sightword.methods.vectors import unit
from sightword.prompts import parse_prompt
from tiny import picture


def features(backbone: Backbone, *colours: str) -> list[Array]:
    return list(backbone.encode_images(np.stack([picture(colour) for colour in colours])))


def ask(backbone: Backbone, red: Array, *without: str | Array) -> Array:
    return Image().compose(backbone, [ComposeInput([red], without=list(without))])[0]


def test_words_push_along_their_direction(tiny_backbone: Backbone) -> None:
    red = features(tiny_backbone, "red")[0]
    prompts = [parse_prompt("a photo, dark"), parse_prompt("a photo")]
    with_word, without_word = unit(tiny_backbone.encode_prompts(prompts))
    expected = unit(unit(red) - WORD_STRENGTH * unit(with_word - without_word))
    np.testing.assert_allclose(ask(tiny_backbone, red, "dark"), expected, atol=1e-6)


def test_words_are_judged_on_the_pseudo_word_where_there_is_one(
    tiny_backbone: Backbone, tiny_phi_dir: Path
) -> None:
    method = load_method(str(tiny_phi_dir), backbone=tiny_backbone)
    assert isinstance(method, Pic2Word)
    red = features(tiny_backbone, "red")[0]
    base = method.compose(tiny_backbone, [ComposeInput([red], "with a dog")])[0]
    token = method.phi(red[None])[0]
    prompts = [parse_prompt("a photo of {*}, dark"), parse_prompt("a photo of {*}")]
    pair = unit(tiny_backbone.encode_prompts(prompts, [[token], [token]]))
    expected = unit(base - WORD_STRENGTH * unit(pair[0] - pair[1]))
    out = method.compose(tiny_backbone, [ComposeInput([red], "with a dog", without=["dark"])])[0]
    np.testing.assert_allclose(out, expected, atol=1e-6)


def test_a_picture_is_partly_projected_out(tiny_backbone: Backbone) -> None:
    red, yellow = features(tiny_backbone, "red", "yellow")
    q, n = unit(red), unit(yellow)
    assert q @ n > 0.1
    expected = unit(q - PICTURE_STRENGTH * (q @ n) * n)
    np.testing.assert_allclose(ask(tiny_backbone, red, yellow), expected, atol=1e-6)


def test_a_picture_on_the_other_side_changes_nothing(tiny_backbone: Backbone) -> None:
    red, cyan = features(tiny_backbone, "red", "cyan")
    assert unit(red) @ unit(cyan) < 0
    np.testing.assert_array_equal(ask(tiny_backbone, red, cyan), ask(tiny_backbone, red))


def test_repeats_do_not_add_up(tiny_backbone: Backbone) -> None:
    red, yellow = features(tiny_backbone, "red", "yellow")
    once, often = ask(tiny_backbone, red, "dark"), ask(tiny_backbone, red, "dark", " dark ", "")
    np.testing.assert_array_equal(once, often)
    many = ask(tiny_backbone, red, *[yellow] * 20)
    assert -1e-5 < float(many @ unit(yellow)) < float(ask(tiny_backbone, red, yellow) @ unit(yellow))


def test_different_negatives_all_count(tiny_backbone: Backbone) -> None:
    white, yellow = features(tiny_backbone, "white", "yellow")
    plain = ask(tiny_backbone, white)
    words, picture_, both = (
        ask(tiny_backbone, white, *without) for without in (["red"], [yellow], ["red", yellow])
    )
    red = features(tiny_backbone, "red")[0]
    assert float(words @ unit(red)) < float(plain @ unit(red))
    assert float(picture_ @ unit(yellow)) < float(plain @ unit(yellow))
    assert float(both @ unit(red)) < float(plain @ unit(red))
    assert float(both @ unit(yellow)) < float(plain @ unit(yellow))


def test_other_queries_of_the_batch_stay_as_they_are(tiny_backbone: Backbone) -> None:
    red, blue = features(tiny_backbone, "red", "blue")
    plain = Average().compose(tiny_backbone, [ComposeInput([blue], "dark")])
    both = Average().compose(
        tiny_backbone, [ComposeInput([red], "dark", without=["dog"]), ComposeInput([blue], "dark")]
    )
    np.testing.assert_array_equal(both[1], plain[0])


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_negative_is_no_negative(tiny_backbone: Backbone, text: str) -> None:
    red = features(tiny_backbone, "red")[0]
    np.testing.assert_allclose(ask(tiny_backbone, red, text), ask(tiny_backbone, red), atol=1e-7)
