"""``searle-oti``: SEARLE-OTI, a pseudo-word found by descent for each reference picture (ICCV 2023).

Baldrati, Agnolucci, Bertini, Del Bimbo; arXiv 2303.15247.

    s = argmin of  1 - cos(T("a photo of s"), v)  with phrases about similar concepts beside it
    q = norm(T("a photo of s that ...")),   score = q . norm(v_candidate)

Needs torch and seconds for each picture (``torch_oti.py``); no training. A directory written by
``sightword train searle-oti`` remembers the pseudo-words of its pictures, so those cost nothing::

    config.json        {"schema": 1, "kind": "oti", "method": "searle-oti", "dim", "token_dim", "tokens",
                        "backbone"}
    model.safetensors  tokens [N, k, W], features [N, D] (raw)
    names.txt          N lines
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, Backbone
from sightword.errors import ModelMismatch, ModelUnavailable
from sightword.methods.inversion import Inversion, References
from sightword.methods.vectors import unit

__all__ = ["NAMES", "OTITokens", "OnDemand", "SearleOTI", "can_descend", "load_oti", "read_oti"]

NAMES = "names.txt"
SAME = 0.995
"""Cosine from which a feature is that of a remembered picture: bfloat16 and float32 of one picture differ by
less (the starter's by .002 at the most, of 160), and pictures nearer than this may share their words."""


class OTITokens:
    """Remembered pseudo-words.

    Attributes
    ----------
    tokens : float32 [N, k, W]
    features : float32 [N, D]
        Raw.
    names : list of str
    config : dict
    """

    def __init__(self, tokens: Array, features: Array, names: list[str], config: dict[str, Any]) -> None:
        self.tokens, self.features, self.names, self.config = tokens, features, names, config
        self._units = unit(features) if len(features) else features

    def find(self, feature: Array) -> Array | None:
        """The pseudo-word [k, W] of a picture that is remembered."""
        if not len(self._units):
            return None
        scores = self._units @ unit(feature[None])[0]
        best = int(scores.argmax())
        found: Array = self.tokens[best]
        return found if scores[best] > SAME else None


class OnDemand:
    """Stands where other methods have a phi: features [n, D] -> pseudo-words [n, k, W].

    Parameters
    ----------
    backbone : Backbone
    remembered : OTITokens, optional
    steps, tokens : int
        Of the descent; k.
    phrases : bool
        Whether phrases about similar concepts take part (the paper's way; slower).
    device : str
    """

    def __init__(
        self,
        backbone: Backbone,
        remembered: OTITokens | None = None,
        *,
        steps: int = 350,
        tokens: int = 1,
        phrases: bool = True,
        device: str = "cpu",
    ) -> None:
        self.tokens = remembered.config["tokens"] if remembered else tokens
        self._backbone, self._remembered, self._device = backbone, remembered, device
        self._steps, self._phrases = steps, phrases
        self._tower: Any = None
        self._known: dict[bytes, Array] = {}

    def __call__(self, features: Array) -> Array:
        """See `Phi.__call__`."""
        features = np.asarray(features, np.float32)
        keys = [feature.tobytes() for feature in features]
        for key, feature in zip(keys, features):
            if key not in self._known and self._remembered is not None:
                word = self._remembered.find(feature)
                if word is not None:
                    self._known[key] = word
        missing = [index for index, key in enumerate(keys) if key not in self._known]
        if missing:
            for index, word in zip(missing, self._descend(features[missing])):
                self._known[keys[index]] = word
        return np.stack([self._known[key] for key in keys])

    def _descend(self, features: Array) -> Array:
        try:
            from sightword.methods import torch_oti, torch_words
        except ImportError:
            raise ModelUnavailable(
                "searle-oti looks for its pseudo-words with torch, which is not installed.",
                "Run `pip install 'sightword[torch]'`, or choose a trained method such as searle.",
            ) from None
        from sightword.methods.phrases import PhraseBook

        if self._tower is None:
            self._tower = torch_words.text_tower(self._backbone, device=self._device)
        settings = torch_oti.OTISettings(steps=self._steps, tokens=self.tokens)
        book = PhraseBook.default() if self._phrases else None
        # One at a time: the answer must not depend on what was asked before.
        backbone: Any = self._backbone
        return np.concatenate(
            [
                torch_oti.invert(
                    feature[None], self._tower, backbone, settings, book=book, device=self._device
                )
                for feature in features
            ]
        )


class SearleOTI(Inversion):
    """See the module's docstring.

    Parameters
    ----------
    phi : OnDemand
    templates, references
        As in `Inversion`.
    """

    name = "searle-oti"
    needs = frozenset({"torch"})

    def __init__(
        self,
        phi: OnDemand,
        *,
        templates: list[str] | None = None,
        references: References = "mean",
    ) -> None:
        super().__init__(phi, templates=templates, references=references)


def can_descend(backbone: Backbone) -> bool:
    """Whether pseudo-words can be searched for here: torch is installed and can read the text tower."""
    directory = getattr(backbone, "directory", None)
    readable = hasattr(backbone, "encode_embeddings") or (
        directory is not None and (directory / "text.safetensors").is_file()
    )
    return readable and find_spec("torch") is not None


def read_oti(directory: Path, backbone: Backbone) -> OTITokens:
    """Read a directory of remembered pseudo-words for a backbone.

    Raises
    ------
    ModelUnavailable
        A file is missing or contradicts the others.
    ModelMismatch
        It belongs to another backbone.
    """
    found, spec = load_oti(directory), backbone.spec
    trained = found.config["backbone"]
    if trained["weights_hash"] != spec.weights_hash:
        raise ModelMismatch(
            f"{directory} was made for the backbone {trained.get('name', '?')!r}, not for {spec.name!r}.",
            "Choose that backbone, or make it again: `sightword train searle-oti`.",
        )
    if found.tokens.shape[2] != spec.token_dim or found.features.shape[1] != spec.dim:
        raise ModelUnavailable(
            f"{directory} holds tokens {list(found.tokens.shape)} and features {list(found.features.shape)}, "
            f"which do not fit {spec.name}."
        )
    return found


def load_oti(directory: Path) -> OTITokens:
    """Read a directory of remembered pseudo-words, whatever backbone they are for.

    Raises
    ------
    ModelUnavailable
        A file is missing or contradicts the others.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        tensors = load_file(str(directory / "model.safetensors"))
        names = (directory / NAMES).read_text(encoding="utf-8").splitlines()
        tokens, features = (np.asarray(tensors[name], np.float32) for name in ("tokens", "features"))
        if config["kind"] != "oti" or len(tokens) != len(names) or len(features) != len(names):
            raise ValueError("its files contradict each other")
        shape = (len(names), config["tokens"], config["token_dim"])
        if tokens.shape != shape or features.shape != (len(names), config["dim"]):
            raise ValueError(f"tokens are {list(tokens.shape)}, features {list(features.shape)}")
        _ = config["backbone"]["weights_hash"], config["method"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"{directory} holds no pseudo-words that can be read ({error}).") from None
    return OTITokens(tokens, features, names, config)
