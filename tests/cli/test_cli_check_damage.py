"""`sightword check` mends what cannot even be opened (it used to refuse such a database)."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from sightword.cli.door import cli


def test_a_database_of_garbage_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / ".sightword").mkdir()
    (tmp_path / ".sightword" / "index.db").write_bytes(b"garbage" * 1000)
    looked = CliRunner().invoke(cli, ["check", str(tmp_path), "--no-repair"])
    assert looked.exit_code == 3
    assert (tmp_path / ".sightword" / "index.db").exists()
    mended = CliRunner().invoke(cli, ["check", str(tmp_path)])
    assert mended.exit_code == 0
    assert "Set aside" in mended.stdout
    assert not (tmp_path / ".sightword" / "index.db").exists()
