"""Keeps every reported figure in results.json and writes RESULTS.md from it (``python results.py``)."""

from __future__ import annotations

import json
from typing import Any

from common import HERE

STORE = HERE / "results.json"
SECTIONS = (
    "floor validation", "first version, validation", "second version, validation", "validation",
    "floor test", "first version, test", "second version, test", "test",
)  # fmt: skip
HEADER = """# Results of the starter recipe

Written by `python results.py` from `results.json`; measured on two shared AMD EPYC cores. Splits:
`sightword.evaluation.concepts`; no base concept crosses. Composed retrieval by every method, with intervals:
[StyleShift](../../docs/styleshift.md).

## Names, captions, photographs

- **name**: the bare name asks (`fox`); a hit is any picture of exactly this name, in any style.
  **concept**: a hit is any picture of the base concept. **caption**: `a picture of a fox` asks.
- **line, 3d, flat, colour, high contrast**: `a line drawing of a fox` asks; a hit is a picture of that name
  in that style (`measure.py` has the words).
- **composed**: one style of an emoji and words for another style ask (`compose.py`); by the methods `average` and
  `direction`, and by a perfect caption.
- **photo**: the name asks among photographs (Tux Paint stamps of any licence: measured with, not trained on,
  not shipped). **photo as ...**: a photograph and "as a painting", "as a cartoon", "as a sketch" ask among filtered copies
  of all photographs (`domains.py`; one of the painting filters is never trained on); right are those of its concept in that
  domain. Filters are stand-ins: real paintings and sketches are harder.
- The gallery is all pictures of the split; other styles and skin tones are distractors.
- `floor`: two layers on frozen features, 700 steps, plain captions, no classes: **the floor of issue 2**. `first version`:
  what shipped at first (commit 046a2d3); `second version`: 1,250 steps of `joint.py` (commit 65371d1). The columns without a
  name are what ships, with features of the trunk before its weights are rounded (`rounding.py`), like those that were learnt from.
- The test split was never used to choose anything.
"""
TRIED = """
## Recipes that were tried

Validation. `short-...` are equal but for what the name says, each {steps} steps of `joint.py` on one shared core, as `brief`
was (`long`, `warm` and `siblings-warm`: two), so minutes are not comparable to the last digit. `brief` was the second version; `chosen`, the mean of
`brief` and `long`, ships. `siblings`: more pictures that differ in skin, gender or hair alone (14 groups a step, not 6; 32 others, not 36), more noise
(.2); `warm`: the head learns the names alone for 600 steps before both towers learn together. Runs of either kind also had bare names among their
captions (`{{bare}}` for one `{{}}` of `sayings.PLAIN`, which was not kept);
`mean`: the running mean of the weights (memory .998). *styles*: mean R@1 of line, 3d, flat, colour. *score*: `judge.score`, by which recipes are compared.
"""
COLUMNS = (
    ("name R@1", "name R@1"), ("name R@10", "name R@10"), ("caption R@10", "caption R@10"), ("styles", "styles"),
    ("photo R@1", "photo R@1"), ("composed average mAP@10", "average"), ("composed direction mAP@10", "direction"),
    ("composed caption mAP@10", "perfect caption"), ("photo as direction mAP@10", "photo as ..."), ("score", "score"),
)  # fmt: skip


def tried(data: dict[str, Any]) -> list[str]:
    """One row a run."""
    runs = {name.removeprefix("run "): run for name, run in data.items() if name.startswith("run ")}
    if not runs:
        return []
    few = min(run["steps"] for run in runs.values())
    lines = [TRIED.format(steps=few), "| run | steps | minutes | " + " | ".join(c for _, c in COLUMNS) + " |"]
    lines.append("|---" * (len(COLUMNS) + 3) + "|")
    for name, run in sorted(runs.items(), key=lambda item: item[1]["marks"]["score"]):
        marks = dict(run["marks"])
        marks["styles"] = sum(marks[f"{s} R@1"] for s in ("line", "3d", "flat", "colour")) / 4
        cells = [f"{marks[key]:.3f}" for key, _ in COLUMNS]
        lines.append(f"| {name} | {run['steps']} | {run['minutes']} | " + " | ".join(cells) + " |")
    return lines


def keep(section: str, value: dict[str, Any]) -> None:
    """Replace one section of results.json."""
    data = json.loads(STORE.read_text()) if STORE.is_file() else {}
    data[section] = value
    STORE.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")


def readouts(data: dict[str, Any]) -> list[str]:
    """What the pseudo-words say."""
    lines = []
    for name, part in data.items():
        if name.startswith("readout "):
            low, high = part["interval"]
            lines += ["", (
                f"Read-out ({name.removeprefix('readout ')}): for {part['share']:.1%} ({low:.1%}-{high:.1%}) of {part['pictures']} "
                f"pictures a word of the name or of its tags is among the 20 words nearest to the pseudo-word; chance {part['chance']:.1%}."
            )]  # fmt: skip
    return ["", "## What the pseudo-words say", *lines] if lines else []


def main() -> None:
    """Write RESULTS.md."""
    data = json.loads(STORE.read_text())
    columns = [section for section in SECTIONS if section in data]
    rows = list(dict.fromkeys(key for section in reversed(columns) for key in data[section]))
    lines = [HEADER, "| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for row in rows:
        cells = [data[section].get(row) for section in columns]
        shown = ["–" if c is None else f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells]
        lines.append(f"| {row} | " + " | ".join(shown) + " |")
    lines += [*tried(data), *readouts(data)]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
