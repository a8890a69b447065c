"""Results side by side: what two runs found on the same queries, with paired tests; or several benchmarks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightword.errors import SightwordError, UsageError
from sightword.evaluation.details import QUERIES, read_queries_file
from sightword.evaluation.intervals import compare as paired
from sightword.evaluation.tables_more import ranked_by, short

__all__ = ["Comparison", "Results", "best_bars", "compare_results", "markdown", "read_results"]

MOST_PAIRS = 24


@dataclass(frozen=True)
class Results:
    """A folder that ``--out`` wrote.

    Attributes
    ----------
    path : Path
    told : dict
        ``results.json``.
    """

    path: Path
    told: dict[str, Any]

    @property
    def what(self) -> str:
        """Benchmark and split."""
        return f"{self.told['benchmark']} {self.told['split']}"

    @property
    def main(self) -> str:
        """The metric that it was judged by."""
        return str(self.told["comparisons"]["metric"])

    def overall(self, method: str) -> float | None:
        """Mean of the main metric over all tasks."""
        found = self.told["tasks"][method].get("overall", {}).get(self.main)
        return None if found is None else float(found["mean"])

    @property
    def ways(self) -> dict[str, list[tuple[str, float]]]:
        """(value or prompt, mean of the main metric) of every way that a method was asked in."""
        found: dict[str, list[tuple[str, float]]] = {}
        for label in self.methods:
            method = str(self.told.get("variants", {}).get(label, {}).get("method", label))
            listed, mean = found.setdefault(method, []), self.overall(label)
            if mean is not None:
                listed.append((label.removeprefix(method).strip(), mean))
        return found

    @property
    def best(self) -> dict[str, tuple[str, float, float]]:
        """Of methods that were asked in several ways: the best way, its mean, and the worst way's mean."""
        return {
            method: (*max(ways, key=lambda way: way[1]), min(mean for _, mean in ways))
            for method, ways in self.ways.items()
            if len(ways) > 1
        }

    @property
    def lost(self) -> list[str]:
        """What the run left out, in sentences."""
        return [str(item) for item in self.told.get("sizes", {}).get("left out", [])]

    @property
    def index(self) -> dict[str, Any]:
        """What ranked; empty where features were ranked exactly, without an index."""
        return dict(self.told.get("index") or {})

    @property
    def methods(self) -> list[str]:
        """All but chance."""
        return [name for name in self.told["tasks"] if name != "chance"]


@dataclass(frozen=True)
class Comparison:
    """One method of one run against one of another, on the queries that both answered.

    `changed` counts, by metric, those that have another value.
    """

    first: str
    second: str
    task: str
    metric: str
    queries: int
    changed: dict[str, int]
    difference: float
    interval: tuple[float, float]
    p: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**self.__dict__, "interval": list(self.interval)}


def read_results(path: Path) -> Results:
    """Read a folder with results, or its ``results.json``.

    Raises
    ------
    SightwordError
    """
    file = path / "results.json" if path.is_dir() else path
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if {"benchmark", "split", "tasks", "comparisons"} <= set(told):
            return Results(file.parent, told)
    except (OSError, ValueError, TypeError):
        pass
    raise SightwordError(f"{path} holds no results.", "Write some with `sightword evaluate ... --out DIR`.")


def compare_results(first: Results, second: Results) -> list[Comparison]:
    """The second run minus the first: methods of the same name, or all with all when no name is shared.

    Raises
    ------
    UsageError
        They belong to different benchmarks or splits.
    SightwordError
        They have no query in common.
    """
    if first.what != second.what:
        raise UsageError(
            f"{first.path} is about {first.what}, {second.path} about {second.what}.",
            "Compare results of one benchmark and split.",
        )
    one, two = read_queries_file(first.path / QUERIES), read_queries_file(second.path / QUERIES)
    place = {name: number for number, name in enumerate(two["ids"])}
    common = [number for number, name in enumerate(one["ids"]) if name in place]
    if not common:
        raise SightwordError(f"{first.path} and {second.path} have no query in common.")
    shared = [name for name in one["scores"] if name in two["scores"]]
    pairs = [(name, name) for name in shared]
    pairs = pairs or [(a, b) for a in one["scores"] for b in two["scores"]][:MOST_PAIRS]
    metric, found = first.main, []
    tasks = [one["tasks"][number] for number in common]
    for a, b in pairs:
        left, right = one["scores"][a].get(metric), two["scores"][b].get(metric)
        if left is None or right is None:
            continue
        for task in (*dict.fromkeys(tasks), "overall"):
            chosen = [
                (n, place[one["ids"][n]])
                for n in common
                if task in ("overall", one["tasks"][n])
                and left[n] is not None
                and right[place[one["ids"][n]]] is not None
            ]
            if not chosen or (task == "overall" and len(set(tasks)) == 1):
                continue
            sizes = Counter(one["tasks"][n] for n, _ in chosen)
            result = paired(
                [right[m] for _, m in chosen],
                [left[n] for n, _ in chosen],
                groups=[one["groups"][n] for n, _ in chosen],
                weights=[1 / sizes[one["tasks"][n]] for n, _ in chosen],
            )
            found.append(
                Comparison(
                    f"{first.path.name}: {a}", f"{second.path.name}: {b}", task, metric,
                    len(chosen), _changed(one["scores"][a], two["scores"][b], chosen),
                    result.difference, result.interval, result.p,
                )
            )  # fmt: skip
    return found


def _changed(
    left: Mapping[str, Sequence[float | None]],
    right: Mapping[str, Sequence[float | None]],
    pairs: Sequence[tuple[int, int]],
) -> dict[str, int]:
    return {name: sum(left[name][n] != right[name][m] for n, m in pairs) for name in left if name in right}


def _told(changed: Mapping[str, int]) -> str:
    """In how many queries which metrics differ; one number where all do."""
    if len(counts := set(changed.values())) == 1:
        return f"{counts.pop():,}"
    return ", ".join(f"{name} {count:,}" for name, count in changed.items() if count)


def best_bars(results: Sequence[Results]) -> dict[str, list[float | None]]:
    """The best mean of every method in every run; None where it was not asked."""
    ways = [result.ways for result in results]
    several = {name for found in ways for name, listed in found.items() if len(listed) > 1}
    return {
        f"{name}, best" if name in several else name: [
            max((mean for _, mean in found.get(name, [])), default=None) for found in ways
        ]
        for name in dict.fromkeys(name for found in ways for name in found)
    }


def markdown(results: Sequence[Results], comparisons: Sequence[Comparison]) -> str:
    """Means of all runs, methods down and runs across; best values of sweeps; then the paired differences."""
    methods = list(dict.fromkeys(name for result in results for name in result.methods))
    heads = [f"{result.path.name}: {result.what} {result.main}" for result in results]
    lines = [f"| method | {' | '.join(heads)} |", f"|---{'|---' * len(heads)}|"]
    for name in methods:
        means = [r.overall(name) if name in r.told["tasks"] else None for r in results]
        lines.append(f"| {name} | {' | '.join('–' if m is None else short(m) for m in means)} |")
    if swept := list(dict.fromkeys(name for result in results for name in result.best)):
        lines += ["", f"| best of | {' | '.join(heads)} |", f"|---{'|---' * len(heads)}|"]
        for name in swept:
            found = [result.best.get(name) for result in results]
            cells = [f"{b[0]}: {short(b[1])} (worst {short(b[2])})" if b else "–" for b in found]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    for result in results:
        if result.lost:
            lines += ["", f"**{result.path.name}: not the whole benchmark: {'; '.join(result.lost)}.**"]
        if result.index:
            lines += ["", f"{result.path.name}: {ranked_by(result.index)}"]
    if comparisons:
        lines += [
            "",
            "| first | second | task | queries | changed | second minus first (95 %) | p |",
            "|---|---|---|---|---|---|---|",
        ]
    for item in comparisons:
        low, high = item.interval
        told = "< .001" if item.p < 0.001 else short(round(item.p, 3))
        lines.append(
            f"| {item.first} | {item.second} | {item.task} | {item.queries:,} | {_told(item.changed)} | "
            f"{item.difference:+.3f} ({low:+.3f} to {high:+.3f}) | {told} |"
        )
    return "\n".join(lines)
