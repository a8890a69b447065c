"""A page of queries with their pictures: the worst ones and those that methods disagree about.

Static HTML; a script of some lines shows only the queries where one method beats another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from PIL import Image

from sightword.evaluation.composed import ComposedQuery, Picture
from sightword.evaluation.report import Report
from sightword.evaluation.tables_more import ranked_by
from sightword.evaluation.views import genecis_crop, squash_crop
from sightword.pictures.decode import decode

__all__ = ["choose_queries", "write_page"]

MOST = 120
TOLD = 6
SIDE = 128
TEMPLATE = Path(__file__).with_name("page.html")


def choose_queries(report: Report, most: int = MOST) -> list[int]:
    """Numbers of the queries to show: half the worst over all methods, half where methods differ most.

    Returns
    -------
    list of int
        The worst first; ties in the queries' order.
    """
    scored = [n for n in range(len(report.loaded.queries)) if _scores(report, n)]
    mean = {n: sum(_scores(report, n).values()) / len(report.methods) for n in scored}
    gap = {n: max(_scores(report, n).values()) - min(_scores(report, n).values()) for n in scored}
    worst = sorted(scored, key=lambda n: mean[n])[: (most + 1) // 2]
    apart = [n for n in sorted(scored, key=lambda n: -gap[n]) if n not in set(worst)][: most - len(worst)]
    return sorted([*worst, *apart], key=lambda n: mean[n])


def write_page(report: Report, folder: Path, most: int = MOST) -> Path:
    """Write ``queries.html`` and the thumbnails it shows; the path of the page."""
    report = report.leading()
    thumbs = _Thumbs(report, folder)
    cards = [_card(report, number, thumbs) for number in choose_queries(report, most)]
    options = "".join(f"<option>{escape(name)}</option>" for name in report.methods)
    page = TEMPLATE.read_text(encoding="utf-8")
    title = f"{report.benchmark}, {report.loaded.split}, {report.backbone.get('name', '')}"
    about = (
        f"{len(cards)} of {len(report.loaded.queries):,} queries: the worst, and where methods disagree most."
    )
    told = [about, *([ranked_by(report.index)] if report.index else [])]
    for mark, text in (
        ("TITLE", escape(title)),
        (
            "ABOUT",
            escape(" ".join([*told, *(f"Not the whole benchmark: {lost}." for lost in report.loaded.lost)])),
        ),
        ("METRIC", escape(report.main)),
        ("OPTIONS", options),
        ("CARDS", "\n".join(cards)),
    ):
        page = page.replace(f"<!--{mark}-->", text)
    path = folder / "queries.html"
    path.write_text(page, encoding="utf-8")
    return path


def _scores(report: Report, number: int) -> dict[str, float]:
    return {
        name: scores.rows[number][report.main]
        for name, scores in report.methods.items()
        if report.main in scores.rows[number]
    }


def _card(report: Report, number: int, thumbs: _Thumbs) -> str:
    query = report.loaded.queries[number]
    scores = _scores(report, number)
    right = set(query.targets)
    asked = "".join(thumbs.figure(name, "reference") for name in query.references)
    answer = "".join(thumbs.figure(name, "right") for name in query.targets[:TOLD])
    rows = []
    for name, found in report.methods.items():
        place = found.places[number]
        told = f"best right answer at {place:,}" if place else "no right answer exists"
        told = told if place >= 0 else f"no right answer among the first {-place:,}"
        shown = "".join(
            thumbs.figure(item, "hit" if item in right else "") for item in found.tops[number][:TOLD]
        )
        rows.append(
            f'<div class="row"><h3>{escape(name)} <small>{scores.get(name, 0.0):.3f}, {told}</small></h3>'
            f"<div>{shown}</div></div>"
        )
    return (
        f'<article data-scores="{escape(json.dumps(scores))}"><h2>{escape(_words(query))}</h2>'
        f"<p>{escape(query.task)} {escape(query.id)}</p>"
        f'<div class="row"><h3>asked / right</h3><div>{asked}{answer}</div></div>{"".join(rows)}</article>'
    )


def _words(query: ComposedQuery) -> str:
    return " ".join([query.text, *(f"without {item}" for item in query.without)]).strip()


class _Thumbs:
    """Small copies of the pictures that the page shows, made once each."""

    def __init__(self, report: Report, folder: Path) -> None:
        self._pictures = {picture.id: picture for picture in report.loaded.pictures}
        self._source = report.loaded.folder
        self._folder = folder / "thumbs"
        self._made: dict[str, str] = {}

    def figure(self, name: str, kind: str) -> str:
        """An image element; `kind` is its class."""
        if name not in self._made:
            self._made[name] = self._make(self._pictures[name])
        told = escape(name)
        return f'<img class="{kind}" src="{self._made[name]}" alt="{told}" title="{told}" loading="lazy">'

    def _make(self, picture: Picture) -> str:
        pixels = decode(self._source / picture.file, preset="clip")
        view: tuple[str, Sequence[float]] | None = getattr(picture, "view", None)
        if view is not None:
            pixels = (squash_crop if view[0] == "squash" else genecis_crop)(pixels, tuple(view[1]))
        image = Image.fromarray(pixels)
        image.thumbnail((SIDE, SIDE))
        name = hashlib.sha256(picture.id.encode()).hexdigest()[:20] + ".jpg"
        self._folder.mkdir(parents=True, exist_ok=True)
        image.save(self._folder / name, quality=80)
        return f"thumbs/{name}"
