"""``evaluate --index``: an index ranks, every output says so, and runs with and without it are compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from made_benchmark import write_benchmark

Run = Callable[..., Result]
ASK = ("evaluate", "styleshift", "--method", "image,average", "--data")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_benchmark(tmp_path / "squares")


def test_an_exact_run_and_one_with_an_index_are_compared(run: Run, data: Path, tmp_path: Path) -> None:
    index, outs = tmp_path / "kept" / "index", [tmp_path / name for name in ("exact", "engine")]
    for out, more in zip(outs, ((), ("--index", index))):
        done = run(*ASK, data, "--out", out, *more)
        assert done.exit_code == 0, done.stderr
    sentence = f"Ranked by the index {index}: this machine, every picture compared."
    assert sentence in done.stdout.splitlines()
    assert sentence in (outs[1] / "results.md").read_text()
    assert sentence in (outs[1] / "queries.html").read_text()
    assert json.loads((outs[1] / "results.json").read_text())["index"]["pictures"] == 24
    assert json.loads((outs[0] / "results.json").read_text())["index"] is None
    done = run("evaluate", "--compare", *outs)
    assert f"engine: {sentence}" in done.stdout
    assert "| exact: average | engine: average | domain | 18 | 0 | +0.000 (+0.000 to +0.000) |" in done.stdout
    told = json.loads(run("evaluate", "--compare", *outs, "--json").stdout)
    assert [item["index"] is None for item in told["results"]] == [True, False]
    assert {value for item in told["comparisons"] for value in item["changed"].values()} == {0}

    facts = json.loads(run("info", data, "--index", index, "--json").stdout)
    assert (facts["pictures"], facts["preprocess"]) == (24, "clip")
    changed = json.loads((outs[1] / "queries.json").read_text())
    changed["scores"]["average"]["mAP@10"][0] = 0.0
    (outs[1] / "queries.json").write_text(json.dumps(changed))
    told = json.loads(run("evaluate", "--compare", *outs, "--json").stdout)
    counts = {item["first"]: {m: n for m, n in item["changed"].items() if n} for item in told["comparisons"]}
    assert counts == {"exact: image": {}, "exact: average": {"mAP@10": 1}}
    done = run("evaluate", "--compare", *outs)
    assert "| exact: average | engine: average | domain | 18 | mAP@10 1 | -" in done.stdout


def test_the_environment_names_it_and_a_folders_index_is_another(
    run: Run, data: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("index", folder, "--index", tmp_path / "album").exit_code == 0
    monkeypatch.setenv("SIGHTWORD_INDEX", str(tmp_path / "album"))  # of `search`; nothing to do with this
    done = run(*ASK, data, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["index"] is None
    monkeypatch.setenv("SIGHTWORD_GALLERY_INDEX", str(tmp_path / "album"))
    done = run(*ASK, data)
    assert done.exit_code == 3
    assert "prepared by 'product'" in done.stderr
    assert "--index" in done.stderr
    assert "Traceback" not in done.output


def test_a_server_that_is_not_there(run: Run, data: Path) -> None:
    pytest.importorskip("pymilvus", reason="the package pymilvus is not installed")
    done = run(*ASK, data, "--index", "milvus://127.0.0.1:1/x")
    assert done.exit_code == 3
    assert "No Milvus server can be reached at 127.0.0.1:1: nobody listens there." in done.stderr
    assert "Traceback" not in done.output


def test_words_that_are_wrong(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(*ASK, data, "--index", "milvus://ann:s3cret@db/x")
    assert done.exit_code == 2
    assert "holds a password" in done.stderr
    assert "s3cret" not in done.output
    done = run(*ASK, data, "--index", "somewhere", "--preprocess", "targetpad")
    assert done.exit_code == 2
    assert "Leave --preprocess or --index out" in done.stderr
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    done = run(*ASK, data, "--index", "milvus://127.0.0.1:1/x")
    assert done.exit_code == 4
    assert "pip install 'sightword[milvus]'" in done.stderr


def test_an_index_is_made_neither_among_pictures_nor_in_another(
    run: Run, data: Path, folder: Path, tmp_path: Path
) -> None:
    before = sorted(folder.iterdir())
    done = run(*ASK, data, "--index", folder)
    assert done.exit_code == 2 and f"{folder} holds other files" in done.stderr
    assert sorted(folder.iterdir()) == before
    assert run(*ASK, data, "--index", tmp_path / "kept").exit_code == 0
    done = run(*ASK, data, "--index", tmp_path / "kept" / "sub" / "dir")
    assert done.exit_code == 2 and f"lies inside the index {tmp_path / 'kept'}" in done.stderr
    assert not (tmp_path / "kept" / "sub").exists()
