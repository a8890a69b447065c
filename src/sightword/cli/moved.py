"""What ``sightword index push`` and ``pull`` say when they are done, or cannot go on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from sightword.cli.bring import say
from sightword.cli.output import plain, print_json
from sightword.errors import IndexCorrupt, SightwordError
from sightword.pictures.names import json_name

if TYPE_CHECKING:
    from sightword.index.transfer import TransferReport
    from sightword.index.transfer_plan import Plan

__all__ = ["tell", "tell_progress"]

_MOST_DAMAGED = 10


def tell_progress(report: TransferReport, plan: Plan) -> None:
    if report.done:
        say(f"{report.done:,} of {len(plan):,} are done and stay; the same command goes on from there.")


def tell(
    source: str,
    target: str,
    plan: Plan,
    report: TransferReport,
    facts: dict[str, Any],
    seconds: float,
    options: dict[str, Any],
) -> None:
    """Print what was done, and end with an error when something is left."""
    counts = _planned(plan) if options["dry_run"] else _done(report)
    pictures = facts["pictures"]
    if options["json"]:
        print_json(
            {
                "source": source,
                "target": target,
                "dry_run": options["dry_run"],
                **counts,
                "unchanged": plan.same,
                "kept": plan.kept,
                "damaged": [_damaged(item.path, item.reason) for item in report.damaged],
                "missed": report.missed,
                "complete": not (options["dry_run"] or report.interrupted or report.damaged or report.missed),
                "pictures": pictures,
                "seconds": round(seconds, 3),
            }
        )
    else:
        told = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items() if count)
        verb = "would be: " if options["dry_run"] else ""
        what = f"{verb}{told}" if told else "nothing to do"
        click.echo(f"{plain(target)}: {pictures:,} pictures; {what}; unchanged {plan.same:,}.")
    if plan.kept:
        say(f"{plan.kept:,} that only {plain(target)} has stay as they are; --prune hides them.")
    if report.missed:
        say(f"{report.missed:,} pictures changed meanwhile; run the same command again to take them along.")
    if report.interrupted:
        raise SightwordError(
            f"Stopped; {report.done:,} of {len(plan):,} are done.", "The same command goes on from there."
        )
    if report.damaged:
        for item in report.damaged[:_MOST_DAMAGED]:
            say(f"{plain(os.fsdecode(item.path))}: {item.reason}")
        raise IndexCorrupt(
            f"{len(report.damaged):,} damaged pictures of {plain(source)} were left out.",
            "Run `sightword check` on it, index again, then repeat this command.",
        )


def _planned(plan: Plan) -> dict[str, int]:
    return {
        "sent": len(plan.send),
        "updated": len(plan.touch),
        "not_readable": len(plan.fail),
        "hidden": len(plan.hide),
    }


def _done(report: TransferReport) -> dict[str, int]:
    return {name: getattr(report, name) for name in ("sent", "updated", "not_readable", "hidden")}


def _damaged(path: bytes, reason: str) -> dict[str, str]:
    return {**json_name(path), "reason": reason}
