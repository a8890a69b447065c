"""docs/scale.md says what the benchmarks' reports say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from _growth_measured import Results
from _growth_tables import BLOCKS, Choice
from growth_model import RESULTS, filled, tables

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


def test_the_page_holds_the_tables_that_are_made() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = tables(Results(RESULTS), Choice())
    assert filled(page, made) == page, "run `python benchmarks/growth_model.py --write docs/scale.md`"


def test_a_page_must_mark_every_table_once() -> None:
    made = dict.fromkeys(BLOCKS, "x")
    marks = "".join(f"<!-- table: {name} -->\nold\n<!-- end -->\n" for name in BLOCKS)
    assert filled(f"a\n{marks}b\n", made) == "a\n" + marks.replace("old", "x") + "b\n"
    with pytest.raises(SystemExit):
        filled(marks.replace("table: when", "table: whence"), made)
    with pytest.raises(SystemExit):
        filled("", made)


def test_figures_of_the_tables_by_hand() -> None:
    results, choice = Results(RESULTS), Choice(dim=384, pictures=(1e8,), node_gib=256, share=0.7, replicas=2)
    starter = json.loads((RESULTS / "index_folder_starter.json").read_text())["results"]["starter"]
    reached = starter["end_to_end_pictures_per_second"] / starter["cpu_limit_pictures_per_second"]
    hours = 1e8 * (starter["decode_cpu_ms"] + starter["encode_cpu_ms"]) / 1000 / 3600 / reached
    assert f"| 100 million | {hours:,.0f} |" in BLOCKS["encoder hours"](results, choice)
    # 100 million vectors of 1,544 bytes: 154 GB, on one node of 192 GB, twice for two replicas.
    assert "| 100 million | fp32 | 1,544 | 154 GB | 2 | 100 M |" in BLOCKS["nodes"](results, choice)
    query = json.loads((RESULTS / "scale.json").read_text())["results"]["1000000"]["query_ms_median"]
    assert f"| {100 / query:.2f} M |" in BLOCKS["when"](results, choice)


def test_what_was_not_measured_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "scale.json").write_bytes((RESULTS / "scale.json").read_bytes())
    for name in ("index_folder_starter", "index_folder_vit"):
        (tmp_path / f"{name}.json").write_bytes((RESULTS / f"{name}.json").read_bytes())
    made = tables(Results(tmp_path), Choice())
    assert all(made[name] == "Not measured yet." for name in ("cluster", "flat", "ann", "needed", "queries"))
