"""The tables of docs/scale.md: what was measured, and what a model makes of it for much more.

    python benchmarks/growth_model.py                                  prints every table
    python benchmarks/growth_model.py --write docs/scale.md            puts them between their markers
    python benchmarks/growth_model.py --dim 768 --node-gib 512 --pictures 2e7,1e9      your own figures

Measurements are read from ``benchmarks/results``; the formulas are in ``_growth.py``.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from _growth_measured import Results
from _growth_tables import BLOCKS, Choice

RESULTS = Path(__file__).parent / "results"
MARKED = re.compile(r"(<!-- table: ([a-z0-9 -]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def tables(results: Results, choice: Choice) -> dict[str, str]:
    """Every table as Markdown, by its name."""
    return {name: make(results, choice) for name, make in BLOCKS.items()}


def filled(text: str, made: dict[str, str]) -> str:
    """A page with every marked table replaced.

    Raises
    ------
    SystemExit
        The page marks a table that does not exist, or lacks one.
    """
    marked = [name for _, name, _ in MARKED.findall(text)]
    if sorted(marked) != sorted(made):
        raise SystemExit(f"The page marks the tables {marked}; there are {sorted(made)}.")
    return MARKED.sub(lambda found: f"{found[1]}{made[found[2]]}\n{found[3]}", text)


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dim", type=int, default=Choice.dim)
    parser.add_argument("--pictures", default="1e8,5e9", help="sizes, separated by commas")
    parser.add_argument("--node-gib", type=float, default=Choice.node_gib, help="memory of a query node")
    parser.add_argument("--share", type=float, default=Choice.share, help="of it for vectors")
    parser.add_argument("--replicas", type=int, default=Choice.replicas)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--write", type=Path, help="a page with marked tables")
    args = parser.parse_args()
    sizes = tuple(float(size) for size in args.pictures.split(","))
    choice = Choice(args.dim, sizes, args.node_gib, args.share, args.replicas)
    made = tables(Results(args.results), choice)
    if args.write:
        args.write.write_text(filled(args.write.read_text(encoding="utf-8"), made), encoding="utf-8")
        return
    for name, table in made.items():
        print(f"## {name}\n\n{table}\n")


if __name__ == "__main__":
    main()
