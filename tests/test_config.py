"""Settings files: what they may say, and which wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sightword.config import cache_home, environment_name, read_settings, user_file
from sightword.errors import UsageError

KNOWN = {"k", "method", "prompt", "backbone", "min-score", "no-update"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"SIGHTWORD_CONFIG": str(tmp_path / "user.toml")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


def test_no_files_no_settings(folder: Path, environ: dict[str, str]) -> None:
    assert read_settings(folder, KNOWN, environ) == {}


def test_the_user_may_set_everything_and_underscores_are_dashes(
    folder: Path, environ: dict[str, str]
) -> None:
    user_file(environ).write_text('k = 3\nmin_score = "2z"\nbackbone = "/models/b"\n')
    settings = read_settings(folder, KNOWN, environ)
    assert {name: s.value for name, s in settings.items()} == {
        "k": 3,
        "min-score": "2z",
        "backbone": "/models/b",
    }
    assert {s.source for s in settings.values()} == {"user file"}
    assert settings["k"].where == str(user_file(environ))


def test_the_folder_wins_over_the_user(folder: Path, environ: dict[str, str]) -> None:
    user_file(environ).write_text('k = 3\nmethod = "slerp"\n')
    (folder / "sightword.toml").write_text("k = 5\n")
    settings = read_settings(folder, KNOWN, environ)
    assert (settings["k"].value, settings["k"].source) == (5, "folder file")
    assert (settings["method"].value, settings["method"].source) == ("slerp", "user file")


@pytest.mark.parametrize("line", ['backbone = "x"', "no-update = true", 'index = "/tmp/x"', "nonsense = 1"])
def test_the_folder_may_set_only_three_names(folder: Path, environ: dict[str, str], line: str) -> None:
    (folder / "sightword.toml").write_text(line)
    with pytest.raises(UsageError, match="only k, method and prompt") as caught:
        read_settings(folder, KNOWN, environ)
    assert str(folder / "sightword.toml") in caught.value.message
    assert line.split()[0] in caught.value.message


@pytest.mark.parametrize(
    "line",
    [
        "k = 0",
        "k = 1000000",
        "k = true",
        'k = "5"',
        'method = "./evil"',
        'method = "/evil"',
        'method = "a/b"',
        'method = ".."',
        "method = 3",
        "prompt = []",
        "prompt = 5",
        'prompt = "a\\u001b[31m"',
    ],
)
def test_the_folders_values_are_checked(folder: Path, environ: dict[str, str], line: str) -> None:
    (folder / "sightword.toml").write_text(line)
    with pytest.raises(UsageError, match="not allowed there"):
        read_settings(folder, KNOWN, environ)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("k = 7", 7),
        ('method = "weighted:0.3"', "weighted:0.3"),
        ('prompt = ["a {*}", "b {*}"]', ["a {*}", "b {*}"]),
    ],
)
def test_the_folders_good_values_are_taken(
    folder: Path, environ: dict[str, str], line: str, value: object
) -> None:
    (folder / "sightword.toml").write_text(line)
    assert read_settings(folder, KNOWN, environ)[line.split()[0]].value == value


def test_an_unknown_name_in_the_users_file_is_told(folder: Path, environ: dict[str, str]) -> None:
    user_file(environ).write_text("kay = 3\n")
    with pytest.raises(UsageError, match="'kay', which is not a setting") as caught:
        read_settings(folder, KNOWN, environ)
    assert "min-score" in str(caught.value.hint)


def test_broken_toml_names_the_file(folder: Path, environ: dict[str, str]) -> None:
    (folder / "sightword.toml").write_text("k = [")
    with pytest.raises(UsageError, match="not valid TOML") as caught:
        read_settings(folder, KNOWN, environ)
    assert str(folder / "sightword.toml") in caught.value.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_place_of_the_file_does_not_hang(folder: Path, environ: dict[str, str]) -> None:
    os.mkfifo(folder / "sightword.toml")
    with pytest.raises(UsageError, match="not a settings file"):
        read_settings(folder, KNOWN, environ)


def test_a_huge_file_is_refused(folder: Path, environ: dict[str, str]) -> None:
    (folder / "sightword.toml").write_text("# " + "x" * 100_000)
    with pytest.raises(UsageError, match="not a settings file"):
        read_settings(folder, KNOWN, environ)


def test_the_users_own_file_may_stand_in_the_folder(folder: Path) -> None:
    (folder / "sightword.toml").write_text('backbone = "x"\n')
    settings = read_settings(folder, KNOWN, {"SIGHTWORD_CONFIG": str(folder / "sightword.toml")})
    assert settings["backbone"].source == "user file"


def test_names() -> None:
    assert environment_name("min-score") == "SIGHTWORD_MIN_SCORE"
    assert user_file({}).name == "sightword.toml"


def test_one_variable_moves_all_that_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIGHTWORD_CACHE", raising=False)
    assert cache_home().name == "sightword"
    monkeypatch.setenv("SIGHTWORD_CACHE", str(tmp_path))
    assert cache_home() == tmp_path
