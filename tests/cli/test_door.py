"""The command as a whole: help, versions, errors, pipes, completion, documentation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import sightword
from gallery import paint
from sightword.cli.door import COMMANDS, cli
from sightword.cli.reference import reference
from sightword.cli.settings import commands

ALL = dict(commands())
DOCS = Path(sightword.__file__).parents[2] / "docs" / "cli.md"


def test_version(run) -> None:
    assert run("--version").stdout == f"sightword {sightword.__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_command_and_exit_code(run, flag: str) -> None:
    text = run(flag).stdout
    assert all(f"  {name} " in text for name in COMMANDS)
    assert all(f"\n    {code}  " in text for code in (0, 1, 2, 3, 4, 5, 130))


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_has_help_and_is_documented(run, name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert len((ALL[name].help or "").strip()) > 20
    assert all(option.help for option in ALL[name].params if isinstance(option, click.Option))
    assert f"## sightword {name}\n" in DOCS.read_text(encoding="utf-8")


def test_the_documentation_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == reference(), (
        "run: python -m sightword.cli.reference > docs/cli.md"
    )


def test_commands_that_print_results_have_json() -> None:
    without = {
        name for name, command in ALL.items() if "json" not in {param.name for param in command.params}
    }
    assert without <= {"completion", "serve"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_SIGHTWORD_COMPLETE" in result.stdout


def test_completion_answers(run_process) -> None:
    done = run_process(
        env={
            **os.environ,
            "_SIGHTWORD_COMPLETE": "bash_complete",
            "COMP_WORDS": "sightword se",
            "COMP_CWORD": "1",
        }
    )
    assert done.stdout == b"plain,search\nplain,serve\n"


def test_an_unknown_command_is_two(run) -> None:
    result = run("serach")
    assert result.exit_code == 2
    assert result.stderr.startswith("sightword: No such command 'serach'")


def test_a_bug_is_told_in_one_sentence_and_shown_on_request(
    run, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("sightword.search.open", broken)
    result = run("search", folder, "red")
    assert result.exit_code == 1
    assert "RuntimeError: boom" in result.stderr and "SIGHTWORD_DEBUG=1" in result.stderr
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("SIGHTWORD_DEBUG", "1")
    assert isinstance(run("search", folder, "red").exception, RuntimeError)


def test_a_closed_pipe_is_quiet(environ: dict[str, str], folder: Path) -> None:
    for number in range(400):
        os.link(paint(folder / "x" / "red.png", "red"), folder / "x" / f"{number:0100d}.png")
    command = [
        sys.executable,
        "-m",
        "sightword",
        "search",
        str(folder),
        "red",
        "-k",
        "1000",
        "--no-fold",
        "--jsonl",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read().decode()
    assert process.returncode == 141
    assert "Broken" not in told and "Traceback" not in told


def test_python_dash_m_and_the_script_are_one_program(run_process) -> None:
    assert run_process("--version").stdout.decode().strip() == f"sightword {sightword.__version__}"
    assert isinstance(cli, click.Group)


@pytest.mark.parametrize("name", ["PATH_TO_NOWHERE/x.png"])
def test_the_disk_says_no(run, folder: Path, tmp_path: Path, name: str) -> None:
    result = run("search", folder, "red", "--sheet", tmp_path / name)
    assert result.exit_code == 2
    assert "no such directory" in result.stderr


def test_no_arguments_show_the_help_in_lines() -> None:
    done = subprocess.run([sys.executable, "-m", "sightword"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "\n  search " in done.stderr
    assert not done.stdout


def test_a_mistyped_method_is_refused_even_for_words_alone(run, tmp_path: Path) -> None:
    result = run("search", str(tmp_path), "a cat", "--method", "foo")
    assert result.exit_code == 4
    assert "'foo'" in result.stderr


INTERRUPTED = """
import os, signal, sys
module, folder = sys.argv[1:]
class Finder:
    def find_spec(name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(Finder)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
import sightword.cli
sys.argv[1:] = ["search", folder, "red"]
sightword.cli.main()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("module", ["click", "sightword.config", "sightword.cli.search", "numpy"])
def test_ctrl_c_while_loading_is_no_traceback(environ, tmp_path: Path, module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, module, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "sightword: Stopped."), done.stderr
