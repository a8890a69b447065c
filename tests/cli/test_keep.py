"""``index``, ``info``, ``check``, ``compact`` and ``doctor``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import features

from gallery import paint


def test_index_then_info(run, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    result = run("index", folder, "--json")
    assert result.exit_code == 0
    counts = json.loads(result.stdout)
    assert (counts["added"], counts["failed"], counts["pictures"], counts["interrupted"]) == (8, 1, 8, False)
    assert run("index", folder).stdout == "8 pictures in the index.\n"
    facts = json.loads(run("info", folder, "--json").stdout)
    assert (facts["pictures"], facts["failed"], facts["backbone"]) == (8, 1, "tiny")
    assert facts["bytes"] > 0
    assert facts["failures"][0]["path"] == "broken.png"
    assert facts["failures"][0]["reason"]
    shown = run("info", folder).stdout
    assert "pictures" in shown and "broken.png: " in shown


@pytest.mark.parametrize("command", ["info", "check", "compact"])
def test_without_an_index_it_is_three(run, folder: Path, command: str) -> None:
    result = run(command, folder)
    assert result.exit_code == 3
    assert "sightword index" in result.stderr
    assert not (folder / ".sightword").exists()


def test_the_index_may_be_elsewhere(run, folder: Path, tmp_path: Path) -> None:
    assert run("index", folder, "--index", tmp_path / "there").exit_code == 0
    assert json.loads(run("info", folder, "--index", tmp_path / "there", "--json").stdout)["pictures"] == 8
    assert not (folder / ".sightword").exists()


def test_check_is_content_with_a_good_index(run, folder: Path) -> None:
    run("index", folder)
    report = json.loads(run("check", folder, "--json").stdout)
    assert report == {"pictures": 8, "ok": True, "problems": [], "repaired": [], "set_aside": []}
    assert "all is well" in run("check", folder).stdout


def test_check_repairs_what_is_derived(run, folder: Path) -> None:
    run("index", folder)
    (matrix,) = (folder / ".sightword").glob("matrix-*")
    matrix.write_bytes(matrix.read_bytes()[:-40] + b"\0" * 40)
    looked = run("check", folder, "--no-repair", "--json")
    assert looked.exit_code == 3
    assert json.loads(looked.stdout)["ok"] is False
    mended = run("check", folder)
    assert mended.exit_code == 0
    assert "(repaired)" in mended.stdout
    assert run("check", folder, "--no-repair").exit_code == 0


def test_info_spares_people_the_internals(run, folder: Path) -> None:
    run("index", folder)
    shown = run("info", folder).stdout
    assert shown.split()[:2] == ["pictures", "8"]
    internals = ("weights_hash", "generation", "schema", "dim", "tail", "dtype")
    assert not any(name in shown for name in internals)
    verbose = run("info", folder, "-v").stdout
    assert all(name in verbose for name in internals)


def test_hints_name_the_folder(run, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    assert f"`sightword info {folder}` says why" in run("index", folder).stderr
    (folder / ".sightword" / "index.db").write_bytes(b"garbage" * 1000)
    assert f"Run `sightword check {folder}` to repair it." in run("search", folder, "red").stderr
    looked = run("check", folder, "--no-repair")
    assert f"Run `sightword check {folder}` without --no-repair." in looked.stderr


def test_what_became_of_a_damaged_index_is_said_and_it_can_be_removed(run, folder: Path) -> None:
    run("index", folder)
    (folder / ".sightword" / "index.db").write_bytes(b"garbage" * 1000)
    mended = run("check", folder)
    assert mended.exit_code == 0
    assert "all is well" not in mended.stdout and "0 pictures" not in mended.stdout
    assert "the next search reads the pictures" in mended.stdout
    assert f"`sightword check {folder} --remove-broken` removes it" in mended.stdout
    again = run("check", folder)
    assert again.exit_code == 3
    assert "it was damaged and set aside as index.db.broken" in again.stderr
    assert f"`sightword index {folder}`" in again.stderr
    run("index", folder)
    later = run("check", folder)
    assert "8 pictures checked: all is well." in later.stdout and "nothing reads it" in later.stdout
    removed = run("check", folder, "--remove-broken")
    assert "Removed the damaged index; 7.0 kB freed." in removed.stdout
    assert "nothing reads it" not in removed.stdout
    assert not list((folder / ".sightword").glob("*.broken*"))


def test_compact_forgets_what_is_gone(run, folder: Path) -> None:
    run("index", folder)
    (folder / "red.png").unlink()
    run("index", folder)
    result = json.loads(run("compact", folder, "--json").stdout)
    assert (result["forgotten"], result["pictures"]) == (1, 7)
    assert "Forgot 0 vanished pictures" in run("compact", folder).stdout


def test_an_unplugged_drive_needs_prune(run, folder: Path) -> None:
    run("index", folder)
    for path in list(folder.glob("*.png"))[:4]:
        path.unlink()
    careful = run("index", folder)
    assert "--prune" in careful.stderr
    assert careful.stdout.startswith("8 pictures")
    assert run("index", folder, "--prune").stdout.startswith("4 pictures")


def test_doctor(run, folder: Path, environ) -> None:
    card = json.loads((Path(environ["SIGHTWORD_BACKBONE"]) / "backbone.json").read_text())
    golden = sum(len(card["golden"][kind]) for kind in ("images", "texts", "slots"))
    run("index", folder)
    result = run("doctor", folder, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["ok"] is True
    assert set(report) == {"ok", "machine", "model", "formats", "index", "disk"}
    assert report["model"]["golden_vectors"] == golden
    assert report["model"]["worst_cosine"] >= 0.999
    assert {"device", "threads", "precision"} <= set(report["model"])
    assert report["formats"]["JPEG"] is True
    assert report["formats"]["AVIF"] is features.check("avif")
    assert report["index"]["pictures"] == 8
    assert report["disk"]["free_bytes"] > 0
    shown = run("doctor", folder).stdout
    assert shown.count("ok ") >= 5 and f"golden_vectors: {golden}" in shown


def test_doctor_finds_a_damaged_model(run, folder: Path, tmp_path: Path) -> None:
    from tiny import write_tiny_backbone

    bad = write_tiny_backbone(tmp_path / "bad")
    card = json.loads((bad / "backbone.json").read_text())
    card["golden"]["texts"][0]["feature"] = [-x for x in card["golden"]["texts"][0]["feature"]]
    (bad / "backbone.json").write_text(json.dumps(card))
    result = run("doctor", folder, "--backbone", bad, "--json")
    assert result.exit_code == 4
    report = json.loads(result.stdout)
    assert report["ok"] is False
    assert report["model"]["ok"] is False and report["formats"]["ok"] is True
    assert "golden vector" in result.stderr


def test_doctor_asks_what_the_card_asks(run, folder: Path, tmp_path: Path) -> None:
    """A tower that a precision moves far says how far; other vectors are judged as strictly as ever."""
    from tiny import write_tiny_backbone

    odd = write_tiny_backbone(tmp_path / "odd")
    card = json.loads((odd / "backbone.json").read_text())
    feature = card["golden"]["images"][0]["feature"]
    feature[0] += 0.2 * sum(x * x for x in feature) ** 0.5
    for kind, code in (("text", 4), ("image", 0)):
        card["golden"]["least"] = {kind: dict.fromkeys(("f32", "bf16"), 0.9)}
        (odd / "backbone.json").write_text(json.dumps(card))
        result = run("doctor", folder, "--backbone", odd, "--json")
        assert result.exit_code == code, result.stderr
    counted = json.loads(run("models", "info", odd, "--json").stdout)["golden_vectors"]
    assert counted == json.loads(result.stdout)["model"]["golden_vectors"]
    assert 0.9 < json.loads(result.stdout)["model"]["worst_cosine"] < 0.999


def test_doctor_without_an_index_is_fine(run, folder: Path) -> None:
    assert "none yet" in json.loads(run("doctor", folder, "--json").stdout)["index"]["state"]


def test_doctor_sees_a_broken_index(run, folder: Path) -> None:
    run("index", folder)
    (folder / ".sightword" / "index.db").write_bytes(b"garbage" * 2000)
    result = run("doctor", folder)
    assert result.exit_code == 3
    assert "BAD  index" in result.stdout


def test_a_folder_that_cannot_be_written_is_kept_in_the_cache(
    run, folder: Path, environ, monkeypatch
) -> None:
    # Permissions do not stop root, so the answer is changed instead.
    from sightword.index import location

    real = location.is_writable
    monkeypatch.setattr(
        location, "is_writable", lambda path: folder not in (path, *path.parents) and real(path)
    )
    result = run("search", folder, "red", "--paths")
    assert result.stdout.splitlines()[0] == str(folder / "red.png")
    assert "its index is kept in" in result.stderr
    assert not (folder / ".sightword").exists()
    assert list(Path(environ["SIGHTWORD_CACHE"]).rglob("index.db"))
    assert run("search", folder, "red").stderr == ""  # said once, when it was made


def test_a_read_only_index_answers_as_it_is(run, folder: Path, monkeypatch) -> None:
    from sightword.index import location

    run("index", folder)
    real = location.is_writable
    monkeypatch.setattr(
        location, "is_writable", lambda path: folder not in (path, *path.parents) and real(path)
    )
    assert run("search", folder, "red").stderr == ""
    paint(folder / "new.png", "red", (60, 60))
    result = run("search", folder, "red", "--paths")
    assert result.exit_code == 0
    assert str(folder / "new.png") not in result.stdout
    assert (
        "can only be read" in result.stderr
        and "answering from the 8 pictures that are in so far, 1 file not read yet" in result.stderr
    )
