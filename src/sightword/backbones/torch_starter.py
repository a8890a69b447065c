"""The starter backbone as differentiable torch modules, read from the very tensors that OpenVINO reads.

The image tower is EfficientNet-Lite0 with its batch norms folded into the convolutions, a learned head, and
a branch of class knowledge; the text tower is a six-layer BERT (MiniLM) with mean pooling.

Shapes: ``pixels`` float [B, 3, H, W] -> [B, D]; ``embeddings`` float [B, T, W] and ``lengths`` int64 [B] ->
[B, D]. Nothing is normalised.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "LITE0_STAGES", "POOLED", "STYLE_STAGES", "TorchStarter", "lite0_convolutions", "load_torch_starter",
    "rooted",
]  # fmt: skip

Tensors: TypeAlias = dict[str, Tensor]

LITE0_STAGES = (
    # kernel, stride, expansion, channels, repeats
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STYLE_STAGES = (1, 2, 3, 4)
"""Stages whose maps also give mean and spread of every channel: strokes, textures and flat areas, which the
last layer of a classifier forgets."""
POOLED = 1280
TOP_CLASSES = 20
LAYER_NORM_EPS = 1e-12


def lite0_convolutions() -> list[tuple[str, int, bool, bool, bool]]:
    """Every convolution of EfficientNet-Lite0 in order.

    Returns
    -------
    list of (name, stride, depthwise, activated, residual)
        `residual` means that the input of the block is added to this convolution's output.
    """
    found = [("trunk.stem", 2, False, True, False)]
    channels = 32
    for stage, (_, stride, expand, out, repeats) in enumerate(LITE0_STAGES):
        for repeat in range(repeats):
            name = f"trunk.blocks.{stage}.{repeat}"
            step = stride if repeat == 0 else 1
            if expand != 1:
                found.append((f"{name}.expand", 1, False, True, False))
            found.append((f"{name}.depthwise", step, True, True, False))
            found.append((f"{name}.project", 1, False, False, step == 1 and channels == out))
            channels = out
    found.append(("trunk.last", 1, False, True, False))
    return found


def rooted(features: Tensor) -> Tensor:
    """What head and gate read: pooled channels (never negative, long-tailed) by their square roots."""
    return torch.cat([(features[:, :POOLED] + 1e-6).sqrt(), features[:, POOLED:]], dim=1)


def _convolve(x: Tensor, weight: Tensor, bias: Tensor, stride: int, depthwise: bool) -> Tensor:
    kernel = weight.shape[-1]
    if kernel > 1:
        # TensorFlow's SAME padding: as much as the stride needs, the odd pixel on the right and below.
        pads = []
        for size in (x.shape[-1], x.shape[-2]):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        x = F.pad(x, pads)
    return F.conv2d(x, weight, bias, stride=stride, groups=x.shape[1] if depthwise else 1)


class TorchStarter:
    """Both towers; parameters are plain tensors in `image` and `text`.

    Parameters
    ----------
    image, text : dict of str to Tensor
        As stored in ``image.safetensors`` and ``text.safetensors``, in the wanted dtype and device.
    token_embedding : Tensor [V, W]
    heads : int
        Attention heads of the text tower.
    """

    def __init__(self, image: Tensors, text: Tensors, token_embedding: Tensor, heads: int = 12) -> None:
        self.image = image
        self.text = text
        self.token_embedding = token_embedding
        self.heads = heads

    def trunk(self, pixels: Tensor, look: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """What the head sees of EfficientNet-Lite0, [B, 1280 + 512].

        The pooled last layer; then, for the last map of each of `STYLE_STAGES`, mean and standard deviation
        of every channel over the picture. `look` sees the last map [B, 1280, h, w] and may replace it
        (training on masked pictures asks which places matter).
        """
        x = pixels
        shortcut = x
        looks = []
        ends = {f"trunk.blocks.{stage}.{LITE0_STAGES[stage][4] - 1}.project" for stage in STYLE_STAGES}
        for name, stride, depthwise, activated, residual in lite0_convolutions():
            if name.endswith(".expand") or (name.endswith(".depthwise") and ".0.0." in name):
                shortcut = x
            x = self.convolved(name, x, stride, depthwise)
            if activated:
                x = x.clamp(0.0, 6.0)
            if residual:
                x = x + shortcut
            if name in ends:
                mean = x.mean(dim=(2, 3))
                spread = (x.square().mean(dim=(2, 3)) - mean.square()).clamp_min(0.0).add(1e-6).sqrt()
                looks += [mean, spread]
        if look is not None:
            x = look(x)
        return torch.cat([x.mean(dim=(2, 3)), *looks], dim=1)

    def convolved(self, name: str, x: Tensor, stride: int, depthwise: bool) -> Tensor:
        """One convolution of the trunk, before its activation; the recipe looks at these."""
        return _convolve(x, self.image[f"{name}.weight"], self.image[f"{name}.bias"], stride, depthwise)

    def patches(self, pixels: Tensor) -> Tensor:
        """What the last map sees at each place: pixels [B, 3, H, W] -> [B, 49, 1280]."""
        found: list[Tensor] = []

        def look(seen: Tensor) -> Tensor:
            found.append(seen)
            return seen

        self.trunk(pixels, look)
        return found[0].flatten(2).transpose(1, 2)

    def head(self, features: Tensor) -> Tensor:
        """The learned head: [B, 1792] -> unit vectors [B, D]."""
        hidden = F.gelu(rooted(features) @ self.image["head.hidden.weight"] + self.image["head.hidden.bias"])
        out = hidden @ self.image["head.out.weight"] + self.image["head.out.bias"]
        return F.normalize(out, dim=-1)

    def knowledge(self, features: Tensor) -> Tensor:
        """Class knowledge [B, D]: gated mix of the vectors of the 20 likeliest class names.

        Open for photographs and for confident answers, nearly shut for drawings.
        """
        logits = features[:, :POOLED] @ self.image["classifier.weight"] + self.image["classifier.bias"]
        top, classes = logits.topk(TOP_CLASSES, dim=-1)
        shares = top.softmax(dim=-1)
        mixed = torch.einsum("bk,bkd->bd", shares, self.image["class_names.weight"][classes])
        direction = self.image["gate.direction"]  # towards photographs
        photo = rooted(features) @ direction[:, None] + self.image["gate.offset"]
        by_photo, by_confidence, bias, weight = self.image["gate.weight"].unbind()
        gate = torch.sigmoid(by_photo * photo + by_confidence * shares[:, :1] + bias)
        return weight * gate * F.normalize(mixed, dim=-1)

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] (preprocessed) -> raw features [B, D]."""
        features = self.trunk(pixels)
        return self.head(features) + self.knowledge(features)

    def encode_embeddings(self, embeddings: Tensor, lengths: Tensor) -> Tensor:
        """Token embeddings [B, T, W] with lengths [B] -> raw features [B, D].

        Differentiable with respect to `embeddings`; rows at and after the length have no influence.
        """
        weights = self.text
        batch, width = embeddings.shape[:2]
        inside = torch.arange(width, device=embeddings.device)[None, :] < lengths[:, None]
        bias = torch.zeros(inside.shape, dtype=embeddings.dtype, device=embeddings.device)
        bias = bias.masked_fill(~inside, torch.finfo(embeddings.dtype).min)[:, None, None, :]
        x = self._norm(embeddings + weights["positions.weight"][:width], "embedding_norm")
        for layer in range(self._layers()):
            name = f"layers.{layer}"
            qkv = x @ weights[f"{name}.qkv.weight"] + weights[f"{name}.qkv.bias"]
            query, key, value = qkv.view(batch, width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
            mixed = mixed.transpose(1, 2).reshape(batch, width, -1)
            x = self._norm(x + mixed @ weights[f"{name}.attended.weight"] + weights[f"{name}.attended.bias"],
                           f"{name}.attended_norm")  # fmt: skip
            inner = F.gelu(x @ weights[f"{name}.inner.weight"] + weights[f"{name}.inner.bias"])
            x = self._norm(x + inner @ weights[f"{name}.outer.weight"] + weights[f"{name}.outer.bias"],
                           f"{name}.outer_norm")  # fmt: skip
        keep = inside.unsqueeze(-1).to(x.dtype)
        return (x * keep).sum(dim=1) / keep.sum(dim=1)

    def _layers(self) -> int:
        return sum(name.endswith(".qkv.bias") for name in self.text)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight = self.text[f"{name}.weight"]
        return F.layer_norm(x, weight.shape, weight, self.text[f"{name}.bias"], LAYER_NORM_EPS)


def load_torch_starter(
    directory: str | Path, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> TorchStarter:
    """Read a shipped starter directory.

    Parameters
    ----------
    directory : path
        Holds ``backbone.json``, ``image.safetensors``, ``text.safetensors``, ``token_embedding.safetensors``.
    device : str
    dtype : torch.dtype
        The tensors are stored in float16 and widened once.
    """
    folder = Path(directory)
    spec = json.loads((folder / "backbone.json").read_text(encoding="utf-8"))

    def read(name: str) -> Tensors:
        return {k: v.to(device=device, dtype=dtype) for k, v in load_file(folder / name).items()}

    heads = int(spec.get("heads", 12))
    embedding = read("token_embedding.safetensors")["weight"]
    return TorchStarter(read("image.safetensors"), read("text.safetensors"), embedding, heads)
