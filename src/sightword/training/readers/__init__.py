"""Where training data comes from; `open_source` reads any of it.

| what | how it is named |
|---|---|
| folder of pictures (captions beside them as ``NAME.txt``, if any) | a folder |
| table of pictures and captions (CC3M's layout: ``filepath``, ``title``) | ``.csv``, ``.tsv`` |
| captions, one a line | ``.txt`` |
| captions or pairs, one object a line | ``.jsonl`` |
| captions or pairs in columns | ``.parquet`` |
| WebDataset shards | ``.tar``, a folder of them, or ``shard-{000..031}.tar`` |
| a data set of the Hugging Face hub | ``hf:NAME`` or ``hf:NAME:SPLIT`` |
"""

from __future__ import annotations

from pathlib import Path

from sightword.errors import UsageError
from sightword.training.readers.base import Columns, Item, Source

__all__ = ["Columns", "Item", "Source", "open_source"]


def open_source(name: str, columns: Columns | None = None) -> Source[Item]:
    """Open training data.

    Parameters
    ----------
    name : str
        See the table above.
    columns : Columns, optional
        What the columns are called, when the usual names do not fit.

    Raises
    ------
    UsageError
        There is no such file, or it is of no kind that is read here.
    """
    from sightword.training.readers import folder, hub, lines, table, tars

    columns = columns or Columns()
    path = Path(name).expanduser()
    if name.startswith("hf:"):
        return hub.HubSource(name.removeprefix("hf:"), columns)
    if "{" in path.name and path.suffix == ".tar":
        return tars.TarSource(tars.expand(path), columns)
    if path.is_dir():
        shards = sorted(path.glob("*.tar"))
        return tars.TarSource(shards, columns) if shards else folder.FolderSource(path)
    if not path.exists():
        raise UsageError(
            f"There is no {name}.",
            "Data sets of the Hugging Face hub are written hf:NAME." if "/" in name else None,
        )
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        return table.TableSource(path, columns)
    if kind in (".txt", ".jsonl"):
        return lines.LinesSource(path, columns)
    if kind == ".parquet":
        return lines.ParquetSource(path, columns)
    if kind == ".tar":
        return tars.TarSource([path], columns)
    raise UsageError(
        f"{name} is of no kind that can be read as training data.",
        "Give a folder, .csv, .tsv, .txt, .jsonl, .parquet, .tar, or hf:NAME.",
    )
