"""Where triplets come from; `open_triplets` reads any of it.

| what | how it is named |
|---|---|
| StyleShift, built with its training half | its folder |
| FashionIQ's or CIRR's training half | the folder, in the published layout |
| a table with columns for reference, text and target | ``.csv``, ``.tsv`` |
| objects with these fields, one a line | ``.jsonl`` |
| captioned pictures, from which triplets are made without labels | ``auto:DATA``, as `open_source` reads |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sightword.errors import UsageError
from sightword.training.readers.base import Columns, Source
from sightword.training.triplets import Triplet

__all__ = ["AUTO", "TripletColumns", "open_triplets"]

AUTO = "auto:"


@dataclass(frozen=True)
class TripletColumns:
    """Names of columns, where the usual ones do not fit.

    Attributes
    ----------
    reference, text, target : str, optional
    captions : Columns
        Of ``auto:`` data.
    """

    reference: str | None = None
    text: str | None = None
    target: str | None = None
    captions: Columns = field(default_factory=Columns)


def open_triplets(name: str, columns: TripletColumns | None = None) -> Source[Triplet]:
    """Open triplets.

    Parameters
    ----------
    name : str
        See the table above.
    columns : TripletColumns, optional

    Raises
    ------
    UsageError
        There is no such file or folder, or it is of no kind that is read here.
    SightwordError
        A folder is incomplete.
    """
    from sightword.training.readers import (
        triplets_auto,
        triplets_fields,
        triplets_styleshift,
        triplets_table,
    )

    columns = columns or TripletColumns()
    if name.startswith(AUTO):
        return triplets_auto.AutoTriplets(name.removeprefix(AUTO), columns.captions)
    path = Path(name).expanduser()
    if not path.exists():
        raise UsageError(f"There is no {name}.", "Captioned pictures without labels are written auto:DATA.")
    if path.is_dir():
        if (path / "manifest.json").is_file():
            return triplets_styleshift.StyleShiftTriplets(path)
        if triplets_fields.is_fashioniq(path):
            return triplets_fields.FashionIQTriplets(path)
        if triplets_fields.is_cirr(path):
            return triplets_fields.CIRRTriplets(path)
        raise UsageError(
            f"{path} is neither StyleShift nor FashionIQ nor CIRR.",
            "docs/training.md draws their folders; other triplets come as .csv, .tsv or .jsonl.",
        )
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        return triplets_table.TableTriplets(path, columns)
    if kind == ".jsonl":
        return triplets_table.LinesTriplets(path, columns)
    raise UsageError(
        f"{name} is of no kind that can be read as triplets.",
        "Give .csv, .tsv, .jsonl, a folder of StyleShift, FashionIQ or CIRR, or auto:DATA.",
    )
