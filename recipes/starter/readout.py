"""How readable the pseudo-words are: is the name of a held-out picture, or a synonym, among the nearest 20 words?

For held-out emoji pictures (base skin tone, one random style each): a hit is any word of the emoji's name or of its
CLDR tags (its synonyms) among the 20 words that ``--explain`` lists for phi's pseudo-word. The same count with another picture's pseudo-word gives the chance level.

    python readout.py --split test
"""

from __future__ import annotations

import argparse
import random
import re

import numpy as np
import results
from common import CACHE
from compose import encode, gallery

from sightword import load_backbone, load_method
from sightword.evaluation.metrics import bootstrap_interval
from sightword.methods.explain import explain_words

STOP = {"a", "an", "the", "of", "with", "and", "in", "on", "face", "button", "sign", "symbol"}


def words_of(record: dict) -> set[str]:
    """Words that name the picture."""
    text = " ".join([record["name"], *record["keywords"]]).lower()
    return set(re.findall(r"[a-z]{2,}", text)) - STOP


def main() -> None:
    """Print the share and its interval."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--split", choices=["validation", "test"], default="validation")
    parser.add_argument("--method", default="pic2word")
    args = parser.parse_args()
    backbone = load_backbone("starter")
    records = gallery(args.split)
    features = encode(backbone, records, args.split)
    by_code: dict[str, list[int]] = {}
    for row, record in enumerate(records):
        if record.get("code"):
            by_code.setdefault(record["code"], []).append(row)
    dice = random.Random(0)
    rows = [dice.choice(found) for found in by_code.values()]
    method = load_method(args.method, backbone=backbone)
    lines = explain_words(backbone, method, list(features[rows]), cache=CACHE)
    near = [{word for word, _ in line} for line in lines]
    hits = [float(bool(words_of(records[row]) & found)) for row, found in zip(rows, near, strict=True)]
    chance = [
        float(bool(words_of(records[row]) & near[(i + len(rows) // 2) % len(rows)]))
        for i, row in enumerate(rows)
    ]
    low, high = bootstrap_interval(hits)
    print(
        f"{args.split}: {np.mean(hits):.3f} ({low:.3f}-{high:.3f}) of {len(hits)} pictures; chance {np.mean(chance):.3f}"
    )
    results.keep(
        f"readout {args.method}, {args.split}",
        {
            "share": float(np.mean(hits)),
            "interval": [low, high],
            "pictures": len(hits),
            "chance": float(np.mean(chance)),
        },
    )


if __name__ == "__main__":
    main()
