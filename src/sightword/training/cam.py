"""Where in a picture a word is: Grad-CAM of cos(picture, word).

    A    feature map [C, h, w];  a_c = mean over places of d cos / d A_c;  cam = max(0, sum a_c A_c)

ViT: A is the output of the first layer norm of the last block, over the patch grid. CNN trunks: the last
feature map. The map is brought to [0, 1] per picture and enlarged bilinearly to the input's size. (Which CAM
the masked-pairs paper used is not known; this is our choice.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from sightword.errors import ModelUnavailable

__all__ = ["Watched", "cam", "keep_area", "watched_tower"]


class Watched(Protocol):
    """An image tower whose feature map can be looked at."""

    def __call__(self, pixels: Tensor, look: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Pixels [B, 3, S, S] -> raw features [B, D]; `look` gets the map [B, C, h, w] and may replace it."""
        ...


def watched_tower(backbone: Any, *, device: str = "cpu") -> Watched:
    """The image tower of a loaded backbone in torch.

    Raises
    ------
    ModelUnavailable
        It cannot be looked into.
    """
    from sightword.backbones.torch_starter import TorchStarter, load_torch_starter

    image = getattr(backbone, "image", None)
    starter = getattr(image, "__self__", None)
    if isinstance(starter, TorchStarter):
        return _Starter(starter)
    if image is not None and hasattr(getattr(image, "transformer", None), "resblocks"):
        return _ViT(image)
    directory = getattr(backbone, "directory", None)
    if directory is not None and (directory / "image.safetensors").is_file():
        return _Starter(load_torch_starter(directory, device=device))
    raise ModelUnavailable(
        f"The image tower of {backbone.spec.name!r} cannot be looked into.",
        "Masked training reads the starter and open_clip's ViTs.",
    )


class _Starter:
    def __init__(self, tower: Any) -> None:
        self._tower = tower

    def __call__(self, pixels: Tensor, look: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        features = self._tower.trunk(pixels, look)
        answer: Tensor = self._tower.head(features) + self._tower.knowledge(features)
        return answer


class _ViT:
    """open_clip's vision transformer.

    Parameters
    ----------
    visual : torch.nn.Module
        With ``transformer.resblocks[-1].ln_1``; a class token, if any, comes first.
    """

    def __init__(self, visual: Any) -> None:
        self._visual = visual
        self._layer = visual.transformer.resblocks[-1].ln_1
        self._batch_first = bool(getattr(visual.transformer, "batch_first", True))

    def __call__(self, pixels: Tensor, look: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        kind = next(self._visual.parameters())
        pixels = pixels.to(kind.device, kind.dtype)
        if look is None:
            return self._features(pixels)

        def hook(module: Any, given: Any, tokens: Tensor) -> Tensor:
            x = tokens if self._batch_first else tokens.transpose(0, 1)
            side = math.isqrt(x.shape[1])
            extra = x.shape[1] - side * side
            grid = x[:, extra:].transpose(1, 2).unflatten(2, (side, side))
            x = torch.cat([x[:, :extra], look(grid).flatten(2).transpose(1, 2)], dim=1)
            return x if self._batch_first else x.transpose(0, 1)

        handle = self._layer.register_forward_hook(hook)
        try:
            return self._features(pixels)
        finally:
            handle.remove()

    def _features(self, pixels: Tensor) -> Tensor:
        out = self._visual(pixels)
        features: Tensor = out[0] if isinstance(out, tuple) else out
        return features.float()


def cam(tower: Watched, pixels: Tensor, words: Tensor) -> Tensor:
    """Class activation maps.

    Parameters
    ----------
    tower : Watched
    pixels : float32 [B, 3, S, S]
        Preprocessed.
    words : float32 [B, D]
        Features of the words to look for, such as of "a photo of a dog".

    Returns
    -------
    float32 [B, S, S]
        In [0, 1]; all zero where nothing speaks for the word.
    """
    seen: list[Tensor] = []

    def look(found: Tensor) -> Tensor:
        seen.append(found.detach().requires_grad_())
        return seen[-1]

    with torch.enable_grad():
        features = tower(pixels, look)
        score = torch.nn.functional.cosine_similarity(features, words.to(features), dim=-1).sum()
        (gradient,) = torch.autograd.grad(score, seen)
    with torch.no_grad():
        weights = gradient.float().mean(dim=(2, 3), keepdim=True)
        found = (weights * seen[0].float()).sum(dim=1, keepdim=True).clamp_min(0)
        low, high = found.amin(dim=(2, 3), keepdim=True), found.amax(dim=(2, 3), keepdim=True)
        scaled = (found - low) / (high - low).clamp_min(1e-12)
        size = pixels.shape[-2:]
        return torch.nn.functional.interpolate(scaled, size, mode="bilinear", align_corners=False)[:, 0]


def keep_area(pixels: Tensor, maps: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Keep the places whose score reaches the threshold; the others become the mean colour.

    Parameters
    ----------
    pixels : float32 [B, 3, S, S]
        Normalised, so that the mean colour is 0.
    maps : float32 [B, S, S]
    threshold : float
        tau.

    Returns
    -------
    pixels : float32 [B, 3, S, S]
    area : float32 [B]
        Share of the picture that was kept.
    """
    kept = (maps >= threshold).to(pixels)
    return pixels * kept[:, None], kept.mean(dim=(1, 2))
