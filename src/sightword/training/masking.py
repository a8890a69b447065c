"""Pictures with captions -> masked pairs: nouns, maps, masked pictures; once, in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from sightword.backbones.base import Array
from sightword.errors import UsageError
from sightword.methods.phrases import with_article
from sightword.methods.token_rows import RowsWriter, prompt_ids
from sightword.methods.torch_words import RowEncoder
from sightword.pictures.pool import DecodePool
from sightword.pictures.preprocess import normalise
from sightword.prompts import Prompt
from sightword.training.bars import Bar
from sightword.training.cam import Watched, cam, keep_area
from sightword.training.keywords import clean_caption
from sightword.training.masked import MaskedPairs
from sightword.training.pictures import Skips, decoded
from sightword.training.readers.base import Item
from sightword.training.tagging import draw, in_parallel, tag

__all__ = ["NOUNS", "Choice", "choose_nouns", "find_nouns", "make_pairs", "only", "part_of"]

NOUNS = frozenset({"NOUN", "PROPN"})
Choice = Literal["random", "head", "longest"]
SMALLEST, LARGEST = 0.05, 0.95
_AT_ONCE = 32


@dataclass(frozen=True)
class _Task:
    picture: int
    noun: str
    prompt: Prompt


def find_nouns(texts: list[str]) -> list[list[tuple[int, int]]]:
    """Spans of the nouns of each caption (a function of a module: processes import it)."""
    return [[(word.start, word.end) for word in words if word.pos in NOUNS] for words in tag(texts)]


def choose_nouns(
    text: str, spans: Sequence[tuple[int, int]], choice: Choice = "random", most: int = 3
) -> list[tuple[int, int]]:
    """Which nouns to mask, each in a variant of its own.

    Parameters
    ----------
    text : str
    spans : sequence of (start, end)
    choice : {"random", "head", "longest"}
        ``random``: up to `most`, of which each training step draws one; ``head``: the last noun of the first
        run of nouns ("a coffee cup on a table" -> cup); ``longest``: the longest word.
    """
    if not spans:
        return []
    if choice == "longest":
        return [max(spans, key=lambda span: span[1] - span[0])]
    if choice == "head":
        last = spans[0]
        for span in spans[1:]:
            if text[last[1] : span[0]].strip():
                break
            last = span
        return [last]
    first = draw(text, len(spans))
    return [spans[(first + i) % len(spans)] for i in range(min(most, len(spans)))]


def make_pairs(
    items: Sequence[Item],
    backbone: Any,
    tower: Watched,
    encoder: RowEncoder,
    *,
    tau: float = 0.3,
    choice: Choice = "random",
    most: int = 3,
    skips: Skips | None = None,
    workers: int | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> MaskedPairs:
    """Mask captions and pictures.

    Parameters
    ----------
    items : sequence of Item
        Each picture once, with its captions.
    backbone, tower, encoder
        The loaded backbone, which encodes; its image tower in torch, for the maps; its encoder of rows.
    tau : float
        Threshold of the map.
    choice, most
        See `choose_nouns`.

    Raises
    ------
    UsageError
        Fewer than two pictures are usable.
    """
    spec, skips, tally = backbone.spec, skips or Skips(), Counter[str]()
    tasks = _tasks(items, choice, most, workers, tally)
    nouns = sorted({task.noun for each in tasks.values() for task in each})
    words = _word_features(nouns, encoder)
    wanted = [items[i] for i in tasks]
    places = list(tasks)
    features: list[Array] = []
    masked: list[Array] = []
    areas: list[float] = []
    owner: list[int] = []
    writer = RowsWriter()
    with (
        DecodePool(spec.preprocess, "clip", workers=workers) as pool,
        Bar("masking", "picture", len(wanted), show=progress) as bar,
    ):
        for block, raw in decoded(wanted, pool, skips):
            pixels = torch.from_numpy(normalise(raw, spec.preprocess)).to(device)
            whole = backbone.encode_images(pixels.cpu().numpy())
            found = [(at, task) for at, i in enumerate(block) for task in tasks[places[i]]]
            kept: dict[int, list[tuple[Any, float, list[int]]]] = {}
            for start in range(0, len(found), _AT_ONCE):
                part = found[start : start + _AT_ONCE]
                own = pixels[[at for at, _ in part]]
                maps = cam(tower, own, torch.stack([words[task.noun] for _, task in part]))
                left, area = keep_area(own, maps, tau)
                again = backbone.encode_images(left.cpu().numpy())
                for (at, task), feature, share in zip(part, again, area.tolist()):
                    ids, _ = prompt_ids(task.prompt, encoder.tokenizer, spec)
                    if ids is None or not SMALLEST <= share <= LARGEST:
                        tally["area out of bounds" if ids else "caption without room"] += 1
                        continue
                    kept.setdefault(at, []).append((feature, share, ids))
            for at, variants in sorted(kept.items()):
                for feature, share, ids in variants:
                    masked.append(feature)
                    areas.append(share)
                    owner.append(len(features))
                    writer.add(ids)
                features.append(whole[at])
            bar.advance(len(block))
    if len(features) < 2:
        raise UsageError(
            f"Masked training needs at least 2 usable pairs; usable are {len(features)}, "
            f"left out were {', '.join(f'{count:,} {what}' for what, count in tally.items() if count)}."
        )
    return MaskedPairs(
        np.stack(features).astype(np.float32), np.stack(masked).astype(np.float32), writer.rows(),
        np.array(owner, np.int64), np.array(areas, np.float32), dict(tally),
    )  # fmt: skip


def _tasks(
    items: Sequence[Item], choice: Choice, most: int, workers: int | None, tally: Counter[str]
) -> dict[int, list[_Task]]:
    flat = [(index, clean_caption(text)) for index, item in enumerate(items) for text in item.captions]
    tally["empty captions"] += sum(not text for _, text in flat)
    flat = [(index, text) for index, text in flat if text]
    spans = in_parallel(find_nouns, [text for _, text in flat], workers=workers)
    tasks: dict[int, list[_Task]] = {}
    for (index, text), found in zip(flat, spans):
        chosen = choose_nouns(text, found, choice, most)
        tally["captions without a noun"] += not chosen
        for start, end in chosen:
            task = _Task(index, text[start:end].lower(), Prompt((text[:start], text[end:])))
            tasks.setdefault(index, []).append(task)
    return tasks


def _word_features(nouns: list[str], encoder: RowEncoder) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for start in range(0, len(nouns), 256):
        part = nouns[start : start + 256]
        prompts = [Prompt((f"a photo of {with_article(noun)}",)) for noun in part]
        rows = [prompt_ids(prompt, encoder.tokenizer, encoder.spec)[0] for prompt in prompts]
        with torch.no_grad():
            found.update(zip(part, encoder([np.array(row, np.int64) for row in rows])))
    return found


def part_of(pairs: MaskedPairs, pictures: NDArray[np.int64]) -> MaskedPairs:
    """All pairs of some pictures, whose numbers increase."""
    return only(pairs, np.flatnonzero(np.isin(pairs.picture, pictures)))


def only(pairs: MaskedPairs, rows: NDArray[np.int64]) -> MaskedPairs:
    """Some of the pairs, with the pictures that they are of.

    Parameters
    ----------
    pairs : MaskedPairs
    rows : int64
        Which pairs, increasing.
    """
    writer = RowsWriter()
    for row in rows.tolist():
        writer.add(pairs.rows[row].tolist())
    pictures, owner = np.unique(pairs.picture[rows], return_inverse=True)
    return MaskedPairs(
        pairs.features[pictures], pairs.masked[rows], writer.rows(), owner.astype(np.int64),
        pairs.area[rows], pairs.tally,
    )  # fmt: skip
