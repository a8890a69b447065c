"""phi: the small network that turns a picture's feature into a word, run in numpy.

A trained phi is a directory (``config.json``, ``model.safetensors``, ``README.md``)::

    config.json  {"schema": 1, "kind": "phi", "method": "pic2word", "activation": "relu" | "gelu",
                  "dim": D, "token_dim": W, "tokens": k,
                  "backbone": {"name": ..., "weights_hash": ...}, ...}
    model.safetensors  layers.0.weight [H, D], layers.0.bias [H], layers.1.weight ... [k W, H]

Linear layers with the activation between them and none at the end. The input is the **raw** feature, the
output is never normalised; feeding it a unit vector would raise no error and give wrong words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.errors import ModelMismatch, ModelUnavailable

__all__ = ["CONFIG", "WEIGHTS", "Phi", "check_backbone", "erf", "gelu", "read_config"]

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
KINDS = ("phi", "combiner", "cirplant", "artemis", "maaf", "tuned")
"""What the directory of a trained method may hold."""


@dataclass(frozen=True)
class Phi:
    """A mapping network from joint space to token space.

    Parameters
    ----------
    layers : tuple of (weight, bias)
        float32 [out, in] and [out].
    activation : {"relu", "gelu"}
        GELU is the exact one (erf), as in torch.
    tokens : int
        k, pseudo-tokens per picture.
    config : dict
        The whole ``config.json``.
    """

    layers: tuple[tuple[Array, Array], ...]
    activation: str
    tokens: int
    config: dict[str, Any]

    @classmethod
    def load(cls, directory: Path) -> Phi:
        """Read a phi directory.

        Raises
        ------
        ModelUnavailable
            A file is missing or contradicts ``config.json``.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        config = read_config(directory, "phi")
        try:
            tensors = load_file(str(directory / WEIGHTS))
            count = len(tensors) // 2
            layers = tuple(
                (
                    np.asarray(tensors[f"layers.{index}.weight"], np.float32),
                    np.asarray(tensors[f"layers.{index}.bias"], np.float32),
                )
                for index in range(count)
            )
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise ModelUnavailable(
                f"{directory / WEIGHTS} cannot be read ({type(error).__name__}: {error})."
            ) from None
        _check_shapes(layers, config, directory)
        return cls(layers, config["activation"], config["tokens"], config)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
    ) -> Phi:
        """Read a phi by the names of `huggingface_hub`.

        Parameters
        ----------
        name : str or Path
            A directory, or a repository ``owner/name`` of the hub.
        revision : str, optional
            Branch, tag or commit of the repository.
        cache_dir : path, optional
            Instead of the hub's own cache.
        local_files_only : bool
            Never ask the network.

        Raises
        ------
        ModelUnavailable
            It is neither here nor can it be fetched, or it is damaged.
        """
        if Path(name).is_dir():
            return cls.load(Path(name))
        from sightword.backbones.hub import fetch_directory

        return cls.load(
            fetch_directory(
                str(name),
                [CONFIG, WEIGHTS],
                what=f"the phi {name}",
                revision=revision,
                cache=cache_dir,
                local_files_only=local_files_only,
            )
        )

    def __call__(self, features: Array) -> Array:
        """Features to pseudo-tokens.

        Parameters
        ----------
        features : float32 [n, D]
            Raw image features.

        Returns
        -------
        float32 [n, k, W]
        """
        hidden = np.asarray(features, np.float32)
        for weight, bias in self.layers[:-1]:
            hidden = _ACTIVATIONS[self.activation](hidden @ weight.T + bias)
        weight, bias = self.layers[-1]
        out: Array = (hidden @ weight.T + bias).reshape(len(features), self.tokens, -1)
        return out

    def check(self, spec: BackboneSpec, name: str) -> None:
        """Refuse another backbone than the one this phi was trained on.

        Raises
        ------
        ModelMismatch
        """
        check_backbone(self.config, spec, name)


def check_backbone(config: dict[str, Any], spec: BackboneSpec, name: str) -> None:
    """Refuse another backbone than the one a method's ``config.json`` names.

    Raises
    ------
    ModelMismatch
    """
    trained = config["backbone"]
    if trained["weights_hash"] != spec.weights_hash:
        raise ModelMismatch(
            f"{name} was trained for the backbone {trained.get('name', 'unknown')!r} "
            f"({trained['weights_hash'][:12]}), not for {spec.name!r} ({spec.weights_hash[:12]}).",
            f"Choose --backbone {trained.get('name', 'NAME')}, or train it again: `sightword train`.",
        )


def read_config(directory: Path, kind: str | None = None) -> dict[str, Any]:
    """Read and check the ``config.json`` of a trained method.

    Parameters
    ----------
    directory : Path
    kind : str, optional
        What it must be, one of `KINDS`; None takes any.

    Raises
    ------
    ModelUnavailable
        It is missing, unreadable, or of a kind this version does not run.
    """
    path = directory / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelUnavailable(
            f"{directory} is not a trained method: it has no {CONFIG}.", "See `sightword models list`."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}.") from None
    problem = _problem(config)
    if not problem and kind not in (None, config["kind"]):
        problem = f"it does not describe a {kind}"
    if problem:
        raise ModelUnavailable(f"{path}: {problem}.", "Export or train the method again.")
    return dict(config)


def erf(x: Array) -> Array:
    """The error function, without scipy.

    Abramowitz and Stegun 7.1.26, computed in float64: absolute error below 1.5e-7, about one unit in the
    last place of float32.
    """
    wide = np.asarray(x, np.float64)
    t = 1.0 / (1.0 + 0.3275911 * np.abs(wide))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    out: Array = (np.sign(wide) * (1.0 - series * np.exp(-wide * wide))).astype(np.float32)
    return out


def gelu(x: Array) -> Array:
    """The exact GELU, as in torch."""
    out: Array = 0.5 * x * (1.0 + erf(x * np.float32(0.7071067811865476)))
    return out


def _relu(x: Array) -> Array:
    out: Array = np.maximum(x, np.float32(0))
    return out


_ACTIVATIONS = {"relu": _relu, "gelu": gelu}


def _problem(config: Any) -> str:
    if not isinstance(config, dict) or config.get("kind") not in KINDS:
        return "it does not describe a phi or another trained method that this version runs"
    phi = config["kind"] == "phi"
    if config.get("schema") != 1:
        return f"schema {config.get('schema')!r} is not one this version reads"
    if phi and config.get("activation") not in _ACTIVATIONS:
        return f"activation {config.get('activation')!r} is not one this version runs"
    if not isinstance(config.get("method"), str):
        return "it does not name its method"
    for name in ("dim", "token_dim", "tokens") if phi else ("dim",):
        value = config.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            return f"{name} is {value!r}"
    backbone = config.get("backbone")
    if not isinstance(backbone, dict) or not isinstance(backbone.get("weights_hash"), str):
        return "it is not bound to a backbone (backbone.weights_hash)"
    return ""


def _check_shapes(layers: tuple[tuple[Array, Array], ...], config: dict[str, Any], directory: Path) -> None:
    width = config["dim"]
    for index, (weight, bias) in enumerate(layers):
        if weight.ndim != 2 or weight.shape[1] != width or bias.shape != (weight.shape[0],):
            raise ModelUnavailable(
                f"{directory / WEIGHTS}: layer {index} has shape {weight.shape} where {width} values come in."
            )
        width = weight.shape[0]
    if not layers or width != config["token_dim"] * config["tokens"]:
        raise ModelUnavailable(
            f"{directory / WEIGHTS} answers with {width} values, {CONFIG} promises "
            f"{config['tokens']} x {config['token_dim']}."
        )
