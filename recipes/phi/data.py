"""What the shipped phis learn from: pictures of the starter's recipe, and permissive texts only.

Texts: WordNet's glosses (WordNet licence), CLDR's names and tags of emoji (Unicode licence, through
emojibase), titles of public-domain clip art, and templates over those names. No photograph's caption.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

STARTER = Path(__file__).resolve().parent.parent / "starter"
sys.path.insert(0, str(STARTER))

from common import CACHE, PICTURES, PLAIN, SHIPPED, records  # noqa: E402
from wordnet import glosses  # noqa: E402

from sightword.backbones.torch_starter import TorchStarter  # noqa: E402
from sightword.methods.phrases import make_phrases, with_article  # noqa: E402
from sightword.training.readers import Item  # noqa: E402

__all__ = [
    "CACHE", "SHIPPED", "STARTER", "captions", "features", "generated_captions", "named_pictures", "named_rows",
    "raw_features",
]  # fmt: skip

VIEWS = CACHE / "views"
STYLES = {
    "noto": "a cartoon of {}", "twemoji": "a flat cartoon of {}", "fluent-3d": "a 3D render of {}",
    "fluent-flat": "a flat icon of {}", "fluent-high-contrast": "a black and white icon of {}",
    "openmoji": "a drawing of {} with black outlines", "openmoji-black": "a line drawing of {}",
    "clipart": "clip art of {}",
}  # fmt: skip


def raw_features(tower: TorchStarter, trunk: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Trunk features -> raw features of the shipped tower, float32 [N, D]."""
    parts = []
    with torch.no_grad():
        for part in np.array_split(trunk, max(1, len(trunk) // 4096)):
            seen = torch.from_numpy(np.asarray(part, np.float32))
            parts.append((tower.head(seen) + tower.knowledge(seen)).numpy())
    return np.concatenate(parts)


def features(
    tower: TorchStarter, limit: int, seed: int = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Pictures to learn from and held-out ones.

    Returns
    -------
    train : float32 [<= limit, D]
        The training split: half plain, half views, drawn at random.
    held_out : float32 [M, D]
        The validation split without skin tones, plain.
    """
    rows, rng = records(), np.random.default_rng(seed)
    split = np.array([row["split"] for row in rows])
    plain = np.load(PLAIN, mmap_mode="r")[: len(rows)]
    own = rng.permutation(np.flatnonzero(split == "train"))[: limit // 2]
    about = json.loads((VIEWS / "views.json").read_text())
    kept = [
        v for v, (i, kind, _) in enumerate(about) if i < len(rows) and split[i] == "train" and kind != "plain"
    ]
    chosen = rng.permutation(kept)[: limit - len(own)]
    views = np.load(VIEWS / "features.npy", mmap_mode="r")
    trunk = np.concatenate([plain[np.sort(own)], views[np.sort(chosen)]])
    base = np.array([not row.get("tone") for row in rows])
    held = np.flatnonzero((split == "validation") & base)
    if limit < len(held):
        held = np.sort(rng.permutation(held)[: max(50, limit // 4)])
    return raw_features(tower, trunk), raw_features(tower, plain[held])


def captions(limit: int, seed: int = 0) -> list[str]:
    """Permissive captions: a third glosses, a third styled names, a third templated phrases."""
    rng = np.random.default_rng(seed)
    rows = [row for row in records() if row["split"] == "train" and row["style"] in STYLES]
    styled = sorted({STYLES[row["style"]].format(with_article(row["name"])) for row in rows})
    tagged = sorted({f"{row['name']}, {', '.join(row['keywords'][:3])}" for row in rows if row["keywords"]})
    names = sorted({row["name"] for row in rows if row["name"].isascii()})
    made = make_phrases([str(name) for name in rng.permutation(names)[:1000]], each=6, seed=seed)
    phrases = [text for listed in made.values() for text in listed]
    found: list[str] = []
    for texts in (glosses(), styled + tagged, phrases):
        found += [texts[i] for i in rng.permutation(len(texts))[: limit // 3]]
    return [found[i] for i in rng.permutation(len(found))]


def named_rows(limit: int, seed: int = 0) -> list[int]:
    """Numbers of training pictures with a known style and no skin tone."""
    rng, rows = np.random.default_rng(seed), records()
    fit = [
        at for at, row in enumerate(rows)
        if row["split"] == "train" and row["style"] in STYLES and not row.get("tone")
    ]  # fmt: skip
    return [fit[at] for at in rng.permutation(len(fit))[:limit]]


def named_pictures(limit: int, seed: int = 0) -> list[Item]:
    """Pictures with a caption made of their style and name, for masked training; one picture a name and style."""
    rows, items = records(), []
    for at in named_rows(limit, seed):
        path = PICTURES / rows[at]["file"]
        caption = STYLES[rows[at]["style"]].format(with_article(rows[at]["name"]))
        items.append(Item(str(path), path, (caption,)))
    return items


def generated_captions(
    tower: TorchStarter, encode: Callable[[list[str]], np.ndarray[Any, Any]], limit: int, seed: int = 0
) -> list[Item]:
    """The same pictures as `named_pictures`, captioned by the backbone itself.

    The name and the style that fit the picture best are put together: right often enough, and wrong as
    machines are wrong.

    Parameters
    ----------
    encode : callable
        Texts -> raw features [N, D].
    """
    rows, chosen = records(), named_rows(limit, seed)
    names = sorted({row["name"] for row in rows if row["split"] == "train" and row["style"] in STYLES})
    styles = list(STYLES.values())
    pictures = _unit(raw_features(tower, np.load(PLAIN, mmap_mode="r")[chosen]))
    by_name = pictures @ _unit(encode([f"a picture of {with_article(name)}" for name in names])).T
    by_style = pictures @ _unit(encode([style.format("a thing") for style in styles])).T
    items = []
    for at, name, style in zip(chosen, by_name.argmax(1).tolist(), by_style.argmax(1).tolist()):
        path = PICTURES / rows[at]["file"]
        items.append(Item(str(path), path, (styles[style].format(with_article(names[name])),)))
    return items


def _unit(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
