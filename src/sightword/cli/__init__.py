"""The terminal. Everything but the entry point is imported when a command needs it."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the ``sightword`` command; ends the process with its exit code."""
    from sightword.cli.door import cli

    cli.main(prog_name="sightword")
