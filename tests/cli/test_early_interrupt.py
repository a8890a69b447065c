"""Ctrl-C while the program is still being loaded: one sentence and 130, as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of other systems")

DRIVER = """
import os, sys
left = {imports}
inside = False
def watch(event, told):
    global left, inside
    if event == "import" and os is not None:
        inside = inside or told[0].startswith("sightword.cli.")
        if inside:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), {number})
from sightword.cli import main
sys.addaudithook(watch)
sys.argv = ["sightword", "info", "."]
main()
"""


@pytest.mark.parametrize("imports", [1, 2, 3, 5, 10, 25, 50, 75])
def test_an_interrupt_at_any_import_is_a_sentence(environ: dict[str, str], imports: int) -> None:
    """`main` is running, and its imports are cut short by a signal at the so-manieth."""
    code = DRIVER.format(imports=imports, number=int(signal.SIGINT))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr == "\nsightword: Stopped.\n"


def test_nothing_slow_is_imported_before_the_handler_is_set() -> None:
    code = (
        "import sys; before = set(sys.modules); from sightword.cli import main; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    light = {"__future__", "_signal", "sightword", "sightword._version", "sightword.cli"}
    assert set(eval(done.stdout)) <= light


@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", [5, 20, 40, 80, 160])
def test_no_frame_of_ours_is_ever_shown(environ: dict[str, str], milliseconds: int) -> None:
    """While Python itself starts, Ctrl-C gets its own answer; then it gets ours."""
    for command in (["info", "."], ["--help"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "sightword", *command],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert "sightword/cli" not in told and "click" not in told, told
        if "Stopped." in told:
            # An interrupt inside of `eval` (namedtuple has one) is remembered by Python, which then ends
            # itself with the signal, although it was caught: 130 for a shell as well.
            assert process.returncode in (130, -signal.SIGINT)
