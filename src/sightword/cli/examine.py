"""The examinations of ``sightword doctor``, each on its own so that one failure does not hide the next."""

from __future__ import annotations

import io
import os
import platform
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightword._version import __version__
from sightword.errors import IndexMissing, ModelUnavailable, SightwordError

__all__ = ["Finding", "examine"]


@dataclass
class Finding:
    """One examined thing."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    error: SightwordError | None = None

    @property
    def ok(self) -> bool:
        """Whether it works."""
        return self.error is None


def examine(folder: Path, index: Path | None, backbone: str) -> list[Finding]:
    """Examine everything; never raises for what it examines."""
    tasks: dict[str, Callable[[dict[str, Any]], None]] = {
        "machine": _machine,
        "model": lambda facts: _model(facts, backbone),
        "formats": _formats,
        "index": lambda facts: _index(facts, folder, index),
        "disk": lambda facts: _disk(facts, index if isinstance(index, Path) else folder),
    }
    findings = []
    for name, task in tasks.items():
        finding = Finding(name)
        try:
            task(finding.facts)
        except SightwordError as error:
            finding.error = error
            finding.facts["problem"] = str(error)
        findings.append(finding)
    return findings


def _machine(facts: dict[str, Any]) -> None:
    facts["sightword"] = __version__
    facts["python"] = platform.python_version()
    facts["system"] = f"{platform.system()} {platform.machine()}"
    facts["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts["encoding"] = sys.getfilesystemencoding()


def _model(facts: dict[str, Any], name: str) -> None:
    from sightword.backbones import load_backbone
    from sightword.backbones.golden import too_far, verify
    from sightword.backbones.registry import resolve
    from sightword.methods import load_method

    directory = resolve(name)
    facts["backbone"] = name
    facts["directory"] = str(directory)
    facts["bytes"] = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    backbone = load_backbone(name)
    facts["licence"] = backbone.spec.licence
    facts["languages"] = list(backbone.spec.languages)
    facts["runtime"] = getattr(backbone, "runtime", "?")
    facts["device"] = getattr(backbone, "device", "CPU")
    facts["threads"] = getattr(backbone, "threads", None) or "all"
    facts["precision"] = precision = getattr(backbone, "precision", "f32")
    cosines = verify(backbone)
    facts["golden_vectors"] = len(cosines)
    if cosines:
        facts["worst_cosine"] = round(min(cosine for _, cosine in cosines), 6)
        if missed := too_far(backbone.spec, cosines, precision):
            raise ModelUnavailable(
                f"{name} answers {missed[0]!r} with cosine {missed[1]:.5f} to its golden vector.",
                "Its files or the runtime are damaged; install or add it again.",
            )
    facts["default_method"] = load_method("default", backbone=backbone).name


def _formats(facts: dict[str, Any]) -> None:
    """Write a tiny picture in each format and read it back through the real decoder."""
    import numpy as np
    from PIL import Image

    from sightword.pictures.decode import decode_bytes

    picture = Image.fromarray(np.full((16, 16, 3), 200, np.uint8))
    for name in ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF"):
        data = io.BytesIO()
        try:
            picture.save(data, name)
            facts[name] = decode_bytes(data.getvalue()).shape == (16, 16, 3)
        except (SightwordError, KeyError, OSError, ValueError):
            facts[name] = False
    try:
        import pi_heif

        facts["HEIC"] = bool(pi_heif.libheif_version())
    except ImportError:
        facts["HEIC"] = False
    missing = [name for name, works in facts.items() if not works]
    if missing:
        raise SightwordError(
            f"These formats cannot be read here: {', '.join(missing)}.", "Install Pillow again."
        )


def _index(facts: dict[str, Any], folder: Path, index: Path | None) -> None:
    from sightword.index.location import is_index
    from sightword.index.opening import open_index

    facts["folder"] = str(folder)
    if index is None and is_index(folder):
        index = folder
    try:
        with closing(open_index(folder, index=index, readonly=True)) as store:
            facts.update(store.info())
            facts["problems"] = list(store.check(repair=False).problems)
    except IndexMissing:
        facts["state"] = "none yet; the first search makes it"


def _disk(facts: dict[str, Any], place: Path) -> None:
    usage = shutil.disk_usage(place if place.exists() else place.absolute().parent)
    facts["free_bytes"] = usage.free
    facts["writable"] = os.access(place, os.W_OK)
    if usage.free < 100 * 2**20:
        raise SightwordError(
            f"Only {usage.free // 2**20} MB are free where the index is kept.", "Free some space."
        )
