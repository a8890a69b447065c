"""Mutated files never crash, never hang, and always yield pixels or a sentence."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from made_pictures import COLOURED, GREY
from sightword.backbones.base import PreprocessSpec
from sightword.pictures.limits import Limits
from sightword.pictures.pool import DecodePool
from sightword.pictures.types import DecodedPicture, UnreadablePicture

MUTANTS = 60
"""Of each file; the seed is fixed, so that a failure can be looked at again."""


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One of: flipped bits, zeroed or random stretches, cut, repeated, swapped pieces, huge numbers."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(result))
        length = rng.randrange(1, 1 + min(64, len(result) - at))
        kind = rng.randrange(7)
        if kind == 0:
            result[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            result[at : at + length] = bytes(length)
        elif kind == 2:
            result[at : at + length] = rng.randbytes(length)
        elif kind == 3:
            del result[at : at + length]
        elif kind == 4:
            result[at:at] = result[at : at + length]
        elif kind == 5:
            result[at : at + 4] = rng.choice(
                (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\1\0\0\0")
            )
        else:
            del result[max(at, 16) :]
        if not result:
            return b"\0"
    return bytes(result)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["product", "clip"])
def test_mutants(preset: str, tmp_path: Path) -> None:
    rng = random.Random(f"sightword {preset}")
    files = []
    for name, make in {**COLOURED, **GREY}.items():
        for number in range(MUTANTS):
            path = tmp_path / f"{number}-{name}"
            path.write_bytes(mutated(make(), rng))
            files.append((path.name.encode(), os.fsencode(path)))
    limits = Limits(max_pixels=20_000_000, seconds=20)
    with DecodePool(PreprocessSpec(size=16), preset, limits=limits) as pool:  # type: ignore[arg-type]
        results = list(pool.run(files))
    assert {result.path for result in results} == {name for name, _ in files}
    broken = [result for result in results if isinstance(result, UnreadablePicture)]
    for result in broken:
        assert result.reason.endswith(".") and "\n" not in result.reason and len(result.reason) < 200
        assert "crashed" not in result.reason and "took longer" not in result.reason, result
        assert not result.vanished
    # The mutations must bite, but not kill everything: both sides are exercised.
    assert len(broken) > len(files) / 5
    assert sum(isinstance(result, DecodedPicture) for result in results) > len(files) / 10
