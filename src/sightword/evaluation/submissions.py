"""Files for the servers of CIRR and CIRCO: written from a ranking, and checked, whoever wrote them.

CIRR takes two files, ``"metric": "recall"`` with 50 names a query and ``"recall_subset"`` with 3 of the
group; both carry ``"version": "rc2"`` and are at most 5 MB large. CIRCO takes one, with 50 ids a query.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightword.errors import SightwordError
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.judging import MethodScores
from sightword.evaluation.reading import few, read_text

__all__ = ["Checked", "check_submission", "submissions", "write_submissions"]

TOP, SUBSET_TOP = 50, 3
CIRR_QUERIES, CIRCO_QUERIES = 4148, 800
MOST_BYTES = 5_000_000
HEAD = ("version", "metric")
LENGTHS = {"recall": TOP, "recall_subset": SUBSET_TOP}


def submissions(benchmark: str, scores: MethodScores, loaded: Loaded) -> dict[str, dict[str, Any]]:
    """The contents of a method's files by kind (``recall``, ``recall_subset``; ``circo``); {} for others."""
    ids = [query.id for query in loaded.queries]
    if benchmark == "circo":
        return {"circo": {name: [int(i) for i in top[:TOP]] for name, top in zip(ids, scores.tops)}}
    if benchmark == "cirr":
        return {
            kind: {
                "version": "rc2",
                "metric": kind,
                **{name: list(top[: LENGTHS[kind]]) for name, top in zip(ids, tops)},
            }
            for kind, tops in (("recall", scores.tops), ("recall_subset", scores.within))
        }
    return {}


def write_submissions(
    folder: Path, benchmark: str, methods: Mapping[str, MethodScores], loaded: Loaded
) -> list[Path]:
    """Write the files of all methods as ``submissions/METHOD.KIND.json``; and their paths."""
    written = []
    for label, scores in methods.items():
        for kind, content in submissions(benchmark, scores, loaded).items():
            safe = "".join(c if c.isalnum() or c in "-+._=" else "_" for c in label)
            path = folder / "submissions" / f"{safe}.{kind}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content), encoding="utf-8")
            written.append(path)
    return written


@dataclass(frozen=True)
class Checked:
    """What was found in a submission file.

    Attributes
    ----------
    kind : {"circo", "recall", "recall_subset"}
    queries : int
    problems : list of str
        Empty when the server should take it.
    against : str
        What it was compared with.
    """

    kind: str
    queries: int
    problems: list[str] = field(default_factory=list)
    against: str = "the published sizes"


def check_submission(path: Path, loaded: Loaded | None = None) -> Checked:
    """Check a file for CIRR's or CIRCO's server.

    Parameters
    ----------
    path : Path
    loaded : Loaded, optional
        The test split it belongs to: then its queries, galleries, references and groups are compared as well.

    Raises
    ------
    SightwordError
        It is no JSON object at all.
    """
    twice: list[str] = []

    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return dict(pairs)

    text = read_text(path)
    try:
        read = json.loads(text, object_pairs_hook=once)
    except ValueError as error:
        raise SightwordError(f"{path} is not JSON ({error}).") from None
    if not isinstance(read, dict):
        raise SightwordError(f"{path} is no JSON object with one key a query.")
    problems = [f"keys are listed more than once: {few(twice)}"] if twice else []
    kind = _kind(read)
    if kind != "circo":
        problems += _check_cirr_head(read, len(text.encode()))
    answers = {key: value for key, value in read.items() if key not in HEAD or kind == "circo"}
    length = LENGTHS.get(kind, TOP)
    ids = [query.id for query in loaded.queries] if loaded is not None else None
    problems += _check_keys(answers, kind, ids)
    problems += _check_lists(answers, length, kind)
    if loaded is not None:
        problems += _check_against(answers, kind, loaded)
    against = "the published sizes" if loaded is None else f"the split {loaded.split} in {loaded.folder}"
    return Checked(kind, len(answers), problems, against)


def _kind(read: Mapping[str, Any]) -> str:
    """What a file is for: as its head says, else by its names (CIRCO has numbers) and how many there are."""
    if str(read.get("metric")) in LENGTHS:
        return str(read["metric"])
    first = next((value for value in read.values() if isinstance(value, list) and value), [])
    named = bool(first) and isinstance(first[0], str) and not first[0].isdigit()
    if not named and not any(key in read for key in HEAD):
        return "circo"
    return "recall_subset" if 0 < len(first) <= SUBSET_TOP else "recall"


def _check_cirr_head(read: Mapping[str, Any], size: int) -> list[str]:
    problems = []
    if read.get("version") != "rc2":
        problems.append(f'"version" is {read.get("version")!r}, not "rc2"')
    if str(read.get("metric")) not in LENGTHS:
        problems.append(f'"metric" is {read.get("metric")!r}, not "recall" or "recall_subset"')
    if size > MOST_BYTES:
        problems.append(f"the file has {size:,} bytes; the server takes {MOST_BYTES:,}")
    return problems


def _check_keys(answers: Mapping[str, Any], kind: str, ids: Sequence[str] | None) -> list[str]:
    if ids is None and kind == "circo":
        ids = [str(number) for number in range(CIRCO_QUERIES)]
    if ids is None:
        strange = [key for key in answers if not key.isdigit()]
        problems = [f"keys that are no pair ids: {few(strange)}"] if strange else []
        if len(answers) != CIRR_QUERIES:
            problems.append(f"{len(answers):,} queries instead of {CIRR_QUERIES:,}")
        return problems
    missing = [name for name in ids if name not in answers]
    known = set(ids)
    strange = [key for key in answers if key not in known]
    problems = [f"{len(missing):,} queries are missing: {few(missing)}"] if missing else []
    return [*problems, f"{len(strange):,} unknown queries: {few(strange)}"] if strange else problems


def _check_lists(answers: Mapping[str, Any], length: int, kind: str) -> list[str]:
    no_list = [key for key, value in answers.items() if not isinstance(value, list)]
    lists = {key: value for key, value in answers.items() if isinstance(value, list)}
    wrong = [f"{key} ({len(value)})" for key, value in lists.items() if len(value) != length]
    double = [key for key, value in lists.items() if len({str(item) for item in value}) != len(value)]
    bad = [key for key, value in lists.items() if not all(_is_id(item, kind) for item in value)]
    return [
        f"{what}: {few(keys)}"
        for what, keys in (
            ("answers that are no list", no_list),
            (f"lists that have not exactly {length} entries", wrong),
            ("lists with an entry twice", double),
            ("entries that are no id" if kind == "circo" else "entries that are no name", bad),
        )
        if keys
    ]


def _is_id(item: Any, kind: str) -> bool:
    """CIRCO's server casts; CIRR's names come without an ending."""
    if kind == "circo":
        return (isinstance(item, int) and not isinstance(item, bool)) or (
            isinstance(item, str) and item.isdigit()
        )
    return isinstance(item, str) and not item.endswith((".png", ".jpg"))


def _check_against(answers: Mapping[str, Any], kind: str, loaded: Loaded) -> list[str]:
    gallery = {picture.id for picture in loaded.pictures}
    foreign: list[str] = []
    own, outside = [], []
    for query in loaded.queries:
        value = answers.get(query.id)
        listed = [str(item) for item in value] if isinstance(value, list) else []
        foreign += [name for name in listed if name not in gallery]
        if kind != "circo" and set(query.references) & set(listed):
            own.append(query.id)
        if kind == "recall_subset" and not set(listed) <= set(getattr(query, "subset", ())):
            outside.append(query.id)
    return [
        f"{what}: {few(names)}"
        for what, names in (
            ("pictures that are not in the gallery", foreign),
            ("lists that hold their own reference", own),
            ("lists with pictures from outside the group", outside),
        )
        if names
    ]
