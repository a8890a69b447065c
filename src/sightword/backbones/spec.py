"""``backbone.json``: read it, write it, and say in one sentence what is wrong with it.

The file is the fields of `BackboneSpec` as JSON, plus ``files``: for every other file of the directory its
size in bytes and its sha256. Unknown keys are kept out of the way, so that a newer card still opens.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sightword.backbones.base import BackboneSpec, PreprocessSpec
from sightword.errors import ModelUnavailable

__all__ = [
    "CARD",
    "SCHEMA",
    "describe_files",
    "hash_file",
    "read_files",
    "read_spec",
    "weights_hash",
    "write_spec",
]

CARD = "backbone.json"
SCHEMA = 1
"""The newest layout of the directory that this version reads."""

KINDS: dict[str, tuple[str, ...]] = {
    "mask": ("causal", "padding", "none"),
    "pool": ("eot", "last", "mean", "cls"),
    "pad_to": ("longest", "context"),
    "clean": ("clip", "canonicalize", "whitespace", "none"),
}
PREPROCESS_KINDS: dict[str, tuple[str, ...]] = {
    "resize": ("shortest", "longest", "squash"),
    "interpolation": ("bicubic", "bilinear"),
}


def read_spec(directory: Path) -> BackboneSpec:
    """Read and validate ``backbone.json``.

    Parameters
    ----------
    directory : Path
        The backbone directory.

    Returns
    -------
    BackboneSpec

    Raises
    ------
    ModelUnavailable
        The file is missing, is not JSON, is newer than this version, or describes a tower we do not run.
    """
    data = _read_json(directory)
    where = str(directory / CARD)
    schema = data.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise ModelUnavailable(f"{where} does not say which schema it follows.", _EXPORT_AGAIN)
    if schema > SCHEMA:
        raise ModelUnavailable(
            f"{where} follows schema {schema}, this version reads up to {SCHEMA}.", "Update sightword."
        )
    known = {item.name for item in fields(BackboneSpec)}
    values: dict[str, Any] = {key: value for key, value in data.items() if key in known}
    values["preprocess"] = _read_preprocess(values.get("preprocess"), where)
    for name in ("prefix_ids", "suffix_ids", "languages", "exact"):
        if name in values:
            values[name] = tuple(_expect(values[name], list, name, where))
    try:
        spec = BackboneSpec(**values)
    except TypeError as error:
        missing = str(error).partition("argument")[2].lstrip("s: ") or str(error)
        raise ModelUnavailable(f"{where} lacks {missing}.", _EXPORT_AGAIN) from None
    _validate(spec, where)
    return spec


def write_spec(directory: Path, spec: BackboneSpec, files: Iterable[str] | None = None) -> None:
    """Write ``backbone.json``, with sizes and hashes of the directory's other files.

    Parameters
    ----------
    directory : Path
    spec : BackboneSpec
    files : iterable of str, optional
        Names to record; by default every file there except the card itself.
    """
    names = (
        files
        if files is not None
        else (p.name for p in directory.iterdir() if p.is_file() and p.name != CARD)
    )
    data = asdict(spec) | {"files": describe_files(directory, names)}
    (directory / CARD).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_files(directory: Path) -> dict[str, dict[str, Any]]:
    """The ``files`` table of ``backbone.json``: name -> ``{"bytes", "sha256"}``; empty if absent."""
    table = _read_json(directory).get("files") or {}
    where = str(directory / CARD)
    _expect(table, dict, "files", where)
    for name, entry in table.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            raise ModelUnavailable(f"{where} gives no sha256 for {name!r}.", _EXPORT_AGAIN)
    return dict(table)


def describe_files(directory: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Size and sha256 of each named file, sorted by name."""
    return {
        name: {"bytes": (directory / name).stat().st_size, "sha256": hash_file(directory / name)}
        for name in sorted(names)
    }


def weights_hash(directory: Path, names: Iterable[str]) -> str:
    """One sha256 over the named weight files, independent of the order they are named in."""
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name} {hash_file(directory / name)}\n".encode())
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


_EXPORT_AGAIN = "Export the backbone again."


def _read_json(directory: Path) -> dict[str, Any]:
    path = directory / CARD
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelUnavailable(
            f"{directory} is not a backbone directory: it has no {CARD}.", "See `sightword models list`."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}.", _EXPORT_AGAIN) from None
    if not isinstance(data, dict):
        raise ModelUnavailable(f"{path} holds no JSON object.", _EXPORT_AGAIN)
    return data


def _read_preprocess(value: Any, where: str) -> PreprocessSpec:
    if value is None:
        return PreprocessSpec()
    known = {item.name for item in fields(PreprocessSpec)}
    values = {key: item for key, item in _expect(value, dict, "preprocess", where).items() if key in known}
    for name in ("mean", "std"):
        if name in values:
            numbers = _expect(values[name], list, f"preprocess.{name}", where)
            if len(numbers) != 3 or not all(isinstance(number, (int, float)) for number in numbers):
                raise ModelUnavailable(f"{where}: preprocess.{name} must be three numbers.", _EXPORT_AGAIN)
            values[name] = tuple(float(number) for number in numbers)
    return PreprocessSpec(**values)


def _expect(value: Any, kind: type, name: str, where: str) -> Any:
    if not isinstance(value, kind):
        raise ModelUnavailable(f"{where}: {name} must be a {kind.__name__}.", _EXPORT_AGAIN)
    return value


def _validate(spec: BackboneSpec, where: str) -> None:
    for name, allowed in KINDS.items():
        _check_kind(f"{name}", getattr(spec, name), allowed, where)
    for name, allowed in PREPROCESS_KINDS.items():
        _check_kind(f"preprocess.{name}", getattr(spec.preprocess, name), allowed, where)
    for name in ("dim", "token_dim", "context"):
        value = getattr(spec, name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65536:
            raise ModelUnavailable(f"{where}: {name} is {value!r}, not a sensible size.", _EXPORT_AGAIN)
    if not isinstance(spec.preprocess.size, int) or not 1 <= spec.preprocess.size <= 4096:
        raise ModelUnavailable(f"{where}: preprocess.size is {spec.preprocess.size!r}.", _EXPORT_AGAIN)
    ids = (*spec.prefix_ids, *spec.suffix_ids, spec.pad_id)
    if not all(isinstance(item, int) and item >= 0 for item in ids):
        raise ModelUnavailable(
            f"{where}: prefix_ids, suffix_ids and pad_id must be token ids.", _EXPORT_AGAIN
        )
    if len(spec.prefix_ids) + len(spec.suffix_ids) >= spec.context:
        raise ModelUnavailable(
            f"{where}: a context of {spec.context} leaves no room for words.", _EXPORT_AGAIN
        )
    if not isinstance(spec.weights_hash, str) or len(spec.weights_hash) < 16:
        raise ModelUnavailable(f"{where} carries no weights_hash.", _EXPORT_AGAIN)
    _check_least(_expect(spec.golden, dict, "golden", where).get("least", {}), where)
    if not set(spec.exact) <= {"image", "text"}:
        raise ModelUnavailable(f"{where}: exact names other towers than image and text.", _EXPORT_AGAIN)
    if spec.patches is not None and (type(spec.patches) is not int or not 0 <= spec.patches < 65536):
        raise ModelUnavailable(f"{where}: patches is {spec.patches!r}, not a number of rows.", _EXPORT_AGAIN)
    if spec.mask == "none" and spec.pad_to == "longest":
        # Without a mask every padding row changes the answer: the batch would decide a text's vector.
        raise ModelUnavailable(
            f"{where}: an unmasked text tower (mask none) must be padded to its context (pad_to context).",
            _EXPORT_AGAIN,
        )


def _check_least(least: Any, where: str) -> None:
    for kind, own in _expect(least, dict, "golden.least", where).items():
        cosines = _expect(own, dict, f"golden.least.{kind}", where).values()
        if kind not in ("image", "text", "slot") or not all(type(item) in (int, float) for item in cosines):
            raise ModelUnavailable(
                f"{where}: golden.least.{kind} is no cosine for each precision.", _EXPORT_AGAIN
            )


def _check_kind(name: str, value: Any, allowed: tuple[str, ...], where: str) -> None:
    if value not in allowed:
        raise ModelUnavailable(
            f"{where}: {name} {value!r} is a tower sightword does not run (it runs {', '.join(allowed)}).",
            "Choose another backbone; see `sightword models list`.",
        )
