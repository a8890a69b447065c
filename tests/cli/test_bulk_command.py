"""`sightword index` with sources and targets beyond a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest


def test_a_list_and_json(run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
    result = run("index", "-", "--to", folder, "--json", input="\n".join(names))
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["pictures"], facts["added"], facts["not_looked_at"]) == (len(names), len(names), 0)
    assert run("index", folder).stdout == f"{len(names)} pictures in the index.\n"


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("localhost:19530/holiday", "milvus://localhost:19530/holiday (a directory of this name:"),
        ("db:19530/holiday.parquet", "milvus://db:19530/holiday.parquet (a directory of this name:"),
        ("http://ann:s3cret@db:19530/holiday", "milvus://db:19530/holiday"),
    ],
)
def test_a_forgotten_scheme_is_told_with_the_option_to_write(
    run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text(f"{folder}\n")
    before = sorted(tmp_path.iterdir())
    for source in (folder, tmp_path / "list.txt"):
        result = run("index", source, "--to", target)
        assert result.exit_code == 2 and "does not begin with milvus://" in result.stderr
        assert f"Write: --to {meant}" in result.stderr and "s3cret" not in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_features_and_back(run, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")
    out = tmp_path / "out.parquet"
    made = run("index", folder, "--to", out)
    assert made.exit_code == 0 and made.stdout == f"8 pictures in {out}.\n"
    assert "Pictures: 8 new in" in made.stderr
    again = run("index", folder, "--to", out)
    assert "8 files needed nothing." in again.stderr
    back = run("index", out, "--to", folder)
    assert back.exit_code == 0 and "8 brought in, none encoded again" in back.stderr
    nowhere = run("index", out)
    assert nowhere.exit_code == 2 or "Where shall the pictures" in str(nowhere.exception)


def test_without_ray_the_command_says_what_to_install(
    run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        "sightword.scale.engines.find_spec", lambda name: None if name == "ray" else real(name)
    )
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run("index", folder, "--engine", "ray")
    told = str(result.exception) + result.stderr
    assert "needs ray, which is not installed" in told and "pip install 'sightword[ray]'" in told


def test_without_pyarrow_too(run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*(name for name in sys.modules if name.startswith("pyarrow.")), "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    result = run("index", folder, "--to", tmp_path / "out.parquet")
    assert "Parquet needs pyarrow, which is not installed" in str(result.exception) + result.stderr
