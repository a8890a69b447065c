"""``sightword index SOURCE --engine ... --to ...``: any source into any target."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sightword.errors import UsageError
from sightword.index.milvus.address import refuse_half
from sightword.pictures.names import display
from sightword.scale.engines import EngineChoice
from sightword.scale.features import Features
from sightword.scale.into import BulkReport, Job, into_features, into_index
from sightword.scale.places import is_address
from sightword.scale.sources import PARQUET, open_source
from sightword.update import Progress

__all__ = ["PARQUET", "BulkReport", "bulk_index", "is_features"]


def bulk_index(
    source: str,
    to: str | None = None,
    *,
    backbone: str = "starter",
    choice: EngineChoice | None = None,
    index: str | os.PathLike[str] | None = None,
    root: Path | None = None,
    column: str | None = None,
    name_column: str | None = None,
    work: Path | None = None,
    prune: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    told: Callable[[str], None] = lambda text: None,
    program: str = "sightword.pictures.worker",
    average: int | None = None,
) -> BulkReport:
    """Read the pictures of a source into a target.

    Parameters
    ----------
    source : str
        See `sightword.scale.sources.open_source`.
    to : str, optional
        A folder (its index is written), ``milvus://...``, or a directory of features: ``parquet:DIR`` or a
        name that ends in ``.parquet``. By default the source, when that is a folder.
    backbone : str
    choice : EngineChoice, optional
        Where pictures are decoded and encoded; by default in this process.
    index : path, optional
        Where the index of a folder is kept.
    root : Path, optional
        What paths and names are relative to; by default the folder that is written to.
    column, name_column : str, optional
        Columns of Parquet with pictures and names.
    work : Path, optional
        Where finished shards are kept when pictures inside Parquet go into an index; kept when it is given.
    prune : bool
        As for `sightword.update.update`.
    progress, stop, told
        How far it is; set to end early; told facts in sentences.
    program, average
        For tests: the decoding workers' module, and files in a shard.

    Raises
    ------
    UsageError
        Source and target do not go together, or there are no pictures.
    SightwordError
        From the engine, the backbone or the target.
    """
    started = time.monotonic()
    choice = choice or EngineChoice()
    choice.check()
    with ExitStack() as stack:
        job = Job(
            backbone,
            choice,
            program,
            index,
            work,
            prune,
            progress or Progress(),
            stop or threading.Event(),
            told,
            stack,
            average,
        )
        target = _target(source, to)
        folder = None if is_features(target) or is_address(target) else Path(target)
        if folder is not None and not folder.is_dir():
            raise UsageError(
                f"There is no folder {display(target)}.", "A directory of features is written parquet:DIR."
            )
        base = root or (folder if folder is not None and folder.resolve() != Path(source).resolve() else None)
        opened = open_source(source, root=base, column=column, name_column=name_column)
        if is_features(target):
            report = into_features(opened, Path(target.removeprefix(PARQUET)), job)
        else:
            report = into_index(opened, target, folder, job)
    report.problems += getattr(opened, "problems", [])
    report.interrupted = report.interrupted or job.stop.is_set()
    report.seconds = time.monotonic() - started
    return report


def _target(source: str, to: str | None) -> str:
    if to is not None:
        if not to.startswith(PARQUET):
            refuse_half(to, "--to {}")
        return to
    if source != "-" and Path(source).is_dir() and not Features.is_there(Path(source)):
        return source
    raise UsageError(
        f"Where shall the pictures of {display(source)} go?",
        "Add --to FOLDER, --to milvus://HOST/COLLECTION or --to DIR.parquet.",
    )


def is_features(target: str) -> bool:
    """Whether a target is a directory of features."""
    return target.startswith(PARQUET) or (
        not is_address(target) and target.rstrip("/").lower().endswith(".parquet")
    )
