"""``pic2word``: Pic2Word, mapping pictures to words for zero-shot composed image retrieval (CVPR 2023).

Saito, Sohn, Zhang, Li, Lee, Saenko, Pfister; arXiv 2302.03084.

    s = phi(v),   q = norm(T("a photo of s that ...")),   score = q . norm(v_candidate)

phi is a ReLU network of three linear layers (D -> H -> H -> W) on the raw feature, trained on pictures
alone so that T("a photo of s") meets v (``training/pic2word.py``). Changed here: the preset is chosen from
the words (``phrasing.py``) instead of by data set, several references and ``without`` are allowed, and phi
runs in numpy.
"""

from __future__ import annotations

from sightword.methods.inversion import Inversion

__all__ = ["Pic2Word"]


class Pic2Word(Inversion):
    """See the module's docstring; parameters as in `Inversion`."""

    name = "pic2word"
