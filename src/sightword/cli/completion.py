"""``sightword completion SHELL``: the script that completes options and commands."""

from __future__ import annotations

import click

from sightword.cli.options import CONTEXT

__all__ = ["completion_command"]

EPILOG = """\b
bash:  eval "$(sightword completion bash)"                  in ~/.bashrc
zsh:   eval "$(sightword completion zsh)"                   in ~/.zshrc
fish:  sightword completion fish > ~/.config/fish/completions/sightword.fish
"""


@click.command("completion", context_settings=CONTEXT, epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    from sightword.cli.door import cli

    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(cli, {}, "sightword", "_SIGHTWORD_COMPLETE").source())
