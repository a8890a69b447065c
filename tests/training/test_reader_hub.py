"""Data sets through the real `datasets` library, which loads folders of this disk as it loads the hub's."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

datasets = pytest.importorskip("datasets", reason="data sets of the hub need the extra train")
pytestmark = pytest.mark.slow

# A process of its own: the library reads its environment when it is imported.
READ = """
import sys
from sightword.errors import SightwordError
from sightword.training.readers import Columns, open_source
for name in sys.argv[1:]:
    try:
        source = open_source(name, Columns())
        again = open_source(name, Columns())
        for item in source:
            picture = item.picture or b""
            size = len(picture if isinstance(picture, bytes) else picture.read_bytes())
            print(name, item.captions, size, sep="|")
        print(name, source.identity() == again.identity(), sep="|")
    except SightwordError as error:
        print(type(error).__name__, error, sep="|")
"""


def png(colour: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, "PNG")
    return stream.getvalue()


def test_what_the_library_loads_is_read(tmp_path: Path) -> None:
    from pyarrow import Table, parquet

    colours = ("red", "green", "blue")
    shard, folder = tmp_path / "shard", tmp_path / "folder"
    shard.mkdir()
    folder.mkdir()
    rows = {"image": [{"bytes": png(c), "path": None} for c in colours], "text": ["a red", None, "a blue"]}
    kind = {
        "info": {"features": {"image": {"_type": "Image"}, "text": {"dtype": "string", "_type": "Value"}}}
    }
    table = Table.from_pydict(rows).replace_schema_metadata({"huggingface": json.dumps(kind)})
    parquet.write_table(table, shard / "train.parquet")
    for colour in colours:
        (folder / f"{colour}.png").write_bytes(png(colour))
    lines = [json.dumps({"file_name": f"{c}.png", "caption": f"a {c} square"}) for c in colours]
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    own = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    own |= {"PYTHONPATH": os.pathsep.join(sys.path)}
    names = [f"hf:{shard}", f"hf:{folder}:train", f"hf:{shard}:test", "hf:nobody/nothing"]
    done = subprocess.run(
        [sys.executable, "-c", READ, *names], env={**os.environ, **own}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = done.stdout.splitlines()
    size = len(png("red"))
    assert told[:4] == [
        f"{names[0]}|('a red',)|{size}", f"{names[0]}|()|{len(png('green'))}",
        f"{names[0]}|('a blue',)|{len(png('blue'))}", f"{names[0]}|True",
    ]  # fmt: skip
    assert sorted(line.split("|")[1] for line in told[4:7]) == sorted(f"('a {c} square',)" for c in colours)
    assert told[7] == f"{names[1]}|True"
    assert told[8].startswith("ModelUnavailable|The data set") and "test" in told[8]
    assert any("nobody/nothing cannot be loaded" in line for line in told[9:])
