"""What every benchmark writes: the figures, and the machine, command and commit they belong to."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["write_report"]

_PACKAGES = ("numpy", "openvino", "onnxruntime", "torch", "faiss-cpu", "pymilvus", "pillow", "sightword")


def write_report(
    path: Path | None,
    *,
    name: str,
    settings: dict[str, Any],
    results: dict[str, Any],
    ratios: dict[str, float],
) -> dict[str, Any]:
    """Print a report, and write it when a path is given.

    Parameters
    ----------
    path : Path or None
        The JSON file; folders are made.
    name : str
        Of the benchmark.
    settings, results : dict
        What was asked and what was measured; the keys name their units.
    ratios : dict
        Figures of this run divided by other figures of this run.
    """
    report = {
        "name": name,
        "command": " ".join(["python", *sys.argv]),
        "commit": _commit(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": _machine(),
        "settings": settings,
        "results": results,
        "ratios": {key: round(value, 4) for key, value in ratios.items()},
    }
    text = json.dumps(report, indent=2, sort_keys=False)
    print(text)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return report


def _machine() -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": _processor(),
        "cores": cores,
        "memory_gib": _memory_gib(),
        "load_at_end": load,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {package: found for package in _PACKAGES if (found := _version(package))},
    }


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
