"""LinCIR: noise, loss, masking in the rows, and a phi that never saw a picture."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from test_captions import tag_by_list

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.methods import load_method
from sightword.methods.token_rows import widen
from sightword.training import keywords
from sightword.training.captions import CaptionRows, read_captions
from tiny import COLOURS, D, pictures_of_colours

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from tiny_job import colour_captions, tiny_job  # noqa: E402
from tiny_torch import TinyTextTower  # noqa: E402

from sightword.methods.torch_words import RowEncoder  # noqa: E402
from sightword.training import lincir  # noqa: E402
from sightword.training.job import Learning  # noqa: E402
from sightword.training.lincir import caption_features, learn_lincir, noise_scale, noisy  # noqa: E402


@pytest.fixture(scope="module")
def captions(tiny_backbone: OpenVINOBackbone) -> CaptionRows:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keywords, "tag", tag_colours)
        spec, tokenizer = tiny_backbone.spec, tiny_backbone.tokenizer
        return read_captions(colour_captions(300), tokenizer, spec, workers=1, progress=False)


def tag_colours(texts: list[str]):  # type: ignore[no-untyped-def]
    known = {*COLOURS, "house", "tree", "car"}
    return [
        [word._replace(pos="NOUN") if text[word.start : word.end] in known else word for word in row]
        for text, row in zip(texts, tag_by_list(texts))
    ]


def test_noise_has_one_scale_a_row_and_the_right_variance() -> None:
    torch.manual_seed(0)
    noise = noisy(torch.zeros(4000, 64), 2.0) / 2
    assert float((noise**2).mean()) == pytest.approx(1 / 3, abs=0.01)
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)
    lengths = noise.norm(dim=1) / 8  # close to u: uniform on [0, 1)
    assert float(lengths.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(lengths.std()) == pytest.approx(math.sqrt(1 / 12), abs=0.02)
    # Within a row the coordinates share their u, so their squares agree; across rows they do not.
    inside = (noise[:, :32].norm(dim=1) - noise[:, 32:].norm(dim=1)).abs().mean()
    assert float(inside) < 0.2 * float(noise.norm(dim=1).std()) * 2


def test_the_papers_noise_on_clip_ours_elsewhere(tiny_backbone: OpenVINOBackbone) -> None:
    spec = tiny_backbone.spec
    clip = dataclasses.replace(spec, mask="causal", pool="eot", clean="clip")
    assert noise_scale(clip, 7.0) == 1.0
    sigma = noise_scale(spec, 7.0, 0.5)
    assert sigma * math.sqrt(D / 3) == pytest.approx(3.5)


@pytest.mark.parametrize(("tokens", "moved"), [(1, False), (2, False), (1, True)])
def test_the_loss_equals_a_naive_loop(
    tiny_backbone: OpenVINOBackbone, captions: CaptionRows, tmp_path: Path, tokens: int, moved: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Without noise and dropout: one caption after the other through the search-time encoder."""
    kept = {}

    def keep(self: Learning, loss_of, rows, facts):  # type: ignore[no-untyped-def]
        kept.update(loss=loss_of(torch.arange(8), 0), network=self.network, facts=facts)
        return {}

    monkeypatch.setattr(Learning, "finish", keep)
    job = tiny_job(tiny_backbone, tmp_path, tokens=tokens, dropout=0.0)
    target = np.linspace(-1, 1, D, dtype=np.float32) if moved else None
    learn_lincir(job, captions, sigma=0.0, pictures_norm=2.0, pictures_mean=target)
    table, tower = torch.from_numpy(tiny_backbone.token_embedding()), TinyTextTower()
    total = 0.0
    for i in range(8):
        row = torch.from_numpy(captions.whole[i])
        z = tower.encode_embeddings(table[row][None], torch.tensor([len(row)]))[0]
        features = lincir.caption_features(job, captions.whole, progress=False)
        ratio = 2.0 / float(np.mean([np.linalg.norm(v) for v in features]))
        shift = torch.zeros(D) if target is None else torch.from_numpy(target - ratio * features.mean(axis=0))
        s = kept["network"](z * ratio + shift).view(tokens, -1)
        filled, slot = [], 0
        for token in widen(captions.masked[i], tokens, tiny_backbone.spec):
            filled.append(s[slot % tokens] if token < 0 else table[token])
            slot += token < 0
        again = tower.encode_embeddings(torch.stack(filled)[None], torch.tensor([len(filled)]))[0]
        total += float(((again - z) ** 2).mean().detach())
    assert float(kept["loss"].detach()) == pytest.approx(total / 8, rel=1e-4)


def test_it_beats_an_untrained_phi_on_pictures(
    tiny_backbone: OpenVINOBackbone, captions: CaptionRows, tmp_path: Path
) -> None:
    held_out = tiny_backbone.encode_images(pictures_of_colours(200, seed=9))
    job = tiny_job(tiny_backbone, tmp_path / "phi", steps=300, held_out=held_out)
    cached = caption_features(job, captions.whole, progress=False)
    report = learn_lincir(job, captions, share=0.3, cached=cached)
    before, after = report["held_out"]["before"], report["held_out"]["after"]
    assert after["recall_at_10_interval"][0] > before["recall_at_10_interval"][1]
    assert report["noise_rule"] == "ours" and report["noise_share"] == pytest.approx(0.3)
    assert load_method(str(tmp_path / "phi"), backbone=tiny_backbone).name == "lincir"


def test_cached_features_change_nothing(
    tiny_backbone: OpenVINOBackbone, captions: CaptionRows, tmp_path: Path
) -> None:
    job = tiny_job(tiny_backbone, tmp_path / "phi", steps=5)
    cached = caption_features(job, captions.whole, progress=False)
    first = learn_lincir(job, captions, sigma=0.5, cached=cached)
    second = learn_lincir(job, captions, sigma=0.5)
    np.testing.assert_allclose(first["curve"], second["curve"], rtol=1e-3)


@pytest.mark.parametrize("tokens", [1, 3])
def test_trimmed_and_bucketed_equals_padded(
    tiny_backbone: OpenVINOBackbone, captions: CaptionRows, tokens: int
) -> None:
    """Features and gradients of rows in buckets equal those of all rows padded to the context."""
    tower, spec = TinyTextTower(), tiny_backbone.spec
    tails = [captions.whole[i][1:-1][: i % 7] for i in range(60)]
    rows = [widen(np.insert(captions.masked[i], -1, tail), tokens, spec) for i, tail in enumerate(tails)]
    assert len({len(row) for row in rows}) > 3
    words = torch.randn(60, tokens, spec.token_dim, generator=torch.Generator().manual_seed(0))
    direction = torch.randn(60, D, generator=torch.Generator().manual_seed(1))

    def gradient(pad_to: str):  # type: ignore[no-untyped-def]
        class Padded:
            spec = dataclasses.replace(tiny_backbone.spec, pad_to=pad_to)
            tokenizer = tiny_backbone.tokenizer
            token_embedding = staticmethod(tiny_backbone.token_embedding)

        leaf = words.clone().requires_grad_()
        features = RowEncoder(tower, Padded)(rows, leaf)  # type: ignore[arg-type]
        (features * direction).sum().backward()
        return features.detach(), leaf.grad

    for trimmed, padded in zip(gradient("longest"), gradient("context")):
        torch.testing.assert_close(trimmed, padded, rtol=0, atol=1e-5)
