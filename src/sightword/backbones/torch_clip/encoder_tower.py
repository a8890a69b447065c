"""A Hugging Face encoder as open_clip's text tower, entered at the token embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sightword.errors import ModelUnavailable

__all__ = ["EncoderTower", "encoder_table"]

SUPPORTED = ("bert", "roberta", "xlm-roberta", "mt5", "m2m_100")


class EncoderTower(nn.Module):  # type: ignore[misc]
    """Encoder, pooling over the text (not the padding) and projection.

    Parameters
    ----------
    text : open_clip HFTextEncoder
    pool : {"mean", "cls"}

    Raises
    ------
    ModelUnavailable
        The encoder is of an architecture that is not supported.
    """

    def __init__(self, text: Any, pool: str) -> None:
        super().__init__()
        kind = text.config.model_type
        if kind not in SUPPORTED:
            raise ModelUnavailable(
                f"Text towers of the architecture {kind!r} are not supported ({', '.join(SUPPORTED)} are)."
            )
        self.encoder = text.transformer
        self.projection = text.proj
        self.pool = pool
        self.pooled = pool == "cls" and getattr(text.pooler, "use_pooler_output", False)

    def forward(self, embeddings: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings [B, T, W] and lengths int64 [B] -> [B, D], not normalised."""
        steps = torch.arange(embeddings.shape[1], device=embeddings.device)
        inside = steps[None, :] < lengths[:, None]
        out = self.encoder(inputs_embeds=embeddings, attention_mask=inside.long())
        if self.pool == "mean":
            keep = inside[..., None].to(embeddings.dtype)
            pooled = (out.last_hidden_state * keep).sum(dim=1) / keep.sum(dim=1)
        elif self.pooled and getattr(out, "pooler_output", None) is not None:
            pooled = out.pooler_output
        else:
            pooled = out.last_hidden_state[:, 0]
        result: Tensor = self.projection(pooled)
        return result


def encoder_table(text: Any) -> Tensor:
    """The token table [V, W] as the encoder consumes its rows (some scale them first)."""
    words = text.transformer.get_input_embeddings()
    with torch.no_grad():
        table: Tensor = words(torch.arange(words.num_embeddings, device=words.weight.device))
    return table.detach()
