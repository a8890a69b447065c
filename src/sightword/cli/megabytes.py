"""Progress of downloads: bytes, shown in whole megabytes."""

from __future__ import annotations

from sightword.update.progress import Progress

__all__ = ["Megabytes"]


class Megabytes(Progress):
    """Shows bytes as whole megabytes on another progress."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._bytes = self._told = 0
        self.description = shown.description  # type: ignore[method-assign]

    def total(self, count: int) -> None:
        """In bytes."""
        self._shown.total(round(count / 1e6))

    def advance(self, count: int = 1) -> None:
        """In bytes."""
        self._bytes += count
        self._shown.advance(int(self._bytes / 1e6) - self._told)
        self._told = int(self._bytes / 1e6)
