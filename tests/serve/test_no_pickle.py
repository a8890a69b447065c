"""No file, cache or message of this package is ever unpickled: reading every call in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import sightword

SOURCE = Path(sightword.__file__).parent
FORBIDDEN = {
    "pickle",
    "_pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "jsonpickle",
}
RUNS_CODE = {"load", "loads", "Unpickler", "open", "read_pickle"}


def calls(text: str) -> Iterator[tuple[str, str, ast.Call]]:
    """(module or object, function, call) of every call through a dot."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            yield owner.id if isinstance(owner, ast.Name) else "", node.func.attr, node


def keyword(call: ast.Call, name: str) -> object:
    """The constant that a call gives under a name."""
    values = [each.value for each in call.keywords if each.arg == name]
    return values[0].value if values and isinstance(values[0], ast.Constant) else None


def faults(text: str) -> list[str]:
    """What would run code that a file brings."""
    found = []
    for owner, name, call in calls(text):
        if (owner in FORBIDDEN and name in RUNS_CODE) or name == "read_pickle":
            found.append(f"{owner}.{name} in line {call.lineno}")
        if owner == "torch" and name == "load" and keyword(call, "weights_only") is not True:
            found.append(f"torch.load without weights_only=True in line {call.lineno}")
        if owner == "np" and name == "load" and keyword(call, "allow_pickle") is not False:
            found.append(f"np.load without allow_pickle=False in line {call.lineno}")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in FORBIDDEN:
            found.append(f"from {node.module} import in line {node.lineno}")
    return found


def test_nothing_is_unpickled() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 200
    told = {str(path.relative_to(SOURCE)): faults(path.read_text(encoding="utf-8")) for path in files}
    assert {name: found for name, found in told.items() if found} == {}


def test_the_search_finds_what_it_looks_for() -> None:
    bad = (
        "import pickle, torch\nimport numpy as np\npickle.load(f)\ntorch.load(f)\nnp.load(f)\n"
        "from pickle import loads\nnp.load(f, allow_pickle=True)\ntorch.load(f, weights_only=False)"
    )
    assert len(faults(bad)) == 6
    assert faults("torch.load(f, weights_only=True); np.load(f, allow_pickle=False); json.load(f)") == []
