"""``--pictures``: results of the command line say where their pictures can be seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sightword.errors import UsageError
from sightword.index.store import LocalStore
from sightword.search import open as open_engine

TEMPLATE = "https://pictures.example.org/{path}"


def test_hits_have_addresses(run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def urls(*options: str) -> list[str | None]:
        result = run("search", folder, "red", "-k", "2", "--json", *options)
        assert result.exit_code == 0, result.stderr
        return [hit["url"] for hit in json.loads(result.stdout)["hits"]]

    assert urls() == [None, None]
    assert urls("--pictures", TEMPLATE)[0] == "https://pictures.example.org/red.png"
    monkeypatch.setenv("SIGHTWORD_PICTURES", "/kept/{path}")
    assert urls()[0] == "/kept/red.png"


def test_a_sheet_refers_to_what_is_not_here(run, folder: Path, tmp_path: Path) -> None:
    run("index", folder)
    (folder / "red.png").unlink()
    page, picture = tmp_path / "sheet.html", tmp_path / "sheet.png"
    for sheet in (page, picture):
        options = ("-k", "2", "--no-update", "--pictures", TEMPLATE, "--sheet", sheet)
        result = run("search", folder, "red", *options)
        assert result.exit_code == 0, result.stderr
    text = page.read_text()
    assert '<img src="https://pictures.example.org/red.png"' in text
    assert text.count('<img src="https://') == 1 and text.count("data:image/jpeg") == 1
    assert text.count('<a href="https://pictures.example.org/') == 2
    assert picture.stat().st_size > 1000


@pytest.mark.parametrize("command", ["search", "serve"])
@pytest.mark.parametrize("template", ["javascript:alert(1)//{path}", "https://example.org/"])
def test_hostile_templates_are_sentences(run, folder: Path, command: str, template: str) -> None:
    options = ["--port", "0"] if command == "serve" else ["red"]
    result = run(command, folder, *options, "--pictures", template)
    assert result.exit_code == 2
    assert "{path}" in result.stderr and "Traceback" not in result.stderr


def test_one_place_of_pictures_for_one_folder(run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    result = run("serve", folder, tmp_path / "other", "--port", "0", "--pictures", TEMPLATE)
    assert result.exit_code == 2 and "--pictures" in result.stderr


def test_what_an_index_says_is_used_and_checked(
    run, folder: Path, tiny_backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("index", folder)
    said = [TEMPLATE]
    monkeypatch.setattr(LocalStore, "pictures", property(lambda self: said[0]))  # as one on a cluster
    with open_engine(folder, backbone=tiny_backbone, method="average") as engine:
        assert engine.search("red", k=1)[0].url == "https://pictures.example.org/red.png"
    with open_engine(folder, backbone=tiny_backbone, method="average", pictures="/mine/{path}") as engine:
        assert engine.search("red", k=1)[0].url == "/mine/red.png"
    said[0] = "javascript:{path}"
    with open_engine(folder, backbone=tiny_backbone, method="average") as engine:
        with pytest.raises(UsageError, match="own address") as caught:
            engine.search("red", k=1)
        assert "--pictures" in str(caught.value)
