"""The measurements that the tables of docs/scale.md stand on, read from the reports of the benchmarks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Encoder", "Results"]

BUSY = 2.5
"""Load above which times of one or two threads on two cores are not to be trusted."""

BATCHES = (
    "quantisation_real",
    "quantisation_real_ivf",
    "quantisation_1m",
    "quantisation_1m_ivf",
    "quantisation_1m_hnsw",
)


@dataclass(frozen=True)
class Encoder:
    """What one picture costs.

    Attributes
    ----------
    decode_ms, encode_ms : float
        Processor time.
    reached : float
        End to end, of the CPU's limit.
    whole : float
        Pictures per second end to end, on all cores of the machine.
    """

    decode_ms: float
    encode_ms: float
    reached: float
    whole: float


class Results:
    """Reports by name; what is not there is None.

    Parameters
    ----------
    folder : Path
        Of JSON files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def report(self, name: str) -> dict[str, Any] | None:
        """One report."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            return None
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return read

    def source(self, *names: str) -> str:
        """Commands, commits, times and the machine of reports, and a warning where others used it too."""
        told, loads = [], [0.0]
        for name in names:
            report = self.report(name)
            if report is None:
                continue
            machine = report["machine"]
            loads.append(machine["load_at_end"])
            told.append(
                f"`{report['command']}` (commit {report['commit']},"
                f" {report['time'][:16].replace('T', ' ')} UTC,"
                f" {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB,"
                f" load at the end {machine['load_at_end']:.1f})"
            )
        busy = (
            f" **On a busy machine (load {max(loads):.0f}): times are too long.**"
            if max(loads) > BUSY
            else ""
        )
        return f"Measured by {'; '.join(told)}.{busy}" if told else ""

    def sizes(self) -> list[dict[str, Any]]:
        """Rows of the local scale reports, smallest first."""
        rows = []
        for name in ("scale", "scale_3m"):
            report = self.report(name)
            rows += list(report["results"].values()) if report else []
        return sorted(rows, key=lambda row: int(row["rows"]))

    @property
    def dim(self) -> int:
        """Dimensions of the scale reports."""
        report = self.report("scale")
        return int(report["settings"]["dim"]) if report else 384

    def million(self) -> dict[str, Any]:
        """The local row of a million pictures."""
        return next(row for row in self.sizes() if row["rows"] == 1_000_000)

    def encoders(self) -> dict[str, Encoder]:
        """The encoders that were timed end to end."""
        found = {}
        names = (("starter", "index_folder_starter"), ("vit_b32_random", "index_folder_vit"))
        for name, file in names:
            report = self.report(file)
            if report is not None:
                got = report["results"][name]
                found[name] = Encoder(
                    got["decode_cpu_ms"],
                    got["encode_cpu_ms"],
                    got["end_to_end_pictures_per_second"] / got["cpu_limit_pictures_per_second"],
                    got["end_to_end_pictures_per_second"],
                )
        return found

    def recall(self, engine: str, kind: str, setting: str = "", rescored: int = 0) -> float | None:
        """Recall at a million rows, as measured; None where it was not."""
        for name in (batch for batch in BATCHES if "_1m" in batch):
            report = self.report(name)
            held = report["results"]["engines"].get(engine) if report else None
            for row in held["asked"] if held else []:
                if row["setting"] == setting and row["rescored"] == rescored:
                    return float(row["kinds"][kind]["recall"])
        return None
