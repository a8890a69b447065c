"""StyleShift (docs/styleshift.md): reader and protocol. `sightword data styleshift` builds what is read here.

from sightword.evaluation.styleshift import evaluate
print(evaluate(load_backbone("./candidate"), Path("styleshift"), split="validation").markdown())
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightword.errors import SightwordError, UsageError
from sightword.evaluation.asking import Asked, by_preset
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.chance import chance_levels
from sightword.evaluation.composed import ComposedQuery, Picture, read_rows
from sightword.evaluation.metrics import average_precision_of_ranks, recall_of_ranks, share_at_k
from sightword.evaluation.ranking import Ranked

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone
    from sightword.evaluation.report import Report
    from sightword.update.progress import Progress

__all__ = ["StyleShift", "evaluate"]

SHOWN = 5
TOP = 10


class StyleShift:
    """The benchmark, as `sightword.evaluation.benchmark.Benchmark` describes one."""

    name: str = "styleshift"
    splits: tuple[str, ...] = ("test", "validation", "train")
    main: str = f"mAP@{TOP}"
    shown: tuple[str, ...] = ("R@1", "R@5", "R@10")
    prompts: tuple[str, ...] = ("rules", "searle", "pic2word")
    prompt: str = "rules"
    deepest: int | None = None  # mAP is that of the whole ranking

    def load(self, folder: Path, split: str = "test") -> Loaded:
        """Read one split and check it.

        Raises
        ------
        UsageError
            The split does not exist or was not built.
        SightwordError
            The folder is no complete StyleShift, or its files contradict each other.
        """
        if split not in self.splits:
            raise UsageError(f"There is no split {split!r}.", f"Choose among {', '.join(self.splits)}.")
        manifest = _manifest(folder)
        if split not in manifest["splits"]:
            raise UsageError(
                f"{folder} was built without the split {split!r}.",
                f"Build it: sightword data styleshift DIR --split {split}.",
            )
        pictures = [row for row in read_rows(folder / "gallery.jsonl", Picture) if row.split == split]
        queries = [row for row in read_rows(folder / "queries.jsonl", ComposedQuery) if row.split == split]
        _check(folder, pictures, queries)
        facts = {
            "version": manifest["version"],
            "made with": manifest["made with"],
            "queries.jsonl": manifest["files"]["queries.jsonl"],
            "gallery.jsonl": manifest["files"]["gallery.jsonl"],
        }
        return Loaded(folder, split, pictures, queries, facts)

    def asks(self, query: ComposedQuery, prompt: str) -> list[Asked]:
        """The words as they are."""
        return [by_preset(prompt, query.text)]

    def score(self, query: ComposedQuery, ranking: Ranked) -> dict[str, float]:
        """Precision and recall; for ``conflict``, the shares of the first ten."""
        if query.agree:
            top = ranking.top(TOP)
            return {f"share@{TOP}: {what}": share_at_k(top, ids, TOP) for what, ids in query.agree.items()}
        places = ranking.places(query.targets)
        return {
            "mAP": average_precision_of_ranks(places),
            f"mAP@{TOP}": average_precision_of_ranks(places, TOP),
            **{f"R@{k}": recall_of_ranks(places, k) for k in (1, 5, TOP)},
        }

    def chance(self, query: ComposedQuery, size: int) -> dict[str, float]:
        """Of a random ranking."""
        if query.agree:
            return {f"share@{TOP}: {what}": len(ids) / size for what, ids in query.agree.items()}
        return chance_levels(size, len(query.targets))

    def protocol(self) -> dict[str, str]:
        """In sentences."""
        return {
            "gallery": "all pictures of the split; a query's references and ignored pictures are taken out",
            "ties": "by the gallery's order",
            "mAP": "average precision of the whole ranking; mAP@10: of the first ten, over min(right, 10)",
            "R@k": "1 when any right answer is among the first k (hit rate)",
            "share": "of the first ten; attainable only as far as there are so many such pictures",
            "overall": "mean over the tasks that have right answers, every task with the same weight",
            "intervals": "95 %, percentile bootstrap over base concepts, 2,000 rounds",
            "tests": "paired sign-flip permutation over base concepts, 10,000 rounds, two-sided",
            "prompts": "chosen from the words by the rules that search uses",
        }


def evaluate(
    backbone: Backbone,
    folder: Path | str,
    methods: Sequence[str] | None = None,
    *,
    split: str = "test",
    limit: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Evaluate a loaded backbone on a built StyleShift.

    Parameters
    ----------
    backbone : Backbone
        For instance ``load_backbone("./candidate", threads=1)``.
    folder : Path or str
        What `sightword data styleshift` built.
    methods : sequence of str, optional
        Names, ``weighted:0.3`` and the ceiling ``caption`` included; by default all that the backbone has.
    split : {"test", "validation", "train"}
    limit : int, optional
        Only so many queries of each aspect, drawn with fixed dice: for a quick look.
    progress : Progress, optional

    Returns
    -------
    Report
        ``report.markdown()``, ``report.as_json()``.
    """
    from sightword.evaluation.run import run, some

    benchmark = StyleShift()
    loaded = some(benchmark.load(Path(folder), split), limit)
    return run(benchmark, loaded, backbone, methods, progress=progress)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["name"] == "styleshift" and {"splits", "version", "made with", "files"} <= set(manifest):
            return dict(manifest)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise SightwordError(
        f"{folder} holds no complete StyleShift.", f"Build one: sightword data styleshift {folder}."
    )


def _check(folder: Path, pictures: Sequence[Picture], queries: Sequence[ComposedQuery]) -> None:
    """Ids are unique, every id that a query names is in the gallery, and every query has an answer."""
    for what, ids in (("picture", [p.id for p in pictures]), ("query", [q.id for q in queries])):
        twice = [name for name, count in Counter(ids).items() if count > 1]
        if twice:
            raise SightwordError(f"{folder} lists the {what} {_few(twice)} more than once.")
    known = {picture.id for picture in pictures}
    missing = {
        name
        for query in queries
        for names in (query.references, query.targets, query.ignored, *query.agree.values())
        for name in names
        if name not in known
    }
    if missing:
        raise SightwordError(
            f"Queries of {folder} name pictures that its gallery does not have: {_few(sorted(missing))}.",
            "Build the benchmark again.",
        )
    unanswered = [query.id for query in queries if not query.references or not (query.targets or query.agree)]
    if unanswered:
        raise SightwordError(f"Queries of {folder} have no reference or no answer: {_few(unanswered)}.")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
