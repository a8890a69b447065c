"""README.md of a built StyleShift: counts, chance levels, licences, what it can and cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sightword.evaluation.chance import chance_levels
from sightword.evaluation.composed import ComposedQuery, Picture

__all__ = ["readme"]

ABOUT = """\
# StyleShift

A benchmark for composed image retrieval, "this picture, but ...", built by `sightword data
styleshift`. The same emoji drawn in seven styles under one name give pairs of pictures that differ
in nothing but style; names give pairs that differ in one attribute; composites made with public
seeds give counts, colours and scenes.

- `pictures/`: RGB on white, no side longer than 256 pixels. `gallery.jsonl`: one row a picture.
- `queries.jsonl`: one row a query: references, text, right answers, pictures that are not judged,
  for `conflict` the sets whose share of the first ten is measured.
- `manifest.json`: packages, versions, sha256, licences, versions of the renderers, the hash of
  every file.

Rank the whole gallery of a split by similarity; a query's references and `ignored` pictures are
taken out of its ranking; ties go by the gallery's order. Reported: mean average precision (also of
the first ten), recall (hit rate) of the first 1, 5 and 10, per task and aspect. Methods are chosen
on `validation`, reported on `test`. Intervals resample base concepts, because queries of one
concept are not independent.
"""
LIMITS = """\
## What it can tell, and what it cannot

It tells whether words of style, colour, number, place, role and absence move a query the right way
for things the model was not trained on, given that nobody trained on these concepts: the split
hashes the base concept, so no concept is on two sides, whatever its style, skin tone or gender.
Phrasings marked `reserved` are for testing only.

It does not tell how a method does on photographs: all pictures but some stamps are drawings,
centred, on white. The reference's style and its target's style come from seven sets of emoji; a
model that has seen these sets (with other concepts) knows the styles. Made pictures (colour,
number, upside down, scenes) are artificial, and their seams are visible to a model. Which clip art
or stamps would also be right is unknown where they show the same concept, so these are not judged
there; elsewhere they count as wrong. Smaller aspects have few queries and wide intervals.
"""


def readme(manifest: Mapping[str, Any], pictures: Sequence[Picture], queries: Sequence[ComposedQuery]) -> str:
    """The page as Markdown."""
    parts = [ABOUT]
    for split in manifest["splits"]:
        parts += [f"## {split}\n", _gallery(manifest, split), _tasks(split, pictures, queries)]
    return "\n".join([*parts, LIMITS, _licences(manifest)])


def _gallery(manifest: Mapping[str, Any], split: str) -> str:
    kinds = manifest["counts"]["pictures"].get(split, {})
    styles = manifest["counts"]["styles"].get(split, {})
    return (
        f"{sum(kinds.values()):,} pictures of {manifest['counts']['base concepts'][split]:,} base concepts: "
        f"{', '.join(f'{count:,} {kind}' for kind, count in kinds.items())}. "
        f"Emoji by style: {', '.join(f'{name} {count:,}' for name, count in styles.items())}.\n"
    )


def _tasks(split: str, pictures: Sequence[Picture], queries: Sequence[ComposedQuery]) -> str:
    size = sum(picture.split == split for picture in pictures)
    own = [query for query in queries if query.split == split]
    lines = [
        "| task | aspect | queries | right answers (mean) | example | chance R@1 | R@10 | mAP@10 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task, aspect in dict.fromkeys((query.task, query.aspect) for query in own):
        rows = [query for query in own if (query.task, query.aspect) == (task, aspect)]
        example = rows[0].text or f"--without {rows[0].without[0]!r}"
        if rows[0].agree:
            lines.append(f"| {task} | {aspect} | {len(rows):,} | – | {example} | – | – | – |")
            continue
        levels = [chance_levels(size - len(q.references) - len(q.ignored), len(q.targets)) for q in rows]
        means = [sum(level[name] for level in levels) / len(levels) for name in ("R@1", "R@10", "mAP@10")]
        right = sum(len(query.targets) for query in rows) / len(rows)
        cells = " | ".join(f"{value:.4f}" for value in means)
        lines.append(f"| {task} | {aspect} | {len(rows):,} | {right:.1f} | {example} | {cells} |")
    return "\n".join(lines) + "\n"


def _licences(manifest: Mapping[str, Any]) -> str:
    lines = [
        "## Sources and licences\n",
        "| package | version | licence | by | for |",
        "|---|---|---|---|---|",
    ]
    for source in manifest["sources"]:
        lines.append(f"| {source['package']} | {source['licence']} | {source['author']} | {source['use']} |")
    lines.append("\nEvery row of `gallery.jsonl` names its own licence and author; share the folder by them.")
    return "\n".join(lines) + "\n"
