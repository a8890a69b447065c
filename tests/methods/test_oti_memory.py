"""Remembered pseudo-words are found by the picture's feature, in whatever precision it was computed."""

from __future__ import annotations

import numpy as np
import pytest

from sightword.methods.oti import OTITokens
from sightword.methods.vectors import unit


@pytest.mark.parametrize(("cosine", "found"), [(1.0, True), (0.998, True), (0.99, False)])
def test_a_rounded_feature_is_the_same_picture(cosine: float, found: bool) -> None:
    """bfloat16 leaves the starter's pictures a cosine of .998; a picture at .99 is another one."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 64)).astype(np.float32)
    words = rng.normal(size=(5, 1, 8)).astype(np.float32)
    mine = unit(features[3:4])[0]
    aside = rng.normal(size=64).astype(np.float32)
    aside = unit((aside - aside @ mine * mine)[None])[0]
    asked = (cosine * mine + (1 - cosine**2) ** 0.5 * aside).astype(np.float32)
    word = OTITokens(words, features, list("abcde"), {}).find(7.0 * asked)
    assert (word is not None) is found
    if word is not None:
        np.testing.assert_array_equal(word, words[3])
