"""A prompt's beginning read once equals the whole prompt, and so do its gradients."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sightword.prompts import parse_prompt

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytest.importorskip("open_clip", reason="the towers are open_clip's")
pytestmark = pytest.mark.slow

from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg  # noqa: E402

from sightword.backbones.base import BackboneSpec  # noqa: E402
from sightword.backbones.torch_clip.bpe import END, START, VOCABULARY, clip_bpe  # noqa: E402
from sightword.backbones.torch_clip.runtime import TorchBackbone  # noqa: E402
from sightword.backbones.torch_clip.text_tower import TextTower  # noqa: E402
from sightword.methods.torch_prefix import prefix_tower  # noqa: E402
from sightword.methods.torch_words import PromptEncoder, RowEncoder  # noqa: E402


@pytest.fixture(scope="module")
def backbone() -> TorchBackbone:
    torch.manual_seed(0)
    vision = CLIPVisionCfg(layers=1, width=32, head_width=16, patch_size=16, image_size=32)
    text = CLIPTextCfg(context_length=20, vocab_size=VOCABULARY, width=32, heads=2, layers=3)
    model = CLIP(24, vision, text, quick_gelu=True).eval().requires_grad_(False)
    spec = BackboneSpec(
        name="made", dim=24, token_dim=32, context=20, prefix_ids=(START,), suffix_ids=(END,), pad_id=0,
        mask="causal", pool="eot", pad_to="longest", clean="clip", weights_hash="0" * 64,
    )  # fmt: skip
    return TorchBackbone(
        spec, clip_bpe(), image=model.visual, text=TextTower(model, "eot").eval(),
        table=model.token_embedding.weight.detach(), device=torch.device("cpu"), dtype=torch.float32,
    )  # fmt: skip


@pytest.mark.parametrize("tokens", [1, 3])
@pytest.mark.parametrize("prompt", ["a photo of {*}", "{*}", "a cat and {*} that is red"])
def test_it_equals_the_whole(backbone: TorchBackbone, tokens: int, prompt: str) -> None:
    rows = RowEncoder(backbone, backbone)
    encoder = PromptEncoder(rows, backbone, parse_prompt(prompt), tokens)
    assert encoder._behind is not None  # the start of the text is a prefix, too
    words = torch.randn(5, tokens, 32, generator=torch.Generator().manual_seed(1))
    direction = torch.randn(5, 24, generator=torch.Generator().manual_seed(2))
    results = []
    for encode in (encoder, lambda s: rows([encoder._row] * 5, s)):
        leaf = words.clone().requires_grad_()
        features = encode(leaf)
        (features * direction).sum().backward()
        results.append((features.detach(), leaf.grad))
    for one, whole in zip(*results):
        torch.testing.assert_close(one, whole, rtol=0, atol=1e-5)
    expected = backbone.encode_prompts([parse_prompt(prompt)] * 5, [[word] for word in words.numpy()])
    np.testing.assert_allclose(results[0][0].numpy(), expected, atol=1e-5)


def test_where_it_would_not_be_exact_it_is_not_used(backbone: TorchBackbone) -> None:
    for change in ({"mask": "none"}, {"pool": "last"}, {"pad_to": "context"}):
        assert prefix_tower(backbone, dataclasses.replace(backbone.spec, **change)) is None  # type: ignore[arg-type]
    assert prefix_tower(object(), backbone.spec) is None
