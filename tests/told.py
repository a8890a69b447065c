"""A progress display that only writes down what it is told."""

from __future__ import annotations

from sightword.update.progress import Progress


class Told(Progress):
    """`told` holds descriptions, totals, and steps as negative numbers, in order."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def description(self, text: str) -> None:
        self.told.append(text)

    def total(self, count: int) -> None:
        self.told.append(count)

    def advance(self, count: int = 1) -> None:
        self.told.append(-count)
