"""The README's main question must bring up the right pictures: the crab, drawn in lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

RIGHT = {"openmoji-line/crab.png", "high-contrast/crab.png"}


def main(path: str) -> int:
    """Read `sightword search --json` and look at its first three hits."""
    hits = json.loads(Path(path).read_text())["hits"]
    first = ["/".join(Path(hit["path"]).parts[-2:]) for hit in hits[:3]]
    print("first hits:", ", ".join(first))
    if not RIGHT.intersection(first):
        print(f"none of {sorted(RIGHT)} is among them", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
