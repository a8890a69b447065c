"""``searle``: SEARLE, zero-shot composed image retrieval with textual inversion (ICCV 2023).

Baldrati, Agnolucci, Bertini, Del Bimbo; arXiv 2303.15247.

    s = phi(v),   q = norm(T("a photo of s that ...")),   score = q . norm(v_candidate)

phi is a GELU network of three linear layers (D -> 4 D -> 4 D -> W) on the raw feature, distilled from
pseudo-words that were found by descent, one picture at a time (``training/searle.py``, `SearleOTI`). Changed
here: several references and ``without`` are allowed, and phi runs in numpy.
"""

from __future__ import annotations

from sightword.methods.inversion import Inversion

__all__ = ["Searle"]


class Searle(Inversion):
    """See the module's docstring; parameters as in `Inversion`."""

    name = "searle"
