"""Build StyleShift: artwork -> pictures -> queries -> one folder that says what it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightword.datasets.sources import Source, read_sources, sha256_of
from sightword.datasets.styleshift.art import Art, Packages
from sightword.datasets.styleshift.emoji import emoji_art
from sightword.datasets.styleshift.gallery import draw_all
from sightword.datasets.styleshift.others import clip_art, stamps
from sightword.datasets.styleshift.page import readme
from sightword.datasets.styleshift.render import check_renderer
from sightword.datasets.styleshift.stock import SEED, Stock
from sightword.datasets.styleshift.task_attribute import attribute
from sightword.datasets.styleshift.task_domain import domain
from sightword.datasets.styleshift.task_object import objects
from sightword.datasets.styleshift.task_scenes import compose, conflict, negation
from sightword.errors import SightwordError, UsageError
from sightword.evaluation.composed import ComposedQuery, write_rows
from sightword.update.progress import Progress

__all__ = ["NAME", "SOURCES", "SPLITS", "VERSION", "build", "sources"]

NAME = "styleshift"
VERSION = 1
SPLITS = ("test", "validation", "train")
SOURCES = Path(__file__).with_name("sources.json")
TASKS: dict[str, Callable[[Stock], Iterator[ComposedQuery]]] = {
    "domain": domain,
    "attribute": attribute,
    "object": objects,
    "compose": compose,
    "negation": negation,
    "conflict": conflict,
}


@dataclass(frozen=True)
class Built:
    """What a build made.

    Attributes
    ----------
    folder : Path
    pictures, queries : dict of str to int
        Counts by split.
    left_out : int
        Drawings that show nothing or cannot be read.
    """

    folder: Path
    pictures: dict[str, int]
    queries: dict[str, int]
    left_out: int


def sources() -> list[Source]:
    """The packages that StyleShift is made from."""
    return read_sources(SOURCES)


def build(
    folder: Path,
    packages: Packages,
    *,
    splits: Sequence[str] = ("test", "validation"),
    progress: Progress | None = None,
    pinned: Sequence[Source] | None = None,
) -> Built:
    """Build the benchmark in a folder.

    Parameters
    ----------
    folder : Path
        New, empty, or an earlier StyleShift, which is replaced.
    packages : mapping of str to Path
        Files by package name; see `sightword.datasets.fetch.obtain`.
    splits : sequence of {"test", "validation", "train"}
    progress : Progress, optional
        Told in pictures.
    pinned : sequence of Source, optional
        What the manifest says of the packages; for tests.

    Raises
    ------
    UsageError
        The folder holds something else.
    ModelUnavailable
        The renderer is not installed.
    SightwordError
        Nothing could be drawn.
    """
    renderer = check_renderer()
    for split in splits:
        if split not in SPLITS:
            raise UsageError(f"There is no split {split!r}.", f"Choose among {', '.join(SPLITS)}.")
    _clear(folder)
    progress = progress or Progress()
    progress.description("unpacking")
    art = [item for read in (emoji_art, clip_art, stamps) for item in read(packages, splits.__contains__)]
    groups = {item.code: item.group for item in art if item.code}
    stocks = {split: Stock(split, groups) for split in splits}
    left_out = draw_all(folder, art, stocks, progress)
    if not any(stock.emoji for stock in stocks.values()):
        raise SightwordError("No emoji of these splits could be drawn.", "Check the packages.")
    queries = [query for stock in stocks.values() for query in _asked(stock)]
    _write(folder, stocks, queries, art, left_out, renderer, sources() if pinned is None else pinned)
    return Built(
        folder,
        {split: len(stock.pictures) for split, stock in stocks.items()},
        dict(Counter(query.split for query in queries)),
        len(left_out),
    )


def _asked(stock: Stock) -> Iterator[ComposedQuery]:
    """The queries of a split; those without an answer are none."""
    for task in TASKS.values():
        for query in task(stock):
            if query.targets or query.agree:
                yield query


def _clear(folder: Path) -> None:
    """Make room: a folder with other things in it is refused, an earlier build is taken apart."""
    manifest = folder / "manifest.json"
    ours = (folder / ".building").is_file() or (manifest.is_file() and _name_in(manifest) == NAME)
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise UsageError(
            f"{folder} is not empty and holds no earlier StyleShift.", "Name a new or empty folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Whoever is interrupted may start again in the same folder.
    (folder / ".building").touch()
    for old in (manifest, folder / "queries.jsonl", folder / "gallery.jsonl", folder / "README.md"):
        old.unlink(missing_ok=True)
    for picture in (folder / "pictures").glob("**/*.png"):
        picture.unlink()


def _name_in(manifest: Path) -> Any:
    try:
        return json.loads(manifest.read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        return None


def _write(
    folder: Path,
    stocks: Mapping[str, Stock],
    queries: Sequence[ComposedQuery],
    art: Sequence[Art],
    left_out: Mapping[str, str],
    renderer: str,
    pinned: Sequence[Source],
) -> None:
    from PIL import __version__ as pillow

    pictures = [picture for stock in stocks.values() for picture in stock.pictures]
    write_rows(folder / "gallery.jsonl", pictures)
    write_rows(folder / "queries.jsonl", queries)
    manifest = {
        "name": NAME,
        "version": VERSION,
        "seed": SEED,
        "splits": list(stocks),
        "made with": {"renderer": renderer, "Pillow": pillow},
        "sources": [source.as_json() for source in pinned],
        "counts": {
            "pictures": _counted((item.split, item.kind) for item in pictures),
            "styles": _counted((item.split, item.style) for item in pictures if item.kind == "emoji"),
            "queries": _counted((item.split, item.task, item.aspect) for item in queries),
            "base concepts": {
                name: len({item.concept for item in art if item.split == name}) for name in stocks
            },
        },
        "licences": dict(sorted(Counter(item.licence for item in pictures).items())),
        "left out": dict(sorted(left_out.items())),
        "files": {
            "gallery.jsonl": sha256_of(folder / "gallery.jsonl"),
            "queries.jsonl": sha256_of(folder / "queries.jsonl"),
            **{picture.file: picture.sha256 for picture in pictures},
        },
    }
    (folder / "README.md").write_text(readme(manifest, pictures, queries), encoding="utf-8", newline="\n")
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    # Last: a folder with a manifest is complete.
    (folder / "manifest.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")
    (folder / ".building").unlink()


def _counted(keys: Iterator[tuple[str, ...]]) -> dict[str, Any]:
    """Nested counts."""
    table: dict[str, Any] = {}
    for key, count in sorted(Counter(keys).items()):
        place = table
        for part in key[:-1]:
            place = place.setdefault(part, {})
        place[key[-1]] = count
    return table
