"""Tables about recall, from a made-up report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from _growth_measured import Results
from _recall_tables import flat_engines, needed, searching_engines, smallest, where_queries_lie

KINDS = ("image", "pic2word+pdv")
MACHINE = {"processor": "P", "cores": 2, "memory_gib": 1.0, "load_at_end": 0.1}


def asked(setting: str, rescored: int, recalls: tuple[float, float]) -> dict[str, Any]:
    kinds = {
        kind: {"recall": recall, "low": recall - 0.1, "high": recall + 0.1, "ms": 2.0}
        for kind, recall in zip(KINDS, recalls)
    }
    kinds[KINDS[1]] |= {
        "minus_image": recalls[1] - recalls[0],
        "minus_low": -0.2,
        "minus_high": 0.0,
        "p": 0.5,
    }
    return {"setting": setting, "rescored": rescored, "kinds": kinds}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    lies = {
        "queries": 4, "groups": 3, "cosine_of_the_1st": 0.5, "cosine_of_the_10th": 0.25,
        "10th_minus_42nd": 0.1, "10th_minus_11th_median": 0.0123, "background_mean": -0.5,
        "background_deviation": 0.0, "share_of_values_beyond_the_int8_grid": 0.0123,
    }  # fmt: skip

    def engine(*rows: dict[str, Any], **more: int) -> dict[str, Any]:
        return {"mb_per_million": 384.0, "build_seconds": 1, "asked": list(rows), **more}

    every = {
        "int8": engine(asked("", 0, (0.9, 0.7)), asked("", 42, (1.0, 1.0))),
        "int8-both": engine(asked("", 0, (0.8, 0.6))),
        "ivf": engine(asked("nprobe=1", 0, (0.95, 0.5)), asked("nprobe=2", 0, (0.96, 0.91)), cells=64),
    }
    more = {"ivf-2048": engine(asked("nprobe=64", 0, (0.92, 0.4)), cells=2048)}
    for name, engines in (("quantisation_real", every), ("quantisation_real_ivf", more)):
        report = {
            "command": name, "commit": "c", "time": "2026-01-01T00:00:00Z", "machine": MACHINE,
            "settings": {"rows": 100, "real_rows": 100},
            "results": {"queries": dict.fromkeys(KINDS, lies), "engines": engines},
        }  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    return Results(tmp_path)


def test_flat_engines_once_each(results: Results) -> None:
    lines = [line for line in flat_engines(results, None).splitlines() if line.startswith("| int8")]
    assert [line.split(" | ")[0] for line in lines] == ["| int8", "| int8, 42 rescored", "| int8-both"]
    assert lines[0] == (
        "| int8 | 384 | 2.00 | .900 (.800 to 1) | .700 (.600 to .800) | -.200 (-.200 to .000) |"
    )


def test_a_busy_machine_is_told(results: Results) -> None:
    assert "busy" not in results.source("quantisation_real", "none such")
    path = results.folder / "quantisation_real.json"
    path.write_text(path.read_text().replace('"load_at_end": 0.1', '"load_at_end": 8.4'))
    assert results.source("quantisation_real").endswith("**On a busy machine (load 8): times are too long.**")
    assert results.source() == results.source("none such") == ""


def test_variants_of_an_engine_from_several_reports(results: Results) -> None:
    found = searching_engines(results, None)
    assert found.count("**100 vectors**") == 1 and found.count("commit c") == 2
    labels = [line.split(" | ")[0] for line in found.splitlines() if line.startswith("| ivf")]
    assert labels == [
        "| ivf, 64 cells, nprobe=1",
        "| ivf, 64 cells, nprobe=2",
        "| ivf, 2,048 cells, nprobe=64",
    ]


def test_what_is_needed(results: Results) -> None:
    rows = results.report("quantisation_real")
    assert rows is not None
    settings = rows["results"]["engines"]["ivf"]["asked"]
    assert smallest(settings, "image", 0.95) == "nprobe=1 (2.00 ms)"
    assert smallest(settings, KINDS[1], 0.9) == "nprobe=2 (2.00 ms)"
    assert smallest(settings, KINDS[1], 0.99) == "more than nprobe=2"
    found = needed(results, None)
    assert "| ivf, 64 cells | 0.9 | nprobe=1 (2.00 ms) | nprobe=2 (2.00 ms) |" in found
    assert "| ivf, 2,048 cells | 0.95 | more than nprobe=64 | more than nprobe=64 |" in found


def test_where_queries_lie(results: Results) -> None:
    assert (
        "| `image` | 4 (3) | .5000 | .2500 | .1000 | .0123 | -.5000 | .0000 | 1.23 % |"
        in where_queries_lie(results, None)
    )
