"""Pic2Word's objective (arXiv 2302.03084): "a photo of s" must mean the picture that s was made from.

    s = M(v)                        v: raw feature of the frozen image tower
    p = T("a photo of s")           T: frozen text tower
    S = scale V^ P^T                V^, P^ of unit length; scale: the backbone's own
    L = (CE(S, i) + CE(S^T, i)) / 2 + align (1 - mean cosine of the pairs)

M is Linear(D, H), dropout, ReLU, Linear(H, H), dropout, ReLU, Linear(H, k W), as in the paper's code.
Changed: the pictures' features are computed once and kept (no augmentation), k tokens are allowed,
`prompts` may name several prompts, of which each step takes one, and `align` (0 in the paper) may pull the
pairs together further than telling them apart needs: the contrastive part is satisfied early by small
backbones, at cosines of 0.6, and composition suffers from the rest of the way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.backbones.tokenize import GAP, PromptTokenizer
from sightword.errors import UsageError
from sightword.prompts import Prompt, parse_prompt
from sightword.training.loop import LoopSettings, need_torch, train
from sightword.training.save import save_phi

if TYPE_CHECKING:
    import torch

__all__ = ["PROMPTS", "PromptEncoder", "TextTower", "info_nce", "main", "make_network", "train_pic2word"]

PROMPTS = ("a photo of {*}",)


class TextTower(Protocol):
    """The differentiable text tower."""

    def encode_embeddings(self, embeddings: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """float32 [B, T, W] and int64 [B] -> float32 [B, D], not normalised."""
        ...


class Readable(Protocol):
    """What is needed of a loaded backbone besides its text tower."""

    spec: BackboneSpec

    @property
    def tokenizer(self) -> PromptTokenizer:
        """Its tokenizer."""
        ...

    def token_embedding(self) -> Array:
        """float32 [V, W]."""
        ...


class PromptEncoder:
    """Encodes one prompt around a batch of pseudo-tokens, differentiably.

    Parameters
    ----------
    tower : TextTower
    backbone : Readable
    prompt : Prompt
        With one slot.
    tokens : int
        k.
    """

    def __init__(self, tower: TextTower, backbone: Readable, prompt: Prompt, tokens: int) -> None:
        torch = need_torch()
        if prompt.slots != 1:
            raise UsageError(f"The training prompt {str(prompt)!r} needs exactly one slot.")
        row = backbone.tokenizer.encode(prompt, [tokens])
        spec = backbone.spec
        width = len(row) if spec.pad_to == "longest" else spec.context
        ids = np.full(width, spec.pad_id)
        ids[: len(row)] = row.ids
        table = backbone.token_embedding()
        self._tower = tower
        self._length = len(row)
        self._gaps = torch.from_numpy(np.flatnonzero(ids == GAP))
        self._frame = torch.from_numpy(table[np.where(ids == GAP, spec.pad_id, ids)])

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Pseudo-tokens [B, k, W] -> features [B, D], not normalised."""
        torch = need_torch()
        frame = self._frame.to(tokens)
        rows = frame.expand(len(tokens), -1, -1).index_copy(1, self._gaps.to(tokens.device), tokens)
        lengths = torch.full((len(tokens),), self._length, dtype=torch.int64, device=tokens.device)
        return self._tower.encode_embeddings(rows, lengths)


def make_network(dim: int, hidden: int, out: int, *, dropout: float = 0.1) -> torch.nn.Sequential:
    """M: three linear layers, ReLU and dropout between them."""
    nn = need_torch().nn
    return nn.Sequential(
        nn.Linear(dim, hidden),
        nn.Dropout(dropout),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.Dropout(dropout),
        nn.ReLU(),
        nn.Linear(hidden, out),
    )


def info_nce(pictures: torch.Tensor, texts: torch.Tensor, scale: float) -> torch.Tensor:
    """Symmetric contrastive loss of B pairs [B, D]; both sides are brought to unit length here."""
    torch = need_torch()
    functional = torch.nn.functional
    scores = scale * functional.normalize(pictures, dim=-1) @ functional.normalize(texts, dim=-1).T
    target = torch.arange(len(scores), device=scores.device)
    return 0.5 * (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target))


def train_pic2word(
    features: Array,
    text_tower: TextTower,
    out_dir: Path,
    *,
    backbone: Readable,
    steps: int,
    batch: int = 256,
    lr: float = 1e-4,
    warmup: int | None = None,
    seed: int = 0,
    hidden: int = 512,
    tokens: int = 1,
    dropout: float = 0.1,
    prompts: Sequence[str] = PROMPTS,
    scale: float | None = None,
    align: float = 0.0,
    held_out: Array | None = None,
    half: bool = False,
    description: str = "",
    progress: bool = True,
    device: str = "cpu",
) -> dict[str, Any]:
    """Train a phi and write its directory.

    Parameters
    ----------
    features : float32 [N, D]
        Raw image features of the training pictures.
    text_tower : TextTower
        The backbone's text tower in torch; its weights stay as they are.
    out_dir : Path
    backbone : Readable
        The loaded backbone: its spec, tokenizer and token table.
    steps, batch, lr, warmup, seed
        See `LoopSettings`; `warmup` is a tenth of the steps unless given.
    hidden : int
        H, width of the hidden layers.
    tokens : int
        k, pseudo-tokens per picture.
    dropout : float
    prompts : sequence of str
        Each with one ``{*}``; steps take turns.
    scale : float, optional
        Of the scores; the backbone's own unless given.
    align : float
        Weight of the cosine term.
    held_out : float32 [M, D], optional
        Measured before and after training, never trained on.
    half : bool
        Store float16.
    description : str
        For the card: which pictures, under which licence.
    progress : bool
    device : str

    Returns
    -------
    dict
        What ``training.json`` says: settings, curve, ``held_out`` measurements.
    """
    torch_ = need_torch()
    spec = backbone.spec
    if features.ndim != 2 or features.shape[1] != spec.dim:
        raise UsageError(f"Features for {spec.name} are [N, {spec.dim}], not {list(features.shape)}.")
    settings = LoopSettings(
        steps=steps, batch=batch, lr=lr, warmup=steps // 10 if warmup is None else warmup, seed=seed
    )
    scale = spec.logit_scale if scale is None else scale
    encoders = [PromptEncoder(text_tower, backbone, parse_prompt(prompt), tokens) for prompt in prompts]
    with torch_.random.fork_rng(devices=[]):
        torch_.manual_seed(seed)
        network = make_network(spec.dim, hidden, tokens * spec.token_dim, dropout=dropout).to(device)
    pictures = torch_.from_numpy(np.ascontiguousarray(features, np.float32)).to(device)
    step = 0

    def loss_of(rows: torch.Tensor) -> torch.Tensor:
        nonlocal step
        v = pictures[rows.to(device)]
        words = network(v).view(len(v), tokens, spec.token_dim)
        step += 1
        texts = encoders[(step - 1) % len(encoders)](words)
        loss = info_nce(v, texts, scale)
        if align:
            loss = loss + align * (1 - torch_.nn.functional.cosine_similarity(v, texts).mean())
        return loss

    def measure() -> dict[str, float] | None:
        return None if held_out is None else _measure(network, encoders[0], held_out, tokens, device)

    before, began = measure(), time.monotonic()
    curve = train(network, loss_of, len(pictures), settings, progress=progress)
    training = {
        "settings": asdict(settings),
        "network": {"hidden": hidden, "tokens": tokens, "dropout": dropout},
        "prompts": list(prompts),
        "scale": scale,
        "align": align,
        "pictures": len(pictures),
        "seconds": round(time.monotonic() - began, 1),
        "torch": torch_.__version__,
        "threads": torch_.get_num_threads(),
        "curve": [[item.step, round(item.loss, 5)] for item in curve[:: max(1, len(curve) // 100)]],
        "final_loss": round(float(np.mean([item.loss for item in curve[-20:]])), 5),
        "held_out": {"before": before, "after": measure()},
    }
    layers = [
        (layer.weight.detach().cpu().numpy(), layer.bias.detach().cpu().numpy())
        for layer in network
        if isinstance(layer, torch_.nn.Linear)
    ]
    save_phi(
        out_dir,
        layers,
        method="pic2word",
        activation="relu",
        tokens=tokens,
        spec=spec,
        training=training,
        description=description,
        half=half,
    )
    return training


def _measure(
    network: Any, encoder: PromptEncoder, pictures: Array, tokens: int, device: str
) -> dict[str, float]:
    """How well "a photo of s" finds its own picture among the held-out ones."""
    torch = need_torch()
    was_training = network.training
    network.eval()
    v = torch.from_numpy(np.ascontiguousarray(pictures, np.float32)).to(device)
    with torch.no_grad():
        texts = torch.cat([encoder(network(part).view(len(part), tokens, -1)) for part in v.split(256)])
        unit = torch.nn.functional.normalize
        scores = unit(texts, dim=-1) @ unit(v, dim=-1).T
        own = scores.diagonal()
        rank = (scores > own[:, None]).sum(dim=1)
    network.train(was_training)
    return {
        "cosine": round(float(own.mean()), 5),
        "recall_at_1": round(float((rank < 1).float().mean()), 5),
        "recall_at_10": round(float((rank < 10).float().mean()), 5),
        "pictures": len(v),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """``python -m sightword.training.pic2word``: the door that the starter's recipe uses."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m sightword.training.pic2word", description=main.__doc__)
    parser.add_argument(
        "--features", type=Path, required=True, help="float32 [N, D] .npy, raw image features"
    )
    parser.add_argument("--held-out", type=Path, help="float32 [M, D] .npy, measured and never trained on")
    parser.add_argument("--backbone", default="starter")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--description", default="")
    parser.add_argument("--prompt", action="append", help="training prompt with one {*}; may be repeated")
    parser.add_argument("--half", action="store_true", help="store float16")
    parser.add_argument("--threads", type=int)
    for name, kind, default in (
        ("steps", int, 2000),
        ("batch", int, 256),
        ("lr", float, 1e-4),
        ("seed", int, 0),
        ("hidden", int, 512),
        ("tokens", int, 1),
        ("scale", float, None),
        ("align", float, 0.0),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default)
    given = parser.parse_args(argv)
    torch = need_torch()
    if given.threads:
        torch.set_num_threads(given.threads)
    from sightword.backbones.openvino_runtime import OpenVINOBackbone
    from sightword.backbones.registry import resolve
    from sightword.backbones.torch_starter import load_torch_starter

    directory = resolve(given.backbone)
    training = train_pic2word(
        np.load(given.features, allow_pickle=False),
        load_torch_starter(directory),
        given.out,
        backbone=OpenVINOBackbone(directory, threads=given.threads),
        steps=given.steps,
        batch=given.batch,
        lr=given.lr,
        seed=given.seed,
        hidden=given.hidden,
        tokens=given.tokens,
        scale=given.scale,
        align=given.align,
        prompts=tuple(given.prompt or PROMPTS),
        held_out=np.load(given.held_out, allow_pickle=False) if given.held_out else None,
        half=given.half,
        description=given.description,
    )
    print(f"{given.out}: loss {training['final_loss']}, held out {training['held_out']['after']}")


if __name__ == "__main__":
    main()
