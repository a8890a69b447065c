"""``sightword doctor``: is everything here that a search needs, and how fast can it be?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sightword.cli.options import CONTEXT, backbone_option, folder_argument, index_option, json_option

__all__ = ["doctor_command"]


@click.command("doctor", context_settings=CONTEXT, short_help="Check that everything needed works.")
@folder_argument(required=False)
@index_option()
@backbone_option()
@json_option()
def doctor_command(folder: Path, index: Path | None, backbone: str, json: bool) -> None:
    """Check the machine, the model, the picture formats, the index of FOLDER (default: here) and the disk.

    Ends with 0 when everything needed works, else with the code of the first thing that does not.
    """
    from sightword.cli.examine import examine
    from sightword.cli.output import plain, print_json

    findings = examine(folder, index, backbone)
    if json:
        print_json(
            {
                "ok": all(finding.ok for finding in findings),
                **{finding.name: {"ok": finding.ok, **finding.facts} for finding in findings},
            }
        )
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.name}")
            for name, value in finding.facts.items():
                click.echo(f"     {name}: {plain(_text(value))}")
    broken = [finding for finding in findings if finding.error is not None]
    if broken:
        error = broken[0].error
        assert error is not None
        raise error


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "none"
    return "-" if value is None else str(value)
