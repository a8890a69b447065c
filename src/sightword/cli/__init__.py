"""The terminal. Everything but the entry point is imported when a command needs it."""

from __future__ import annotations

import os
import sys

# Not `signal`: that brings `enum`, and Ctrl-C during these milliseconds would be a traceback.
try:
    import _signal as signal  # type: ignore[import-not-found,unused-ignore]
except ImportError:  # another Python than CPython
    import signal

__all__ = ["leave", "main"]


def leave(*_: object) -> None:
    """What Ctrl-C does while the program is still being loaded: there is nothing to tidy up, so just end."""
    os.write(2, b"\nsightword: Stopped.\n")
    os._exit(130)


def main() -> None:
    """Entry point of the ``sightword`` command; ends the process with its exit code."""
    # Not where Ctrl-C is switched off, as for jobs in the background.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    from sightword.cli.door import cli

    try:
        cli.main(prog_name="sightword")
    except KeyboardInterrupt:  # between two places that expect it
        sys.exit(130)
    finally:
        # All is said; a late Ctrl-C must not end the interpreter's own goodbye with a signal or a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
