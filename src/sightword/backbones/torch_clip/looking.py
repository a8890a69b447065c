"""open_clip's image towers, with the patches that they pool: the rows of a transformer, the maps of a CNN.

Where they are read:

* open_clip's vision transformer: behind ``ln_post`` where that comes before pooling, else behind the blocks
* open_clip's ResNet: behind ``layer4``
* towers of timm: what ``forward_features`` gives, where that is rows [B, T, C] or maps [B, C, h, w]

Other towers have none.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

__all__ = ["Looking", "looking"]


class Looking(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """An image tower that also gives its patches.

    Parameters
    ----------
    visual : nn.Module
        The tower.
    layer : nn.Module, optional
        Whose output holds the patches; None for timm's towers.
    skip : int
        Rows that stand for no place.
    """

    def __init__(self, visual: nn.Module, layer: nn.Module | None, skip: int) -> None:
        super().__init__()
        self.visual = visual
        self.skip = skip
        # In a list, or the layer would count as a second part of this module.
        self._layer = [layer]

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels [B, 3, S, S] -> features [B, D], and rows [B, T, C] or maps [B, C, h, w]."""
        visual: Any = self.visual
        layer = self._layer[0]
        if layer is None:
            seen = visual.trunk.forward_features(pixels)
            return visual.head(visual.trunk.forward_head(seen)), seen
        found: list[Tensor] = []
        handle = layer.register_forward_hook(lambda module, given, out: found.append(out))
        try:
            return visual(pixels), found[0]
        finally:
            handle.remove()

    def patches(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] -> patches [B, N, C]."""
        seen = self(pixels)[1]
        return seen.flatten(2).transpose(1, 2) if seen.ndim == 4 else seen[:, self.skip :]


def looking(visual: Any) -> Looking | None:
    """The tower with its patches; None for a kind that is not known."""
    if hasattr(getattr(visual, "transformer", None), "resblocks"):
        late = getattr(visual, "final_ln_after_pool", False) or getattr(visual, "attn_pool", None) is not None
        return Looking(visual, visual.transformer if late else visual.ln_post, 1)
    if hasattr(visual, "layer4") and hasattr(visual, "attnpool"):
        return Looking(visual, visual.layer4, 0)
    trunk: Any = getattr(visual, "trunk", None)
    if not (hasattr(trunk, "forward_features") and hasattr(visual, "head")):
        return None
    places = "patch_embed" in dict(trunk.named_children()) and hasattr(trunk, "num_prefix_tokens")
    maps = str(getattr(trunk, "output_fmt", "NCHW")).endswith("NCHW") and hasattr(trunk, "stages")
    return Looking(visual, None, trunk.num_prefix_tokens if places else 0) if places or maps else None
