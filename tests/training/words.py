"""Captions with parts of speech, without a tagger."""

from __future__ import annotations

from sightword.training.tagging import Word


def words(tagged: str) -> tuple[str, list[Word]]:
    """``"a/DET cat/NOUN sits/VERB"`` -> the text and its words; ``+`` in front joins a word to the last."""
    text, found = "", []
    for item in tagged.split():
        word, _, pos = item.rpartition("/")
        joined = word.startswith("+")
        word = word.lstrip("+")
        text += word if joined or not text else f" {word}"
        found.append(Word(len(text) - len(word), len(text), pos))
    return text, found
