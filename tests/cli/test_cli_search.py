"""``sightword search``: arguments, forms of output, exit codes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from gallery import paint

FIELDS = {
    "path",
    "score",
    "z",
    "rank",
    "id",
    "width",
    "height",
    "format",
    "size",
    "modified",
    "taken",
    "duplicates",
    "url",
}


def test_table(run, folder: Path) -> None:
    result = run("search", folder, "red", "-k", "3")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].split()[0] == "1"
    assert lines[0].endswith(str(folder / "red.png"))
    assert "8 new" in result.stderr


def test_the_second_search_is_quiet(run, folder: Path) -> None:
    run("search", folder, "red")
    assert run("search", folder, "red").stderr == ""


def test_json(run, folder: Path) -> None:
    result = run("search", folder, "red", "-k", "2", "--json")
    document = json.loads(result.stdout)
    coverage = {"complete": True, "indexed": 8, "waiting": 0, "reason": None}
    assert set(document) == {"query", "folder", "method", "hits", *coverage}
    assert {name: document[name] for name in coverage} == coverage
    assert document["method"] == "text"
    assert document["query"]["text"] == "red"
    assert [hit["rank"] for hit in document["hits"]] == [1, 2]
    assert set(document["hits"][0]) == FIELDS
    assert document["hits"][0]["path"] == str(folder / "red.png")


def test_json_does_not_call_an_unchecked_answer_complete(run, folder: Path) -> None:
    run("search", folder, "red")
    document = json.loads(run("search", folder, "red", "--no-update", "--json").stdout)
    assert (document["complete"], document["waiting"]) == (None, None)
    assert "--no-update" in document["reason"]


def test_an_empty_folder_is_left_empty(run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("search", tmp_path / "empty", "red", "--json", "--explain")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["hits"] == []
    assert run("index", tmp_path / "empty").stdout == "0 pictures in the index.\n"
    assert list((tmp_path / "empty").iterdir()) == []


def test_jsonl(run, folder: Path) -> None:
    result = run("search", folder, "red", "-k", "3", "--jsonl")
    assert [json.loads(line)["rank"] for line in result.stdout.splitlines()] == [1, 2, 3]


def test_paths(run, folder: Path) -> None:
    result = run("search", folder, "red", "-k", "3", "--paths")
    assert result.stdout.splitlines()[0] == str(folder / "red.png")
    assert len(result.stdout.splitlines()) == 3
    null = run("search", folder, "red", "-k", "3", "-0")
    assert null.stdout == result.stdout.replace("\n", "\0")
    assert run("search", folder, "red", "-k", "3", "--paths", "-0").stdout == null.stdout


def test_forms_exclude_each_other_but_typing_beats_the_environment(run, folder: Path, monkeypatch) -> None:
    assert run("search", folder, "red", "--json", "--paths").exit_code == 2
    monkeypatch.setenv("SIGHTWORD_JSON", "1")
    assert run("search", folder, "red").stdout.startswith("{")
    assert run("search", folder, "red", "--paths").stdout.startswith(str(folder))


def test_picture_and_words(run, folder: Path, tmp_path: Path) -> None:
    reference = paint(tmp_path / "query.jpg", "red")
    assert "purple" in run("search", folder, "blue", "--image", reference).stdout.splitlines()[0]


def test_a_picture_from_standard_input(run_process, folder: Path, tmp_path: Path) -> None:
    reference = paint(tmp_path / "query.jpg", "green")
    done = run_process("search", folder, "--image", "-", "--paths", input=reference.read_bytes())
    assert done.stdout.splitlines()[0].endswith(b"green.png")
    empty = run_process("search", folder, "--image", "-", input=b"")
    assert empty.returncode == 2


def test_in_this_folder(run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert run("search", "red", "--paths").stdout.splitlines()[0] == "red.png"
    assert run("search", ".", "red", "--paths").stdout.splitlines()[0] == "red.png"
    assert (
        run("search", "--image", "red.png", "--paths", "--include-reference").stdout.splitlines()[0]
        == "red.png"
    )


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (["./nowhere"], "no folder './nowhere'"),
        (["nowhere/"], "no folder 'nowhere/'"),
        (["nowhere", "red"], "no folder 'nowhere'"),
        (["dep", "red"], "Was 'deep' meant?"),
        (["red", "deep"], "The folder comes first: sightword search 'deep' 'red'."),
        (
            ["red.png", "as a drawing"],
            "a file, not a folder.\n  A picture is given with --image 'red.png'.",
        ),
        (["red.png"], "'red.png' is a file, not words.\n  Write --image 'red.png'."),
        (["deep", "blue.png"], "'blue.png' is a file, not words.\n  Write --image 'deep/blue.png'."),
        (["nosuch.jpg"], "'nosuch.jpg' looks like a picture, but there is no such file"),
        ([".", "red", "--without", "nosuch.jpg"], "no picture 'nosuch.jpg' for --without"),
        ([".", "red", "--without", "./nosuch"], "no picture './nosuch' for --without"),
        ([".", "red", "--method", "image"], "The method image needs a picture, and there are only words."),
        ([".", "--image", "red.png", "--method", "text"], "The method text needs words, and there is only"),
        ([".", "a", "b"], "put the text in quotes"),
        ([], "nothing to look for"),
        (["."], "nothing to look for"),
        ([".", "red", "-k", "0"], "-k takes a whole number from 1 to 10,000, not 0.\n"),
        ([".", "red", "--min-score", "high"], "not a number"),
        ([".", "red", "--where", "width >"], "filter is wrong"),
        ([".", "red", "--sheet", "x.pdf"], "neither in .png"),
        ([".", "--image", "missing.png"], "There is no file 'missing.png' (--image)."),
        ([".", "--image", "red.png", "--prompt", "domain"], "The prompt 'domain' needs words"),
        ([".", "red", "--prompt", "hello"], "The prompt 'hello' has no place for the words."),
        ([".", "red", "--prompt", "a {thing}"], "has a field that nothing fills ({thing})"),
        ([".", "red", "--nonsense"], "No such option"),
    ],
)
def test_wrong_use_is_two_and_one_sentence(
    run, folder: Path, monkeypatch, args: list[str], match: str
) -> None:
    monkeypatch.chdir(folder)
    result = run("search", *args)
    assert result.exit_code == 2
    assert match in result.stderr
    assert result.stderr.startswith("sightword: ")
    assert result.stdout == ""
    assert not (folder / ".sightword").exists()  # nothing was read for a question that is wrong


def test_a_figure_that_is_shown_is_a_limit_that_is_passed(run, folder: Path) -> None:
    run("index", folder)
    hits = json.loads(run("search", folder, "red", "--json", "-k", "8").stdout)["hits"]
    lines = run("search", folder, "red", "-k", "8").stdout.splitlines()
    for count, (hit, line) in enumerate(zip(hits, lines), start=1):
        _, score, z, _ = line.split(maxsplit=3)
        for limit in (score, z, str(hit["score"]), f"{hit['z']}z"):
            found = run("search", folder, "red", "-k", "8", "--paths", f"--min-score={limit}")
            assert hit["path"] in found.stdout.splitlines(), (limit, hit)
            assert len(found.stdout.splitlines()) >= count
    assert any(float(line.split()[1]) < round(hit["score"], 3) for line, hit in zip(lines, hits))


def test_nothing_matched_is_five(run, folder: Path, tmp_path: Path) -> None:
    result = run("search", folder, "red", "--min-score", "50z", "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["hits"] == []
    assert "Nothing matched among 8 pictures" in result.stderr
    assert "--min-score" in result.stderr
    (tmp_path / "empty").mkdir()
    empty = run("search", tmp_path / "empty", "red")
    assert empty.exit_code == 5
    assert "no pictures" in empty.stderr


def test_models_that_are_not_there_are_four(run, folder: Path, tmp_path: Path) -> None:
    assert run("search", folder, "red", "--backbone", "nonsense").exit_code == 4
    reference = paint(tmp_path / "query.jpg", "red")
    assert run("search", folder, "red", "--image", reference, "--method", "magic").exit_code == 4
    assert not (folder / ".sightword").exists()


def test_index_trouble_is_three(run, folder: Path, tmp_path: Path) -> None:
    from tiny import write_tiny_backbone

    missing = run("search", folder, "red", "--no-update")
    assert missing.exit_code == 3
    assert "sightword index" in missing.stderr
    run("search", folder, "red")
    other = write_tiny_backbone(tmp_path / "other", name="other", weights_hash="0" * 64)
    foreign = run("search", folder, "red", "--backbone", other)
    assert foreign.exit_code == 3
    assert "other" in foreign.stderr
    (folder / ".sightword" / "index.db").write_bytes(b"garbage" * 1000)
    broken = run("search", folder, "red")
    assert broken.exit_code == 3
    assert "Traceback" not in broken.stderr


def test_a_broken_reference_is_one(run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    result = run("search", folder, "--image", tmp_path / "broken.png")
    assert result.exit_code == 1
    assert "broken.png" in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_is_called_a_pipe(run, folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "query.png")
    result = run("search", folder, "--image", tmp_path / "query.png")
    assert result.exit_code == 1
    assert "is a pipe or a device, not a file" in result.stderr and "--image -" in result.stderr


@pytest.mark.parametrize("place", ["/proc/nope", "FILE", "FILE/below"])
def test_a_place_that_cannot_hold_an_index_is_named(run, folder: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("here")
    index = place.replace("FILE", str(tmp_path / "file"))
    result = run("search", folder, "red", "--index", index)
    assert result.exit_code == 3
    assert f"The index cannot be kept in {index} (" in result.stderr
    assert "--index PATH" in result.stderr


def test_a_link_that_was_not_followed_is_told_once(run, folder: Path, tmp_path: Path) -> None:
    outside = paint(tmp_path / "outside.png", "red")
    (folder / "link.png").symlink_to(outside)
    assert "was not followed" in run("search", folder, "red").stderr
    assert run("search", folder, "red").stderr == ""


def test_without_takes_words_or_a_file(run, folder: Path) -> None:
    plain = json.loads(run("search", folder, "yellow", "--json").stdout)
    for negative in ("red", str(folder / "red.png")):
        less = json.loads(run("search", folder, "yellow", "--without", negative, "--json").stdout)
        scores = [{hit["path"]: hit["score"] for hit in d["hits"]} for d in (plain, less)]
        assert scores[1].get(str(folder / "red.png"), -1) < scores[0][str(folder / "red.png")]


def test_a_picture_without_a_pictures_name_is_a_reference_but_not_found(run, folder: Path) -> None:
    (folder / "red.png").rename(folder / "red.txt")
    found = run("search", folder, "--image", folder / "red.txt", "--include-reference", "--paths")
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 7 and "red.txt" not in found.stdout


def test_include_reference(run, folder: Path) -> None:
    red = str(folder / "red.png")
    assert red not in run("search", folder, "--image", red, "--paths").stdout.splitlines()
    assert red in run("search", folder, "--image", red, "--paths", "--include-reference").stdout.splitlines()


def test_duplicates_are_folded_and_named(run, folder: Path) -> None:
    shutil.copy(folder / "red.png", folder / "second red.png")
    table = run("search", folder, "red", "-k", "1")
    assert "(+1 alike)" in table.stdout
    hit = json.loads(run("search", folder, "red", "-k", "1", "--json").stdout)["hits"][0]
    assert {hit["path"], hit["duplicates"][0]["path"]} == {
        str(folder / "red.png"),
        str(folder / "second red.png"),
    }
    apart = json.loads(run("search", folder, "red", "-k", "2", "--no-fold", "--json").stdout)["hits"]
    assert all(not hit["duplicates"] for hit in apart)
    assert len({hit["score"] for hit in apart}) == 1


def test_a_text_in_another_language_is_told_once(run, folder: Path) -> None:
    args = ("search", folder, "красный мяч ночью", "--image", folder / "red.png", "--explain", "--json")
    result = run(*args)
    assert result.exit_code == 0
    assert result.stderr.count("it reads English") == 1
    assert "красный мяч ночью" in result.stderr
    json.loads(result.stdout)


def test_explain(run, folder: Path) -> None:
    args = ("search", folder, "blue", "--image", folder / "red.png", "--explain")
    shown = run(*args)
    assert "picture: cosine" in shown.stdout
    assert "text: cosine" in shown.stdout
    explained = json.loads(run(*args, "--json").stdout)["explain"]
    assert set(explained) == {"method", "words", "prompts", "picture", "text", "background"}
    assert explained["method"] == "average"
    assert explained["picture"]["cosine"] > 0
    paths = run(*args, "--paths")
    assert "cosine" not in paths.stdout
    assert "cosine" in paths.stderr


def test_sheets(run, folder: Path, tmp_path: Path) -> None:
    for name in ("out.png", "out.html"):
        result = run(
            "search", folder, "blue", "--image", folder / "red.png", "--sheet", tmp_path / name, "--paths"
        )
        assert result.exit_code == 0
        assert f"Wrote {tmp_path / name}" in result.stderr
    page = Image.open(tmp_path / "out.png").convert("RGB")
    colours = {colour for _, colour in page.getcolors(1 << 20) or []}
    assert {(255, 0, 0), (255, 0, 255), (0, 0, 255)} <= colours
    assert (tmp_path / "out.html").read_text().count("<figure>") == 8


def test_many_references_leave_room_for_the_words(run, folder: Path, tmp_path: Path) -> None:
    images = [part for path in sorted(folder.rglob("*.png"))[:6] for part in ("--image", path)]
    run("search", folder, "blue", *images, "--sheet", tmp_path / "out.html", "--paths")
    page = (tmp_path / "out.html").read_text()
    assert page.count("<b>query</b>") == 3
    assert "and 3 more query pictures" in page


def test_an_edited_a_new_and_a_deleted_picture_are_seen(run, folder: Path) -> None:
    run("search", folder, "red")
    paint(folder / "new.png", "red", (60, 60))
    (folder / "red.png").unlink()
    result = run("search", folder, "red", "--paths")
    assert result.stdout.splitlines()[0] == str(folder / "new.png")
    assert "1 new" in result.stderr
    assert str(folder / "red.png") not in result.stdout


def test_no_update_leaves_the_index_alone(run, folder: Path) -> None:
    run("search", folder, "red")
    paint(folder / "new.png", "red", (60, 60))
    assert (
        str(folder / "new.png")
        not in run("search", folder, "red", "--no-update", "--paths", "-k", "100").stdout
    )


def test_unreadable_files_are_counted_and_explained(run, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    result = run("search", folder, "red")
    assert result.exit_code == 0
    assert "1 file could not be read" in result.stderr
    assert "broken.png" in run("info", folder).stdout


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_hostile_and_non_utf8_names(run_process, folder: Path) -> None:
    raw = os.fsencode(folder) + b"/r\xe9d\x1b[31m\nx.png"
    paint(folder / "tmp.png", "red", (60, 60)).rename(os.fsdecode(raw))
    (folder / "red.png").unlink()
    null = run_process("search", folder, "red", "-0", "-k", "1")
    assert null.stdout == raw + b"\0"
    table = run_process("search", folder, "red", "-k", "1")
    assert b"\x1b" not in table.stdout
    assert table.stdout.count(b"\n") == 1
    document = json.loads(run_process("search", folder, "red", "--json", "-k", "1").stdout)
    import base64

    assert base64.b64decode(document["hits"][0]["path_b64"]) == raw
