"""What words and methods are taken for, and what is said when they were probably meant otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sightword.cli.words import split_words


def test_words_are_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "red").mkdir()
    monkeypatch.chdir(tmp_path)
    assert split_words(()) == (Path(), "")
    assert split_words(("red",)) == (Path("red"), "")
    assert split_words(("as a line drawing",)) == (Path(), "as a line drawing")
    assert split_words((".", "red")) == (Path(), "red")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["red", "--method", "slerp"], "so text answers"),
        (["--image", "IMAGE", "--method", "slerp"], "so image answers"),
        (["red", "--image", "IMAGE", "--method", "image"], "does not read the words"),
        (["red", "--image", "IMAGE", "--method", "text"], "does not look at the picture"),
    ],
)
def test_a_method_that_does_not_answer_is_told(run, folder: Path, args: list[str], said: str) -> None:
    run("index", folder)
    given = [str(folder / "red.png") if arg == "IMAGE" else arg for arg in args]
    result = run("search", folder, *given, "--json")
    assert result.exit_code == 0
    assert result.stderr.count(said) == 1 and result.stderr.count("\n") == 1
    assert json.loads(result.stdout)["method"] in ("text", "image")


def test_a_preferred_method_is_no_reason_to_speak(run, folder: Path, monkeypatch) -> None:
    run("index", folder)
    monkeypatch.setenv("SIGHTWORD_METHOD", "image")
    result = run("search", folder, "red", "--paths")
    assert result.exit_code == 0 and result.stderr == ""


def test_words_that_look_like_a_path_or_a_folder_are_doubted(run, folder: Path, monkeypatch) -> None:
    run("index", folder)
    monkeypatch.chdir(folder)
    assert "'black/white' is taken as words" in run("search", ".", "black/white").stderr
    assert "'no/such' is taken as words" in run("search", ".", "red", "--without", "no/such").stderr
    assert run("search", "red").stderr == ""


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("deeep", "There is no folder 'deeep'.\n  Was 'deep' meant?"),
        ("./deeep", "There is no folder './deeep'.\n  Was 'deep' meant?"),
        ("black/white", "sightword search . black/white"),
        (".deep", "Was 'deep' meant?"),
        ("~nobody", "There is no folder '~nobody'."),
        ("notes.md", "is a file, neither a folder nor words"),
    ],
)
def test_one_word_that_is_more_likely_a_folder_is_refused(
    run, folder: Path, monkeypatch, word: str, said: str
) -> None:
    """Taken as words it would have the current folder read and indexed."""
    (folder / "notes.md").write_text("no picture")
    monkeypatch.chdir(folder)
    result = run("search", word)
    assert result.exit_code == 2 and said in result.stderr
    assert not (folder / ".sightword").exists()


def test_reading_the_current_folder_unasked_is_told_once(run, folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    first = run("search", "red", "--paths")
    assert first.exit_code == 0 and f"the current one are read: {folder}." in first.stderr
    assert "the current one" not in run("search", "red", "--paths").stderr
    assert "the current one" not in run("search", ".", "blue", "--paths").stderr


def test_a_named_folder_is_not_told(run, folder: Path) -> None:
    assert "the current one" not in run("search", folder, "red").stderr


@pytest.mark.parametrize("command", ["serve", "search"])
def test_a_method_that_is_nowhere_is_told_before_the_model_is_loaded(
    run, folder: Path, monkeypatch, command: str
) -> None:
    monkeypatch.setattr("sightword.backbones.load_backbone", lambda *_, **__: pytest.fail("loaded"))
    words = [folder, "red", "--image", folder / "red.png"] if command == "search" else [folder, "--port", "0"]
    result = run(command, *words, "--method", "nosuch")
    assert result.exit_code == 4 and "There is no method 'nosuch'." in result.stderr
    assert not (folder / ".sightword").exists()
