"""Which runtime opens a backbone: OpenVINO what is portable, torch what is not (yet)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sightword.backbones.base import Backbone
from sightword.backbones.hub import HUB_PREFIX, fetch, fetch_directory, split_revision
from sightword.backbones.registry import STARTER, resolve
from sightword.backbones.spec import CARD, read_spec
from sightword.backbones.torch_clip.names import Source, parse_name
from sightword.errors import ModelUnavailable, UsageError

__all__ = ["RUNTIMES", "need_torch", "open_backbone"]

RUNTIMES = ("openvino", "torch")
PORTABLE = ("*.onnx", "*.xml", "*.bin", "*.data", "*.json", "*.safetensors", "README.md")


def open_backbone(
    name: str,
    *,
    runtime: str | None,
    threads: int | None,
    precision: str | None,
    cache: Path | None,
    device: str | None,
    activation: str | None,
    local_files_only: bool,
) -> Backbone:
    """See `sightword.backbones.load_backbone`."""
    if runtime is not None and runtime not in RUNTIMES:
        raise UsageError(f"The runtime {runtime!r} does not exist.", f"Use one of {', '.join(RUNTIMES)}.")
    hub: dict[str, Any] = {"local_files_only": local_files_only}
    source = None if _is_portable(name) else parse_name(name, activation)
    directory = _portable_repository(source, **hub) if source is not None and source.kind == "hub" else None
    if source is None or directory is not None:
        directory = directory or resolve(name)
        if runtime == "torch":
            return _in_torch(name, directory, device, precision)
        if device not in (None, "cpu"):
            raise UsageError(f"OpenVINO runs on the CPU, not on {device!r}.", "Leave the device out.")
        from sightword.backbones.openvino_runtime import OpenVINOBackbone

        return OpenVINOBackbone(directory, threads=threads, precision=precision, cache=cache)
    if runtime == "openvino":
        raise ModelUnavailable(
            f"OpenVINO cannot run {name} as it is.", f"First: sightword models export {name} --to DIRECTORY"
        )
    need_torch(name)
    from sightword.backbones.torch_clip.loading import load_torch_clip

    return load_torch_clip(source, device=device, precision=precision, **hub)


def need_torch(what: str, packages: Sequence[str] = ("torch", "open_clip")) -> None:
    """Refuse, in a sentence, what only torch can do where torch is not installed.

    Raises
    ------
    ModelUnavailable
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ModelUnavailable(
            f"{what} needs {' and '.join(missing)}, which this installation does not have.",
            "Run `pip install 'sightword[torch]'`.",
        )


def _is_portable(name: str) -> bool:
    """Whether a name is the starter's, an installed one or that of a backbone directory."""
    if name.startswith(HUB_PREFIX):
        return False
    try:
        return (resolve(name) / CARD).is_file()
    except ModelUnavailable:
        return False


def _portable_repository(source: Source, *, local_files_only: bool) -> Path | None:
    """The local copy of a repository in our portable layout; None when it is in another layout."""
    repo, revision = split_revision(source.repo)
    what = f"the configuration of {source.name}"
    options: dict[str, Any] = {"revision": revision, "local_files_only": local_files_only}
    card = fetch(repo, [CARD, "open_clip_config.json", "config.json"], what=what, **options)
    if card.name != CARD:
        return None
    return fetch_directory(repo, PORTABLE, what=f"the files of {source.name}", **options)


def _in_torch(name: str, directory: Path, device: str | None, precision: str | None) -> Backbone:
    spec = read_spec(directory)
    if spec.name != STARTER:
        raise ModelUnavailable(
            f"{name} is exported: its directory holds graphs, which torch does not run.",
            f"Load it from where it came: {spec.source or 'unknown'}.",
        )
    need_torch(name)
    from sightword.backbones.torch_clip.starter import load_starter

    return load_starter(directory, device=device, precision=precision)
