"""The command itself: which subcommands there are, how errors are told, and with which exit code it ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from sightword._version import __version__
from sightword.cli import leave
from sightword.config import PREFIX
from sightword.errors import NothingMatched, SightwordError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["COMMANDS", "Door", "cli"]

COMMANDS = {
    "check": "sightword.cli.check",
    "compact": "sightword.cli.keep",
    "completion": "sightword.cli.completion",
    "config": "sightword.cli.settings",
    "data": "sightword.cli.data",
    "doctor": "sightword.cli.doctor",
    "evaluate": "sightword.cli.evaluate",
    "index": "sightword.cli.index",
    "index pull": "sightword.cli.moving",
    "index push": "sightword.cli.moving",
    "info": "sightword.cli.keep",
    "models": "sightword.cli.models",
    "search": "sightword.cli.search",
    "train": "sightword.cli.train",
    "serve": "sightword.cli.serve",
}

EPILOG = f"""\b
Exit codes:
  0  found, or done
  1  an expected failure, told in one sentence
  2  wrong use: an option, an argument or a value
  3  the index is missing, damaged, busy, or for another backbone or folder
  4  a model or an optional package is not available
  5  nothing matched
  130  ended with Ctrl-C

Results go to standard output, everything else to standard error. Every option is also an environment
variable ({PREFIX}_MIN_SCORE for --min-score) and a line of sightword.toml; see `sightword config show`.
{PREFIX}_CACHE, {PREFIX}_CONFIG and {PREFIX}_MODELS move the cache, the settings file and added models.
"""


class Door(click.Group):
    """A group that imports its commands on demand and turns errors into sentences and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name]), f"{cmd_name.replace(' ', '_')}_command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Also names of two words: ``index push`` stands beside ``index FOLDER``."""
        if (name := " ".join(args[:2])) in COMMANDS and len(args) > 1:
            return name, self.get_command(ctx, name), args[2:]
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """One word at a time."""
        return [item for item in super().shell_complete(ctx, incomplete) if " " not in item.value]

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an interrupt and a closed pipe end quietly."""
        try:
            if signal.getsignal(signal.SIGINT) is leave:  # from now on there may be work to end
                signal.signal(signal.SIGINT, signal.default_int_handler)
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # Python would complain once more when it flushes standard output at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(141) from None  # 128 + SIGPIPE, as other tools
        except KeyboardInterrupt:
            # It is ending already; one more Ctrl-C must not turn that into a traceback.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            click.echo("\nsightword: Stopped.", err=True)
            raise click.exceptions.Exit(130) from None

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run and exit; never returns."""
        extra.pop("standalone_mode", None)
        if os.environ.get(f"{PREFIX}_DEBUG") == "1":
            sys.exit(_exit_code(super().main(args, prog_name, standalone_mode=False, **extra)))
        try:
            code = _exit_code(super().main(args, prog_name, standalone_mode=False, **extra))
        except SightwordError as error:
            tell(error.message, error.hint)
            code = error.exit_code
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()  # the help as it is, not squeezed into a sentence
            code = error.exit_code
        except click.ClickException as error:
            from sightword.cli.mistakes import sentence_of

            tell(sentence_of(error), _origin(error) or _usage(error))
            code = error.exit_code
        except click.Abort:
            code = 130
        except (OSError, MemoryError) as error:
            tell(_sentence(_explain_os_error(error)), None)
            code = 1
        except Exception as error:
            tell(
                f"Something that should not happen did: {type(error).__name__}: {error}.",
                f"{PREFIX}_DEBUG=1 shows where; please report it.",
            )
            code = 1
        sys.exit(code)


def tell(message: str, hint: str | None = None) -> None:
    """A sentence on standard error, and what to do about it."""
    from sightword.cli.output import plain

    click.echo(f"sightword: {plain(message)}", err=True)
    if hint:
        click.echo(f"  {plain(hint)}", err=True)


def nothing_matched(what: str) -> NothingMatched:
    """The error that ends an unsuccessful search."""
    return NothingMatched(f"Nothing matched: {what}.")


def _exit_code(returned: object) -> int:
    return returned if isinstance(returned, int) else 0


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _usage(error: click.ClickException) -> str | None:
    ctx = getattr(error, "ctx", None)
    return f"Try: {ctx.command_path} --help" if ctx is not None else None


def _origin(error: click.ClickException) -> str | None:
    """Where a wrong value came from, when it was not typed."""
    ctx, param = getattr(error, "ctx", None), getattr(error, "param", None)
    if ctx is None or param is None or not param.name:
        return None
    from sightword.cli.settings import origin

    setting = origin(ctx, param)
    return f"The value comes from {setting.where}." if setting.source not in ("flag", "default") else None


def _explain_os_error(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "There is not enough memory for this"
    assert isinstance(error, OSError)
    where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, (str, bytes)) else ""
    return f"{error.strerror or error}{where}"


@click.group(
    cls=Door,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", prog_name="sightword", message="%(prog)s %(version)s")
def cli() -> None:
    """Find the picture that looks like this picture, changed as these words say.

    \b
    sightword search holiday "at night" --image beach.jpg
    sightword search holiday "a dog on the beach" --min-score 2z
    """
