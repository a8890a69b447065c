"""``config show`` and the order flags > environment > folder's file > user's file > defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from sightword.cli.settings import _context_arguments, commands, known_settings, options, setting_name
from sightword.config import VARIABLES, environment_name

ROOT = Path(__file__).parents[2]
CLI_PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def shown(run, folder: Path) -> dict[str, dict[str, object]]:
    result = run("config", "show", folder, "--json")
    assert result.exit_code == 0, result.stderr
    return {entry["name"]: entry for entry in json.loads(result.stdout)["settings"]}


def asked_k(run, folder: Path, *args: str) -> int:
    return int(json.loads(run("search", folder, "red", "--json", *args).stdout)["query"]["k"])


def test_the_order(run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source is added in turn, the weakest first; `search` and `config show` agree."""

    def check(k: int, source: str, where: str | None) -> None:
        assert asked_k(run, folder) == k
        assert shown(run, folder)["k"] == {"name": "k", "value": k, "source": source, "where": where}

    check(10, "default", None)
    user = tmp_path / "user.toml"
    user.write_text("k = 4\n")
    check(4, "user file", str(user))
    (folder / "sightword.toml").write_text("k = 3\n")
    check(3, "folder file", str(folder / "sightword.toml"))
    monkeypatch.setenv("SIGHTWORD_K", "2")
    check(2, "environment", "SIGHTWORD_K")
    assert asked_k(run, folder, "-k", "1") == 1


def test_everything_is_shown_with_its_origin(run, folder: Path, environ: dict[str, str]) -> None:
    settings = shown(run, folder)
    assert set(settings) == known_settings()
    assert settings["backbone"]["source"] == "environment"
    assert settings["backbone"]["value"] == environ["SIGHTWORD_BACKBONE"]
    assert settings["min-score"] == {"name": "min-score", "value": None, "source": "default", "where": None}
    table = run("config", "show", folder).stdout
    assert all(f"\n{name} " in f"\n{table}" for name in settings)


def test_lists_and_flags_from_the_users_file(run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "user.toml").write_text(
        'prompt = ["a drawing of {*}", "{*}"]\nno-update = true\nwithout = ["dogs"]\n'
    )
    settings = shown(run, folder)
    assert settings["prompt"]["value"] == ["a drawing of {*}", "{*}"]
    assert settings["no-update"]["value"] is True
    assert settings["without"]["value"] == ["dogs"]
    assert run("search", folder, "red").exit_code == 3  # no index, and none may be made


@pytest.mark.parametrize("command", [("search", "red"), ("index",), ("info",), ("config", "show")])
def test_a_strangers_file_may_not_set_more(run, folder: Path, command: tuple[str, ...]) -> None:
    (folder / "sightword.toml").write_text('backbone = "/tmp/evil"\n')
    name, *rest = command
    args = ("config", "show", folder) if name == "config" else (name, folder, *rest)
    result = run(*args)
    assert result.exit_code == 2
    assert "only k, method and prompt" in result.stderr
    assert not (folder / ".sightword").exists()


def test_a_wrong_value_names_its_origin(
    run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "user.toml").write_text('k = "many"\n')
    result = run("search", folder, "red")
    assert result.exit_code == 2
    assert str(tmp_path / "user.toml") in result.stderr
    monkeypatch.setenv("SIGHTWORD_K", "plenty")
    assert "The value comes from SIGHTWORD_K." in run("search", folder, "red").stderr


def test_the_folders_method_and_prompt_are_used(run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTWORD_METHOD")
    (folder / "sightword.toml").write_text('method = "slerp:0.2"\nprompt = "the {text}"\n')
    blue = folder / "deep" / "blue.png"
    document = json.loads(run("search", folder, "red", "--image", blue, "--json").stdout)
    assert document["query"]["method"] == document["method"] == "slerp:0.2"
    assert document["query"]["prompt"] == ["the {text}"]


def test_a_setting_about_words_does_not_stop_a_search_by_picture(run, folder: Path, monkeypatch) -> None:
    run("index", folder)
    monkeypatch.setenv("SIGHTWORD_PROMPT", "domain")
    done = run("search", folder, "--image", folder / "red.png", "--json", "--include-reference")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["method"] == "image"


DELIBERATE = {"methods", "prompts", "gallery-index"}
"""How and where `search` asks must not decide what `evaluate` compares."""


def test_every_option_has_the_variable_that_its_name_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0
    for name, command in commands():
        context = click.Context(command, **_context_arguments(command))
        for option in options(command):
            setting = setting_name(option)
            assert setting == max(option.opts, key=len).lstrip("-") or setting in DELIBERATE, (name, setting)
            with monkeypatch.context() as patch:
                patch.setenv(environment_name(setting), "something")
                assert option.resolve_envvar_value(context) == "something", (name, setting)
            assert f"`{environment_name(setting)}`" in CLI_PAGE, (name, setting)
            checked += 1
    assert checked > 100


def test_variables_that_the_program_reads_are_documented() -> None:
    """And the other way round: none is documented that nothing reads."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    mentioned = set(re.findall(r"(?<![A-Z_])SIGHTWORD_[A-Z]+(?:_[A-Z]+)*(?![A-Z_])", source))
    known = {*VARIABLES, *(environment_name(setting) for setting in known_settings())}
    assert mentioned - known == {"SIGHTWORD_FAILPOINT"}  # for tests only
    assert all(name in CLI_PAGE for name in VARIABLES)
