"""How much of a folder an answer covers: said to people on standard error, to programs in ``--json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Coverage"]


@dataclass(frozen=True)
class Coverage:
    """What was searched, and what was not.

    Attributes
    ----------
    complete : bool or None
        Whether every picture that can be read was searched; None when nobody looked.
    indexed : int
        Pictures that were searched.
    waiting : int or None
        Files that are not in the index yet; None when nobody counted.
    reason : str or None
        Why not all; None for a complete answer.
    """

    complete: bool | None
    indexed: int
    waiting: int | None = 0
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)
