"""``lincir``: LinCIR, language-only training of zero-shot composed image retrieval (CVPR 2024).

Gu, Chun, Kim, Kang, Yun; arXiv 2312.01998.

    s = phi(v),   q = norm(T("a photo of s that ...")),   score = q . norm(v_candidate)

phi is a GELU network of three linear layers (D -> 4 D -> 4 D -> W). It never saw a picture: it learnt to
give a caption back its keywords from the caption's feature (``training/lincir.py``). Changed here: the preset
is chosen from the words, several references and ``without`` are allowed, and phi runs in numpy.
"""

from __future__ import annotations

from sightword.methods.inversion import Inversion

__all__ = ["LinCIR"]


class LinCIR(Inversion):
    """See the module's docstring; parameters as in `Inversion`."""

    name = "lincir"
