"""One sha256 over a model's tensors: the same weights have the same hash, whatever file they came in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from torch import Tensor

__all__ = ["hash_tensors"]

_IGNORED = ("logit_scale", "logit_bias")


def hash_tensors(tensors: Mapping[str, Tensor], *facts: str) -> str:
    """Hash of names, shapes and float32 values.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        A state dict; ``text.`` in front of a name, which some of open_clip's classes add, does not count.
    *facts : str
        What changes the answers without being a tensor, such as the activation.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    names = sorted(name for name in tensors if name not in _IGNORED)

    def one(name: str) -> str:
        values = tensors[name].detach().cpu().float().reshape(-1).contiguous()
        inner = hashlib.sha256(values.numpy().data)  # not copied: the largest models have ten gigabytes
        return f"{name.removeprefix('text.')} {list(tensors[name].shape)} {inner.hexdigest()}\n"

    with ThreadPoolExecutor() as pool:  # hashing releases the interpreter
        lines = sorted(pool.map(one, names))
    return hashlib.sha256("".join([*facts, *lines]).encode()).hexdigest()
