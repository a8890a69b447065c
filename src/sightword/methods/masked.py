"""``masked``: composed retrieval learnt from masked image-text pairs (ICIP 2024), a re-implementation.

Zhang, Yanagi, Togo, Ogawa, Haseyama; arXiv 2406.18836.

    s = phi(v),   q = norm(T("a photo of s that ...")),   score = q . norm(v_candidate)

phi is a GELU network of three linear layers (D -> 4 D -> 4 D -> W). In training the caption lost a noun and
the picture everything but that noun, and together they had to find the whole picture (``training/masked.py``,
which lists the choices that are ours: the paper leaves many open).
"""

from __future__ import annotations

from sightword.methods.inversion import Inversion

__all__ = ["Masked"]


class Masked(Inversion):
    """See the module's docstring; parameters as in `Inversion`."""

    name = "masked"
