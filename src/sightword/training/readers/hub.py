"""A data set of the Hugging Face hub, through its own library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightword.errors import ModelUnavailable
from sightword.training.need import need
from sightword.training.readers.base import Columns, Item, Source
from sightword.training.readers.lines import item_of

__all__ = ["HubSource"]


class HubSource(Source[Item]):
    """``NAME`` or ``NAME:SPLIT``; the split is ``train`` unless given.

    Parameters
    ----------
    name : str
    columns : Columns
    """

    def __init__(self, name: str, columns: Columns) -> None:
        datasets = need("datasets", "Reading data sets of the hub", "pip install datasets")
        self.name = f"hf:{name}"
        title, _, split = name.partition(":")
        try:
            self._data: Any = datasets.load_dataset(title, split=split or "train")
        except Exception as error:  # whatever the library meets: the network, the hub, a script
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelUnavailable(
                f"The data set {title} cannot be loaded: {reason[:200]}",
                "Check the name; without a network it must be in the hub's cache already.",
            ) from None
        self._found = columns.find(list(self._data.column_names), self.name)
        if self._found[0] is not None and hasattr(self._data, "cast_column"):
            self._data = self._data.cast_column(self._found[0], datasets.Image(decode=False))

    def __iter__(self) -> Iterator[Item]:
        for number, row in enumerate(self._data):
            yield item_of(row, self._found, f"{self.name}:{number}", Path())

    def identity(self) -> str:
        """The library's fingerprint."""
        return f"{self.name}|{getattr(self._data, '_fingerprint', '')}|{self._found}"
