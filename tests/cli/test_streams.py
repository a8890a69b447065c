"""Standard output and standard error belong to the command, whatever libraries write there."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from sightword.cli.streams import own_streams

PROGRAM = """
import os, subprocess, sys
from sightword.cli.streams import own_streams
with own_streams():
    print("a library prints")
    os.write(1, b"a library writes\\n")
    os.write(2, b"a library complains\\n")
    subprocess.run([sys.executable, "-c", "import sys; print('a worker'); print('dies', file=sys.stderr)"])
    print("our progress", file=sys.stderr)
print('{"ours": "\\u00e9"}')
os.write(1, b"a thread that is late\\n")
"""


def told(**settings: str) -> tuple[str, str]:
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.pathsep.join(sys.path), **settings}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=env, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout, done.stderr


def test_what_libraries_write_does_not_arrive() -> None:
    assert told() == ('{"ours": "é"}\n', "our progress\n")


def test_for_debugging_all_of_it_goes_to_standard_error() -> None:
    out, err = told(SIGHTWORD_DEBUG="1")
    assert out == '{"ours": "é"}\n'
    for line in ("library prints", "library writes", "complains", "a worker", "dies", "our progress", "late"):
        assert line in err


def test_streams_of_somebody_else_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO())
    mine = sys.stdout, sys.stderr
    with own_streams():
        print("heard")
    assert (sys.stdout, sys.stderr) == mine and mine[0].getvalue() == "heard\n"
