"""What the recall tables of docs/scale.md say of real vectors, in sentences with their figures."""

from __future__ import annotations

from typing import Any

from _growth_measured import Results
from _markdown import share
from _recall_tables import COMPOSED, MISSING, smallest

__all__ = ["findings"]

ASKED = {"image": "for pictures", COMPOSED: "for composed queries", "text": "for words"}


class _Engines:
    """Recalls of one report, to be quoted."""

    def __init__(self, engines: dict[str, Any]) -> None:
        self.engines = engines

    def recall(self, name: str, kind: str, setting: str, rescored: int) -> float:
        rows = self.engines[name]["asked"]
        found = next(row for row in rows if (row["setting"], row["rescored"]) == (setting, rescored))
        return float(found["kinds"][kind]["recall"])

    def finds(self, name: str, setting: str = "", rescored: int = 0) -> str:
        told = {kind: share(self.recall(name, kind, setting, rescored)) for kind in ASKED}
        return ", ".join(f"{told[kind]} {words}" for kind, words in ASKED.items())

    def needs(self, name: str, level: float) -> str:
        told = {kind: smallest(self.engines[name]["asked"], kind, level).partition(" (")[0] for kind in ASKED}
        return ", ".join(f"{told[kind]} {words}" for kind, words in ASKED.items())


def findings(results: Results, choice: object) -> str:
    """Four sentences, from the report about real vectors."""
    report = results.report("quantisation_real")
    if report is None:
        return MISSING
    lies, of = report["results"]["queries"], _Engines(report["results"]["engines"])
    short = ("fp16", "bf16", "int8")
    worst = share(min(of.recall(name, kind, "", 42) for name in short for kind in lies))
    tenth = ", ".join(f"{share(lies[kind]['cosine_of_the_10th'])} {words}" for kind, words in ASKED.items())
    deep, shallow = of.finds("pq96", rescored=266), of.finds("pq96", rescored=42)
    graph, cells = of.finds("hnsw", "ef=16"), of.finds("ivf", "nprobe=8")
    return f"""\
- **A composed query is far from every picture.** The tenth has a cosine of {tenth}.
- **Fewer bits for every vector: no gap.** int8 alone finds {of.finds("int8")}; with 42 rescored the worst
  of fp16, bf16 and int8 for any kind of query is {worst}.
- **Product quantisers: a gap.** 96 bytes find {of.finds("pq96")}; with 42 rescored {shallow}; with 266
  rescored {deep}.
- **Looking at some vectors only: the largest gap.** HNSW with ef=16 finds {graph}; IVF with nprobe=8
  {cells}. To reach .99, HNSW needs {of.needs("hnsw", 0.99)}; IVF {of.needs("ivf", 0.99)}."""
