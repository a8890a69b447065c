"""The part of a model card that tells how the training went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["recipe_text", "sparkline"]

BARS = "▁▂▃▄▅▆▇█"


def recipe_text(training: dict[str, Any]) -> str:
    """Settings and their source, loss curve, held-out measurement and a note, as far as they are told."""
    settings, lines = training.get("settings") or {}, []
    if "batch" in settings:
        words = f"{settings['steps']:,} steps of {settings['batch']:,} rows"
        words += f", learning rate {settings['lr']:g}"
        if "schedule" in settings:
            words += f" ({settings['schedule']})"
        lines.append(f"{words}, seed {settings.get('seed', 0)}; {training.get('seconds', 0):.0f} s.")
    if training.get("recipe"):
        lines.append(f"Recipe: {training['recipe']}")
    if "noise_share" in training:
        rule = "the paper's" if training.get("noise_rule") == "paper" else "ours"
        noise = f"sigma {training['sigma']:.4g}, {training['noise_share']:.2f} of the captions' mean norm"
        lines.append(f"Noise: {noise} ({rule}).")
    losses = [loss for _, loss in training.get("curve", [])]
    if len(losses) > 1:
        lines.append(f"Loss: {losses[0]:.4g} {sparkline(losses)} {losses[-1]:.4g}")
    held_out = (training.get("held_out") or {}).get("after")
    if held_out:
        low, high = held_out["recall_at_10_interval"]
        what = (
            f"{held_out['triplets']:,} held-out triplets among {held_out['gallery']:,} pictures (the weights "
            "were chosen on them)"
            if "triplets" in held_out
            else f"{held_out['pictures']:,} held-out pictures by their own pseudo-word"
        )
        lines.append(f"R@10 of {what}: {held_out['recall_at_10']:.3f} [{low:.3f}, {high:.3f}].")
    if training.get("note"):
        lines.append(f"**{training['note']}**")
    return "\n\n".join(lines)


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """
    Examples
    --------
    >>> sparkline([3.0, 2.0, 1.0])
    '█▅▁'
    """
    chosen = [values[i * len(values) // min(width, len(values))] for i in range(min(width, len(values)))]
    low, high = min(chosen), max(chosen)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] for value in chosen)
