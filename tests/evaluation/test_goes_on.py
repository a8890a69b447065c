"""An evaluation that was interrupted goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import made_field
from sightword.backbones import Backbone
from sightword.evaluation import features
from sightword.evaluation.field import shot


class Stopping:
    """A backbone that counts pictures, and is stopped by Ctrl-C after some of them."""

    def __init__(self, backbone: Backbone, most: int = 10**9) -> None:
        self.inner, self.spec, self.count, self.most = backbone, backbone.spec, 0, most

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        if self.count + len(pixels) > self.most:
            raise KeyboardInterrupt
        self.count += len(pixels)
        return self.inner.encode_images(pixels)


@pytest.mark.parametrize("large", [1, 1 << 30])
def test_only_what_is_missing_is_encoded(
    tmp_path: Path, tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    monkeypatch.setattr(features, "BLOCK", 4)
    pictures = []
    for number, (shape, colour) in enumerate(made_field.ALL[:14]):
        made_field.paint(tmp_path / f"{number}.png", shape, colour)
        pictures.append(shot(str(number), f"{number}.png", "val"))

    def encode(backbone: object, cache: str) -> np.ndarray:
        return features.picture_features(
            backbone,  # type: ignore[arg-type]
            tmp_path,
            pictures,
            cache=tmp_path / cache,
            large=large,
        )

    stopped = Stopping(tiny_backbone, most=9)
    with pytest.raises(KeyboardInterrupt):
        encode(stopped, "cache")
    assert stopped.count == 8
    going_on = Stopping(tiny_backbone)
    found = encode(going_on, "cache")
    assert going_on.count == 14 - 8
    assert (found == encode(Stopping(tiny_backbone), "fresh")).all()
