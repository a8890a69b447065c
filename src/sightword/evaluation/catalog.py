"""The benchmarks by name."""

from __future__ import annotations

from sightword.errors import UsageError
from sightword.evaluation.benchmark import Benchmark
from sightword.evaluation.circo import CIRCO
from sightword.evaluation.cirr import CIRR
from sightword.evaluation.coco_compose import COCOCompose
from sightword.evaluation.fashioniq import FashionIQ
from sightword.evaluation.genecis import GeneCIS
from sightword.evaluation.imagenet_r import ImageNetR
from sightword.evaluation.styleshift import StyleShift

__all__ = ["BENCHMARKS", "benchmark_named"]

BENCHMARKS = ("fashioniq", "cirr", "circo", "genecis", "imagenet-r", "coco-compose", "styleshift")


def benchmark_named(
    name: str, *, allow_missing: bool = False, gallery: str = "original", parity: bool = False
) -> Benchmark:
    """A benchmark by its name on the command line.

    Parameters
    ----------
    name : str
    allow_missing : bool
        Leave out what is missing instead of stopping; StyleShift is built whole and knows no such thing.
    gallery : {"original", "val-only"}
        FashionIQ's.
    parity : bool
        GeneCIS' object tasks with the text of the published code.

    Raises
    ------
    UsageError
        There is no such benchmark, or it does not know the option.
    """
    if gallery != "original" and name != "fashioniq":
        raise UsageError("--gallery belongs to fashioniq.", "Leave it out.")
    if parity and name != "genecis":
        raise UsageError("--parity belongs to genecis.", "Leave it out.")
    if name == "fashioniq":
        return FashionIQ(gallery, allow_missing)
    if name == "genecis":
        return GeneCIS(parity, allow_missing)
    if name == "styleshift":
        return StyleShift()
    plain: dict[str, type[CIRR | CIRCO | ImageNetR | COCOCompose]] = {
        "cirr": CIRR,
        "circo": CIRCO,
        "imagenet-r": ImageNetR,
        "coco-compose": COCOCompose,
    }
    if name not in plain:
        raise UsageError(f"There is no benchmark {name!r}.", f"Choose among {', '.join(BENCHMARKS)}.")
    return plain[name](allow_missing)
