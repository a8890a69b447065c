"""Every kind of text tower in torch, against open_clip's own answers."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra")

import torch

from sightword.backbones import load_backbone
from sightword.backbones.tokenize import PromptTruncated
from sightword.prompts import Prompt
from tiny_clip import CONTEXT, ENCODERS, KINDS, SIZE, D, W, folder, reference

pytestmark = pytest.mark.slow

ALL = [*KINDS, *ENCODERS]
TEXTS = ["a photo of a dog", 'the &amp; "big" ｄｏｇ 😀 !', "", "a", "red , dog_cat and the big cat"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


original = cache(reference)


@pytest.fixture(params=ALL)
def kind(request: pytest.FixtureRequest, folders: Path) -> Path:
    path = folders / request.param
    return path if path.is_dir() else folder(path, request.param)


@cache
def load(path: Path):
    return load_backbone(str(path), device="cpu")


def close(a: object, b: object) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=1e-5, rtol=0)


def test_the_kind_is_read(kind: Path) -> None:
    spec = load(kind).spec
    mask, pool = kind.name.split("-")[:2]
    assert (spec.mask, spec.pool) == (mask, "eot" if pool == "eos" else pool)
    assert spec.pad_to == ("longest" if kind.name in ("causal-eot", "causal-eos", *ENCODERS) else "context")
    assert (spec.dim, spec.token_dim, spec.context) == (D, W, CONTEXT)


def test_plain_text_and_pictures_equal_the_original(kind: Path) -> None:
    backbone, (model, _, tokenizer) = load(kind), original(kind)
    with torch.no_grad():
        close(
            backbone.encode_prompts([Prompt((text,)) for text in TEXTS]), model.encode_text(tokenizer(TEXTS))
        )
        pixels = torch.randn(3, 3, SIZE, SIZE)
        close(backbone.encode_images(pixels.numpy()), model.encode_image(pixels))


def test_ids_equal_the_original(kind: Path) -> None:
    backbone, (_, _, tokenizer) = load(kind), original(kind)
    for text, row in zip(TEXTS, tokenizer(TEXTS).tolist()):
        ids = backbone.tokenizer.encode(Prompt((text,)), []).ids
        assert row == ids + [backbone.spec.pad_id] * (CONTEXT - len(ids))


@pytest.mark.parametrize("pieces", [("", " that is red"), ("a photo of ", ""), ("a ", " , ", " and the cat")])
def test_a_slot_filled_with_a_vocabulary_row_is_that_word(kind: Path, pieces: tuple[str, ...]) -> None:
    backbone = load(kind)
    (index,) = backbone.tokenizer.ids("dog")
    word = backbone.token_embedding()[[index]]
    plain = backbone.encode_prompts([Prompt(("dog".join(pieces),))])
    close(backbone.encode_prompts([Prompt(pieces)], [[word] * (len(pieces) - 1)]), plain)


def test_several_tokens_in_one_slot(kind: Path) -> None:
    backbone = load(kind)
    words = backbone.token_embedding()[backbone.tokenizer.ids("big red dog")]
    filled = backbone.encode_prompts([Prompt(("a photo of ", " and a cat"))], [[words]])
    close(filled, backbone.encode_prompts([Prompt(("a photo of big red dog and a cat",))]))


def test_rows_behind_the_end_have_no_influence(kind: Path) -> None:
    backbone = load(kind)
    ids = backbone.tokenizer.encode(Prompt(("a photo of a dog",)), []).ids
    short = backbone.table[torch.tensor([ids])]
    longer = torch.cat([short, torch.randn(1, 5, W)], dim=1)
    lengths = torch.tensor([len(ids)])
    close(backbone.encode_embeddings(longer, lengths), backbone.encode_embeddings(short, lengths))


def test_a_batch_of_lengths_equals_one_by_one(kind: Path) -> None:
    backbone = load(kind)
    prompts = [Prompt((text,)) for text in TEXTS]
    close(backbone.encode_prompts(prompts), np.concatenate([backbone.encode_prompts([p]) for p in prompts]))


def test_too_long_prompts_keep_their_slots_and_warn(kind: Path) -> None:
    backbone = load(kind)
    word = backbone.token_embedding()[[7]]
    room = CONTEXT - len(backbone.spec.prefix_ids) - len(backbone.spec.suffix_ids)
    with pytest.warns(PromptTruncated, match="longer than"):
        long = backbone.encode_prompts([Prompt(("red " * 50, ""))], [[word]])
    close(long, backbone.encode_prompts([Prompt(("red " * (room - 1), ""))], [[word]]))


def test_too_long_texts_equal_the_original(kind: Path) -> None:
    backbone, (model, _, tokenizer) = load(kind), original(kind)
    text = "a red dog and " * 20
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", PromptTruncated)
        close(backbone.encode_prompts([Prompt((text,))]), model.encode_text(tokenizer([text])))


def test_gradients_reach_the_pseudo_word(kind: Path) -> None:
    backbone = load(kind)
    ids = backbone.tokenizer.encode(Prompt(("a ", " that is red")), [1]).ids
    token = torch.randn(W, requires_grad=True)
    rows = backbone.table[torch.tensor([[max(i, 0) for i in ids]])]
    gap = torch.tensor([[i < 0 for i in ids]])
    backbone.encode_embeddings(
        torch.where(gap[..., None], token, rows), torch.tensor([len(ids)])
    ).sum().backward()
    assert token.grad is not None and token.grad.abs().max() > 1e-4
    assert all(p.grad is None for p in backbone.image.parameters())
