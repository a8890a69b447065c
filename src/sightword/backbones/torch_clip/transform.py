"""open_clip's and transformers' image transforms as a `PreprocessSpec`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from sightword.backbones.base import PreprocessSpec
from sightword.errors import ModelUnavailable

__all__ = ["hugging_face_transform", "open_clip_transform"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_RESAMPLING: dict[int, Literal["bicubic", "bilinear"]] = {2: "bilinear", 3: "bicubic"}


def open_clip_transform(given: Mapping[str, Any], size: Any, name: str) -> PreprocessSpec:
    """From a tag's or a folder's preprocessing and the image tower's own size.

    Raises
    ------
    ModelUnavailable
        The tower's input is not square, or a way of resizing is unknown.
    """
    sides = set(size) if isinstance(size, (tuple, list)) else {size}
    interpolation: Any = given.get("interpolation") or "bicubic"
    resize: Any = given.get("resize_mode") or "shortest"
    # open_clip takes "random" as bicubic when it does not train.
    interpolation = "bicubic" if interpolation == "random" else interpolation
    known = resize in ("shortest", "longest", "squash") and interpolation in ("bicubic", "bilinear")
    if len(sides) != 1 or not known or given.get("fill_color"):
        raise ModelUnavailable(
            f"{name} prepares pictures in a way that is not supported "
            f"(size {size}, {resize}, {interpolation}, fill {given.get('fill_color') or 0})."
        )
    return PreprocessSpec(
        size=int(sides.pop()),
        resize=resize,
        interpolation=interpolation,
        mean=_three(given.get("mean"), CLIP_MEAN),
        std=_three(given.get("std"), CLIP_STD),
    )


def hugging_face_transform(folder: Path, size: int) -> PreprocessSpec:
    """From ``preprocessor_config.json``; CLIP's own transform when there is none."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return PreprocessSpec(size=size, mean=CLIP_MEAN, std=CLIP_STD)
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        interpolation = _RESAMPLING[int(given.get("resample", 3))]
        side = given.get("size", size)
        shortest = not isinstance(side, dict) or "shortest_edge" in side
        crops = bool(given.get("do_center_crop", shortest))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnavailable(f"{path} describes no transform that is supported ({error!r}).") from None
    if shortest and not crops:
        raise ModelUnavailable(f"{path} keeps the picture's shape; only square inputs are supported.")
    return PreprocessSpec(
        size=size,
        resize="shortest" if shortest else "squash",
        interpolation=interpolation,
        mean=_three(given.get("image_mean"), CLIP_MEAN),
        std=_three(given.get("image_std"), CLIP_STD),
    )


def _three(values: Any, default: tuple[float, float, float]) -> tuple[float, float, float]:
    if values is None:
        return default
    red, green, blue = values if isinstance(values, (list, tuple)) else [values] * 3
    return float(red), float(green), float(blue)
