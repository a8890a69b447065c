"""The wheel must carry the starter's weights, once, and nothing of the recipes or examples."""

from __future__ import annotations

import sys
import zipfile


def main(path: str) -> int:
    """List what a wheel carries and complain about what it should not."""
    with zipfile.ZipFile(path) as wheel:
        entries = {item.filename: item.file_size for item in wheel.infolist()}
    weights = sum(size for name, size in entries.items() if "/backbones/starter/" in name)
    problems = [name for name in entries if name.startswith(("recipes/", "examples/", "tests/"))]
    if not any(name.endswith("backbones/starter/backbone.json") for name in entries):
        problems.append("backbones/starter/backbone.json is missing")
    if not any(name.endswith("sightword/py.typed") for name in entries):
        problems.append("py.typed is missing")
    if weights > 60_000_000:
        problems.append(f"the starter weighs {weights} bytes, more than 60 MB")
    print(f"wheel: {len(entries)} files, starter {weights / 1e6:.1f} MB")
    for problem in problems:
        print(f"wheel: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
