"""The terminal. Everything but the entry point is imported when a command needs it."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the ``sightword`` command; ends the process with its exit code."""
    import signal

    from sightword.cli.door import cli

    try:
        cli.main(prog_name="sightword")
    finally:
        # All is said; a late Ctrl-C must not end the interpreter's own goodbye with a signal or a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
