"""Backbones and trained methods of this user: what is there, adding a directory, removing one."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sightword.backbones import load_backbone
from sightword.backbones.base import Backbone
from sightword.backbones.golden import too_far, verify
from sightword.backbones.registry import (
    PACKAGED,
    STARTER,
    as_path,
    directory_hint,
    is_path,
    models_home,
    safe_name,
)
from sightword.backbones.spec import CARD, hash_file, read_files, read_spec
from sightword.errors import ModelUnavailable, SightwordError, UsageError
from sightword.methods.catalog import TRAINING_FREE, is_shipped, list_methods, load_method
from sightword.methods.oti import NAMES, load_oti
from sightword.methods.phi import CONFIG, WEIGHTS, read_config

__all__ = ["Model", "add", "at", "describe", "find", "installed", "remove"]

README = "README.md"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Model:
    """A backbone or a method.

    Attributes
    ----------
    kind : {"backbone", "method"}
    name : str
    backbone : str or None
        The backbone that a trained method belongs to.
    directory : Path or None
        None for methods without weights.
    shipped : bool
        Part of this installation; cannot be removed.
    summary : str
        One line, or what is wrong with it.
    bytes : int
    """

    kind: str
    name: str
    backbone: str | None
    directory: Path | None
    shipped: bool
    summary: str
    bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        place = None if self.directory is None else str(self.directory)
        return {**self.__dict__, "directory": place}


def installed() -> list[Model]:
    """Everything that can be named on the command line."""
    models = [Model("method", info.name, None, None, True, info.summary) for info in list_methods()]
    for directory, shipped in _backbone_directories():
        models.append(_backbone(directory, shipped))
        models += _methods_of(directory)
    return sorted(models, key=lambda model: (model.kind, model.directory is not None, model.name))


def find(name: str, backbone: str | None = None) -> Model:
    """One model by its name.

    Raises
    ------
    ModelUnavailable
        There is none.
    UsageError
        Several backbones have a method of this name.
    """
    found = [m for m in installed() if m.name == name and (backbone is None or m.backbone == backbone)]
    if not found:
        hint = directory_hint(name) or "See `sightword models list`."
        raise ModelUnavailable(f"There is no model {name!r} here.", hint)
    if len(found) > 1:
        owners = ", ".join(str(model.backbone) for model in found)
        raise UsageError(f"{name!r} is there for several backbones: {owners}.", "Choose with --for-backbone.")
    return found[0]


def at(name: str) -> Model | None:
    """The backbone or trained method in the directory that a path names; None when it names none.

    As with `--backbone`, an installed ``owner/name`` comes before a directory of that name.

    Raises
    ------
    ModelUnavailable
        The directory holds neither, or it is damaged.
    """
    directory = as_path(name)
    installed_there = models_home() / "backbones" / safe_name(name) / CARD
    if not is_path(name) or not directory.is_dir() or (name[0] != "." and installed_there.is_file()):
        return None
    shipped = PACKAGED.parent in directory.resolve().parents
    if (directory / CARD).is_file():
        return _backbone(directory, shipped)
    if not (directory / CONFIG).is_file():
        raise ModelUnavailable(
            f"{directory} is no model: it has neither {CARD} nor {CONFIG}.", "Give a model's directory."
        )
    config = _config(directory)
    owner, summary = str(config["backbone"].get("name", "unknown")), str(config["method"])
    return _method(directory, directory.resolve().name, owner, shipped=shipped, summary=summary)


def describe(model: Model) -> dict[str, Any]:
    """Everything about one model, as plain values."""
    facts = model.as_json()
    if model.directory is None:
        return facts
    if model.kind == "method":
        return {**facts, **_config(model.directory)}
    spec = asdict(read_spec(model.directory))
    golden = spec.pop("golden")
    facts["golden_vectors"] = sum(len(golden.get(kind, [])) for kind in ("images", "texts", "slots"))
    return {**facts, **spec, "name": model.name, "files": read_files(model.directory)}


def add(directory: Path, name: str | None = None) -> Model:
    """Copy a backbone's or a trained method's directory to this user's models, after checking it.

    Only the files that belong to it are copied; a backbone must answer its golden vectors.

    Raises
    ------
    ModelUnavailable
        It is neither, or damaged.
    UsageError
        There is one of that name already.
    """
    if (directory / CARD).is_file():
        if name is not None:
            raise UsageError("A backbone keeps the name in its backbone.json; leave out --name.")
        return _add_backbone(directory)
    if (directory / CONFIG).is_file():
        return _add_method(directory, name or directory.resolve().name)
    raise ModelUnavailable(
        f"{directory} is no model: it has neither {CARD} nor {CONFIG}.", "Give a model's directory."
    )


def remove(model: Model) -> None:
    """Delete an installed model.

    Raises
    ------
    UsageError
        It belongs to the installation.
    """
    home = models_home().resolve()
    if model.shipped or model.directory is None or home not in model.directory.resolve().parents:
        raise UsageError(f"{model.name} belongs to sightword itself and cannot be removed.")
    shutil.rmtree(model.directory)


def _add_backbone(directory: Path) -> Model:
    spec = read_spec(directory)
    if spec.name == STARTER or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", spec.name):
        raise UsageError(f"A backbone cannot be installed under the name {spec.name!r}.")
    files = read_files(directory)
    for name, entry in files.items():
        if hash_file(_own_file(directory, name)) != entry["sha256"]:
            raise ModelUnavailable(f"{directory / name} is damaged: its sha256 is not the one in {CARD}.")
    target = models_home() / "backbones" / safe_name(spec.name)
    with _Arriving(directory, [CARD, *files], target) as arriving:
        backbone = load_backbone(f"{arriving}/")
        precision = getattr(backbone, "precision", "f32")
        if missed := too_far(spec, verify(backbone), precision):
            raise ModelUnavailable(
                f"{spec.name} answers {missed[0]!r} with cosine {missed[1]:.5f} to its golden vector.",
                "Export it again.",
            )
    return _backbone(target, shipped=False)


def _add_method(directory: Path, name: str) -> Model:
    config = _config(directory)
    if not _NAME.fullmatch(name) or name in TRAINING_FREE or name == "default":
        raise UsageError(
            f"A method cannot be installed under the name {name!r}.", "Choose another with --name."
        )
    owner = config["backbone"]
    for place, _ in _backbone_directories():
        if read_spec(place).weights_hash == owner["weights_hash"]:
            backbone = read_spec(place)
            break
    else:
        raise ModelUnavailable(
            f"{directory} was trained for the backbone {owner.get('name', 'unknown')!r}, which is not here.",
            "Add that backbone first (`sightword models export` makes it of open_clip's).",
        )
    if is_shipped(name, backbone.name):
        raise UsageError(
            f"{backbone.name} comes with a method {name!r}, which would be found first.",
            "Choose another name with --name.",
        )
    load_method(str(directory.resolve()), backbone=_loaded(place))  # whatever its kind, it can be asked
    target = models_home() / "methods" / safe_name(backbone.name) / name
    files = [CONFIG, WEIGHTS, *(name for name in (README, NAMES) if (directory / name).is_file())]
    with _Arriving(directory, files, target):
        pass
    return _method(target, name, backbone.name, shipped=False, summary=str(config["method"]))


def _config(directory: Path) -> dict[str, Any]:
    """What a trained method says of itself."""
    return load_oti(directory).config if (directory / NAMES).is_file() else read_config(directory)


class _Arriving:
    """A copy under a temporary name; it takes its place only when all went well."""

    def __init__(self, source: Path, files: Iterable[str], target: Path) -> None:
        if target.exists():
            raise UsageError(f"There is already a {target.name} at {target.parent}.", "Remove it first.")
        self._files = {name: _own_file(source, name) for name in files}
        self._target = target

    def __enter__(self) -> Path:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._copy = Path(tempfile.mkdtemp(prefix=".arriving-", dir=self._target.parent))
        for name, path in self._files.items():
            shutil.copyfile(path, self._copy / name)
        return self._copy

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._copy.chmod(0o755)
                self._copy.rename(self._target)
        finally:
            shutil.rmtree(self._copy, ignore_errors=True)


def _own_file(directory: Path, name: str) -> Path:
    """A regular file directly inside; a directory from elsewhere may not lead out of itself."""
    path = directory / name
    if name != path.name or path.is_symlink() or not path.is_file():
        raise ModelUnavailable(f"{directory} names {name!r}, which is not a plain file in it.")
    return path


def _backbone_directories() -> list[tuple[Path, bool]]:
    """Backbone directories, and whether they are shipped."""
    home = models_home() / "backbones"
    own = [
        path
        for path in (sorted(home.iterdir()) if home.is_dir() else [])
        if (path / CARD).is_file() and not path.name.startswith(".")
    ]
    shipped = [PACKAGED / STARTER] if (PACKAGED / STARTER / CARD).is_file() else []
    return [*((path, True) for path in shipped), *((path, False) for path in own)]


def _backbone(directory: Path, shipped: bool) -> Model:
    try:
        spec = read_spec(directory)
        name = spec.name
        summary = f"{spec.dim} dimensions, {', '.join(spec.languages)}, {spec.licence}"
    except SightwordError as error:
        name, summary = directory.name, str(error)
    return Model(
        "backbone", STARTER if shipped else name, None, directory, shipped, summary, _size(directory)
    )


def _methods_of(directory: Path) -> list[Model]:
    try:
        backbone = _loaded(directory)
        return [
            _method(
                info.directory,
                info.name,
                backbone.spec.name,
                shipped=models_home() not in info.directory.parents,
                summary=info.summary,
            )
            for info in list_methods(backbone)
            if info.directory is not None
        ]
    except SightwordError:  # told with the backbone itself
        return []


def _loaded(directory: Path) -> Backbone:
    return load_backbone(STARTER if directory == PACKAGED / STARTER else f"{directory}/")


def _method(directory: Path, name: str, backbone: str, *, shipped: bool, summary: str) -> Model:
    return Model("method", name, backbone, directory, shipped, summary, _size(directory))


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
