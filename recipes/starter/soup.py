"""Step 5b: the mean of runs that began alike (model soup: Wortsman et al. 2022).

The longer run knows more styles, the shorter one finds more unseen names within ten; by `judge.score` and names' R@10
their mean is better than both on validation, though not in every figure. Runs of one seed share their start and their
first batches, so the way between them is flat. The vectors of the class names are averaged as well: those that the mean
tower would give are the same to a cosine of .9998 (40 classes, by hand).

    python soup.py NAME RUN RUN ...
"""

from __future__ import annotations

import json
import sys

import torch
from joint import RUNS


def main() -> None:
    """Write ``runs/NAME.pt``."""
    name, *names = sys.argv[1:]
    runs = [torch.load(RUNS / f"{one}.pt", weights_only=True) for one in names]
    abouts = [json.loads(run["about"]) for run in runs]
    if len({about["recipe"]["seed"] for about in abouts}) != 1:
        raise SystemExit("The runs began differently: their mean would be nothing.")
    mean = {
        part: {key: torch.stack([run[part][key].float() for run in runs]).mean(0) for key in runs[0][part]}
        for part in ("image", "text")
    }
    about = {
        "mean of": names, "recipe": abouts[-1]["recipe"], "steps": sum(a["steps"] for a in abouts),
        "minutes": round(sum(a["minutes"] for a in abouts), 1), "threads": abouts[-1]["threads"],
    }  # fmt: skip
    torch.save({**mean, "about": json.dumps(about)}, RUNS / f"{name}.part")
    (RUNS / f"{name}.part").replace(RUNS / f"{name}.pt")


if __name__ == "__main__":
    main()
