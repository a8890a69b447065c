"""A torch backbone -> the portable directory, which searches without torch.

Nothing is left behind unless the directory answers as the torch model does: a cosine of at least 0.9999 in
float32 on golden vectors, on drawn pictures and on prompts with slots.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sightword.backbones.base import Array, BackboneSpec
from sightword.backbones.golden import THRESHOLDS, pattern, verify
from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.backbones.spec import write_spec
from sightword.backbones.torch_clip.card import write_card
from sightword.backbones.torch_clip.graphs import write_image_graph, write_text_graph
from sightword.backbones.torch_clip.looking import looking
from sightword.backbones.torch_clip.runtime import TorchBackbone
from sightword.backbones.towers import supported_precisions
from sightword.errors import ModelUnavailable, UsageError
from sightword.prompts import Prompt, parse_prompt

__all__ = ["Exported", "export_backbone"]

TEXTS = ["a photo of a cat", "a red dress with short sleeves", "", "two dogs & a ball, at night", "42 euros"]
PROMPTS = ["a photo of {*}", "a photo of {*} that is red", "{*} and {*}"]
PATTERNS = 3


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    directory : Path
    spec : BackboneSpec
    cosine : float
        The smallest to the torch model's answers, in float32.
    compared : int
        How many answers were compared.
    """

    directory: Path
    spec: BackboneSpec
    cosine: float
    compared: int


def export_backbone(
    backbone: TorchBackbone, directory: Path, step: Callable[[str], None] = lambda _: None
) -> Exported:
    """Write and check a portable directory.

    Parameters
    ----------
    backbone : TorchBackbone
        On the CPU in float32.
    directory : Path
        Must not hold anything yet.
    step : callable, optional
        Told what happens next, in a few words.

    Raises
    ------
    UsageError
        The directory is not empty, or the backbone is not in float32 on the CPU.
    ModelUnavailable
        A tower cannot be written, or the written one answers differently.
    """
    from safetensors.numpy import save_file

    if backbone.device.type != "cpu" or backbone.precision != "f32":
        raise UsageError("A backbone is exported from float32 on the CPU.", "Load it with device cpu.")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not empty.", "Choose another directory.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".export-", dir=directory.parent))
    try:
        spec = backbone.spec
        backbone.tokenizer.save(draft / "tokenizer.json")
        save_file({"weight": backbone.token_embedding()}, str(draft / "token_embedding.safetensors"))
        step("image tower")
        image = _module(backbone.image)
        seen = looking(image)
        write_image_graph(image if seen is None else seen, spec.preprocess.size, draft / "image.onnx")
        step("text tower")
        trims = spec.pad_to == "longest"
        write_text_graph(_module(backbone.text), spec.token_dim, spec.context, trims, draft / "text.onnx")
        step("golden vectors")
        spec = replace(spec, golden=_golden(backbone), patches=None if seen is None else seen.skip)
        write_spec(draft, spec)
        cosines = _compare(backbone, draft, "f32")
        worst = min(cosines.values())
        if worst < THRESHOLDS["f32"]:
            name = min(cosines, key=cosines.__getitem__)
            raise ModelUnavailable(
                f"The exported {spec.name} answers {name!r} with cosine {worst:.5f} to torch's answer."
            )
        if "bf16" in supported_precisions():
            step("bfloat16")
            spec = replace(spec, exact=_sensitive(backbone, draft))
        write_card(draft, spec, worst)
        write_spec(draft, spec)
        for path in draft.iterdir():
            path.chmod(0o644)
        draft.chmod(0o755)
        if directory.is_dir():
            directory.rmdir()
        draft.rename(directory)
        return Exported(directory, spec, worst, len(cosines))
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _module(tower: Any) -> Any:
    import torch

    if not isinstance(tower, torch.nn.Module):
        raise UsageError("The starter is portable already.", "`sightword models info starter` says where.")
    return tower


def _golden(backbone: TorchBackbone) -> dict[str, Any]:
    size = backbone.spec.preprocess.size
    pictures = backbone.encode_images(np.stack([pattern(index, size) for index in range(PATTERNS)]))
    texts = backbone.encode_prompts([Prompt((text,)) for text in TEXTS])
    row = backbone.tokenizer.ids("cat")[0]
    prompts = [parse_prompt(prompt) for prompt in PROMPTS]
    word = backbone.token_embedding()[[row]]
    slots = backbone.encode_prompts(prompts, [[word] * prompt.slots for prompt in prompts])
    return {
        "images": [{"pattern": i, "feature": _floats(f)} for i, f in enumerate(pictures)],
        "texts": [{"text": t, "feature": _floats(f)} for t, f in zip(TEXTS, texts)],
        "slots": [{"prompt": p, "row": row, "feature": _floats(f)} for p, f in zip(PROMPTS, slots)],
    }


def _compare(backbone: TorchBackbone, directory: Path, precision: str) -> dict[str, float]:
    """Cosines of the directory's answers to torch's: the golden ones, and drawn ones that are not in it."""
    portable = OpenVINOBackbone(directory, precision=precision)
    cosines = dict(verify(portable))
    rng = np.random.default_rng(0)
    size = backbone.spec.preprocess.size
    pixels = np.stack([pattern(PATTERNS + i, size) for i in range(3)])
    pixels = (pixels + rng.normal(0, 0.3, pixels.shape)).astype(np.float32)
    pairs = zip(portable.encode_images(pixels), backbone.encode_images(pixels))
    cosines |= {f"image: drawn {i}": _cosine(a, b) for i, (a, b) in enumerate(pairs)}
    if portable.has_patches:
        places = zip(portable.encode_patches(pixels), backbone.encode_patches(pixels))
        cosines |= {f"patches: drawn {i}": _cosine(a.ravel(), b.ravel()) for i, (a, b) in enumerate(places)}
    spread = float(backbone.token_embedding().std())
    prompts = [parse_prompt(prompt) for prompt in PROMPTS]
    words = [
        [rng.normal(0, spread, (k, backbone.spec.token_dim)).astype(np.float32) for _ in range(p.slots)]
        for k, p in enumerate(prompts, 1)
    ]
    pairs = zip(portable.encode_prompts(prompts, words), backbone.encode_prompts(prompts, words))
    return cosines | {f"slot: drawn {i}": _cosine(a, b) for i, (a, b) in enumerate(pairs)}


def _sensitive(backbone: TorchBackbone, directory: Path) -> tuple[str, ...]:
    """Towers whose answers bfloat16 moves too far; they will run in float32."""
    cosines = _compare(backbone, directory, "bf16")
    low = {name.partition(":")[0] for name, cosine in cosines.items() if cosine < THRESHOLDS["bf16"]}
    towers = {
        "image": "image",
        "text": "text",
        "slot": "text",
    }  # patches are read by what was trained on them
    return tuple(sorted({towers[part] for part in low & towers.keys()}))


def _floats(feature: Array) -> list[float]:
    # Float32 has seven digits; more would double the card.
    return [float(f"{value:.8g}") for value in feature.tolist()]


def _cosine(a: Array, b: Array) -> float:
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right) + 1e-30))
