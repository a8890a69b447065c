"""The import graph points one way, heavy packages are imported late, files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sightword

ROOT = Path(sightword.__file__).parent
REPOSITORY = ROOT.parent.parent

LAYERS = [
    {"errors", "config", "_version"},
    {"backbones", "pictures", "prompts", "phrasing"},
    {"methods", "index"},
    {"update", "watch"},
    {"search", "training", "evaluation"},
    {"datasets"},
    {"cli", "serve", "scale", "client", "__main__", "__init__"},
]
"""Lowest first; a module may import its own layer and those below."""

HEAVY = ("torch", "openvino", "transformers", "timm", "open_clip", "onnx", "huggingface_hub")


def python_files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.py") if "__pycache__" not in path.parts)


def part_of(module: str) -> str:
    """``sightword.index.store`` -> ``index``."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "__init__"


def module_of(path: Path) -> str:
    names = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" and len(names) > 2 else names)


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module a file imports, wherever in the file; and whether that is when the file is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {id(inner) for node in ast.walk(tree) if _runs_later(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            module = node.module or ""
            names = [f"sightword.{alias.name}" for alias in node.names] if module == "sightword" else [module]
        for name in names:
            yield name, id(node) not in late


def _runs_later(node: ast.AST) -> bool:
    checking = (
        isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    return checking or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))


def level(part: str) -> int:
    for number, names in enumerate(LAYERS):
        if part in names:
            return number
    raise AssertionError(f"sightword.{part} has no layer; add it to LAYERS")


@pytest.mark.parametrize("path", python_files(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_points_upward(path: Path) -> None:
    own = part_of(module_of(path))
    for name, _ in imports(path):
        if name.split(".")[0] == "sightword":
            assert level(part_of(name)) <= level(own), f"{own} must not import {name}"


def test_an_upward_arrow_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def f():\n    from sightword.cli.door import cli\n")
    assert [(name, level(part_of(name))) for name, _ in imports(tmp_path / "bad.py")] == [
        ("sightword.cli.door", len(LAYERS) - 1)
    ]


@pytest.mark.parametrize("path", python_files(ROOT / "index"), ids=lambda path: path.name)
def test_the_index_knows_no_runtime(path: Path) -> None:
    assert not {name.split(".")[0] for name, _ in imports(path)} & {"torch", "openvino"}


@pytest.mark.parametrize("path", python_files(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_are_imported_late(path: Path) -> None:
    early = {name.split(".")[0] for name, at_import in imports(path) if at_import}
    # Files that exist only for torch may import it; their names or folders say so.
    parts = path.relative_to(ROOT).parts
    if any(part.startswith("torch_") for part in parts) or "training" in parts:
        early.discard("torch")
    assert not early & set(HEAVY)


@pytest.mark.parametrize(
    "arguments",
    [["-c", "import sightword"], ["-m", "sightword", "--help"], ["-m", "sightword", "--version"]],
    ids=["import", "help", "version"],
)
def test_start_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "sightword" in loaded
    assert not loaded & {*HEAVY, "numpy", "PIL", "sqlite3", "tokenizers", "safetensors"}


@pytest.mark.parametrize(
    "path",
    [
        path
        for folder in ("src", "tests", "benchmarks", "recipes")
        for path in python_files(REPOSITORY / folder)
    ],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
