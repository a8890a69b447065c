"""phi directories: reading, binding, refusing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightword.backbones import Backbone
from sightword.errors import ModelMismatch, ModelUnavailable
from sightword.methods.phi import Phi, erf
from tiny import COLOURS, D, W, picture, write_tiny_phi


def test_the_tiny_phi_reads_the_colour(tiny_backbone: Backbone, tiny_phi_dir: Path) -> None:
    phi = Phi.load(tiny_phi_dir)
    tokens = phi(tiny_backbone.encode_images(np.stack([picture(colour) for colour in COLOURS])))
    assert tokens.shape == (len(COLOURS), 1, W) and tokens.dtype == np.float32
    np.testing.assert_allclose(tokens[:, 0, :3], list(COLOURS.values()), atol=1e-5)


def test_erf_is_exact_to_float32() -> None:
    x = np.concatenate([np.linspace(-6, 6, 4001), [0.0, -0.0, 1e-8, 40.0, -40.0]]).astype(np.float32)
    expected = [math.erf(float(value)) for value in x]
    np.testing.assert_allclose(erf(x), expected, atol=2e-7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "combiner"}, "does not describe a phi"),
        ({"schema": 2}, "schema 2"),
        ({"activation": "swish"}, "activation 'swish'"),
        ({"method": 3}, "name its method"),
        ({"tokens": 0}, "tokens is 0"),
        ({"dim": True}, "dim is True"),
        ({"dim": D + 1}, "layer 0"),
        ({"token_dim": W + 1}, "promises 1 x 13"),
        ({"tokens": 2}, "promises 2 x 12"),
        ({"backbone": "tiny"}, "not bound"),
        ({"backbone": {}}, "not bound"),
    ],
)
def test_configs_that_cannot_be_run(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    directory = write_tiny_phi(tmp_path / "phi", "0" * 64, **changes)
    with pytest.raises(ModelUnavailable, match=message):
        Phi.load(directory)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"{}"])
def test_damaged_files(tmp_path: Path, name: str, content: bytes | None) -> None:
    directory = write_tiny_phi(tmp_path / "phi", "0" * 64)
    if content is None:
        (directory / name).unlink()
    else:
        (directory / name).write_bytes(content)
    with pytest.raises(ModelUnavailable):
        Phi.load(directory)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    import pickle

    directory = write_tiny_phi(tmp_path / "phi", "0" * 64)

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "trap",))

    (directory / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelUnavailable):
        Phi.load(directory)
    assert not (tmp_path / "trap").exists()


def test_another_backbone_is_refused_by_both_names(tmp_path: Path, tiny_backbone: Backbone) -> None:
    directory = write_tiny_phi(
        tmp_path / "phi", "0" * 64, backbone={"name": "huge", "weights_hash": "0" * 64}
    )
    with pytest.raises(ModelMismatch) as caught:
        Phi.load(directory).check(tiny_backbone.spec, "mine")
    assert all(word in str(caught.value) for word in ("mine", "'huge'", "'tiny'"))


def test_unknown_keys_of_the_config_are_left_alone(tmp_path: Path) -> None:
    directory = write_tiny_phi(tmp_path / "phi", "0" * 64, colour="blue")
    assert Phi.load(directory).config["colour"] == "blue"
    assert json.loads((directory / "config.json").read_text())["colour"] == "blue"
