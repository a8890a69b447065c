"""What `export`, `import` and `push` do."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightword.backbones import load_backbone
from sightword.backbones.opening import need_torch
from sightword.backbones.registry import as_path, is_path, models_home
from sightword.backbones.spec import CARD, hash_file, read_files, read_spec
from sightword.cli.install import README, find
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods.catalog import SHIPPED
from sightword.methods.oti import NAMES, load_oti
from sightword.methods.phi import CONFIG, WEIGHTS, Phi, read_config

if TYPE_CHECKING:
    from sightword.backbones.torch_clip.export import Exported
    from sightword.training.released.importing import Imported

__all__ = ["export_model", "export_phi_file", "import_file", "push_model"]


def export_model(name: str, target: Path, activation: str | None, offline: bool) -> Exported:
    """Load a backbone in torch and write its portable directory."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty.", "Choose another place with --to.")
    if _is_method(name):
        raise UsageError(
            f"{name} is a trained method, not a backbone.",
            "Write a phi in another project's format: --format searle, lincir or pic2word, and --to FILE.",
        )
    _say(f"loading {name}")
    backbone = load_backbone(name, device="cpu", activation=activation, local_files_only=offline)
    if backbone.runtime != "torch":  # type: ignore[attr-defined]
        raise UsageError(f"{name} is portable already.", f"`sightword models info {name}` says where.")
    need_torch("The export", ("onnx", "onnxscript"))
    from sightword.backbones.torch_clip.export import export_backbone

    return export_backbone(backbone, target, _say)  # type: ignore[arg-type]


def _is_method(name: str) -> bool:
    """Whether this is the name, or the path, of a trained method."""
    if is_path(name):
        place = as_path(name)
        return (place / "training.json").is_file() and (place / CONFIG).is_file()
    return bool(re.fullmatch(r"[\w.-]+", name)) and any(
        next(root.glob(f"*/{name}/{CONFIG}"), None) for root in (SHIPPED, models_home() / "methods")
    )


def export_phi_file(name: str, layout: str, target: Path, backbone: str | None) -> Path:
    """Write an installed phi, or one in a directory, as another project's checkpoint."""
    from sightword.training.released.exporting import export_phi

    directory = as_path(name) if is_path(name) else find(name, backbone).directory
    if directory is None or (directory / CARD).is_file():
        raise UsageError(f"{name} is not a trained phi.", "Only those have other formats.")
    if (directory / NAMES).is_file() or read_config(directory)["kind"] != "phi":
        raise UsageError(f"{name} is not a phi.", "Only those have other formats; share it with models push.")
    return export_phi(Phi.load(directory), layout, target, name)


def import_file(file: Path, out: Path, backbone: str | None, method: str | None, offline: bool) -> Imported:
    """Read a released checkpoint for a backbone, and see whether a phi's words mean something there."""
    from sightword.training.directory import check_new
    from sightword.training.released.importing import (
        USUAL_BACKBONES,
        import_released,
        method_of,
        read_released,
    )
    from sightword.training.released.meaning import meaning_of

    check_new(out, "Choose another place with --out.")
    found = read_released(file)
    method = method_of(found, file, method)
    name = backbone or USUAL_BACKBONES.get((found.layout, found.dim))
    if name is None:
        raise UsageError(
            f"{file} takes features of {found.dim} numbers and does not say from which backbone.",
            "Name it with --backbone.",
        )
    if backbone is None:
        _say(f"for {name}, as in the paper (--backbone chooses another)")
    loaded = load_backbone(name, local_files_only=offline)
    done = import_released(file, loaded.spec, out, found=found, method=method)
    if found.layout == "combiner":
        return done
    return replace(done, meaning=meaning_of(Phi.load(out), loaded))


def push_model(directory: Path, repo: str, revision: str | None, private: bool) -> tuple[list[str], str]:
    """Upload the files that belong to a model, after checking them."""
    from sightword.backbones.hub import push

    if (directory / CARD).is_file():
        name, files = read_spec(directory).name, read_files(directory)
        for file, entry in files.items():
            if not (directory / file).is_file() or hash_file(directory / file) != entry["sha256"]:
                raise ModelUnavailable(f"{directory / file} is damaged: its sha256 is not the one in {CARD}.")
        names = [CARD, *files]
    else:
        remembered = (directory / NAMES).is_file()
        name = str((load_oti(directory).config if remembered else read_config(directory))["method"])
        extra = [file for file in (README, "training.json", NAMES) if (directory / file).is_file()]
        names = [CONFIG, WEIGHTS, *extra]
    return sorted(names), push(
        directory, names, repo, message=f"Upload {name}", revision=revision, private=private
    )


def _say(what: str) -> None:
    """One line per step, on terminals only."""
    if sys.stderr.isatty():
        click.echo(f"{what} ...", err=True)
