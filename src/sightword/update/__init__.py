"""Bring an index up to date with its folder; see `sightword.update.run`."""

from __future__ import annotations

from sightword.update.progress import Progress
from sightword.update.run import UpdateReport, update

__all__ = ["Progress", "UpdateReport", "update"]
