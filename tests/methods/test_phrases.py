"""Concepts and phrases: files, templates, masking."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sightword.errors import UsageError
from sightword.methods.phrases import (
    CONCEPTS,
    PhraseBook,
    make_phrases,
    read_concepts,
    read_phrases,
)


def test_made_phrases_hold_their_concept_and_repeat_themselves() -> None:
    made = make_phrases(CONCEPTS[:20], each=16)
    assert made == make_phrases(CONCEPTS[:20], each=16) != make_phrases(CONCEPTS[:20], each=16, seed=1)
    assert all(len(set(phrases)) == 16 for phrases in made.values())
    book = PhraseBook.of(made)
    assert book.left_out == 0 and book.concepts == CONCEPTS[:20]
    assert any("an owl" in text for text in make_phrases(["owl"])["owl"])


def test_masking_knows_words() -> None:
    book = PhraseBook.of({"cat": ["a catalogue of a cat and a Cat", "a dog"]})
    assert book.left_out == 1 and book.phrases == (("a catalogue of a cat and a Cat",),)
    assert str(book.masked(0, 0)) == "a catalogue of a {*} and a Cat"
    assert str(book.masked(0, 0, every=True)) == "a catalogue of a {*} and a {*}"


def test_files(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("# things\ncat\n\nred ball\ncat\n", encoding="utf-8")
    assert read_concepts(tmp_path / "c.txt") == ["cat", "red ball"]
    lines = [{"concept": c, "phrases": p} for c, p in make_phrases(["cat", "red ball"], each=4).items()]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    book = read_phrases(tmp_path / "p.jsonl")
    assert book.concepts == ("cat", "red ball") and len(book.phrases[1]) == 4


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"concept": 3, "phrases": []}', '{"concept": "cat"}', '{"concept":"cat","phrases":[1]}'],
)
def test_bad_lines_are_sentences(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.jsonl").write_text('{"concept": "cat", "phrases": ["a cat"]}\n' + text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"Line 2 of .*p\.jsonl"):
        read_phrases(tmp_path / "p.jsonl")


def test_empty_or_unreadable_files_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("# nothing\n")
    with pytest.raises(UsageError, match="names no concept"):
        read_concepts(tmp_path / "c.txt")
    (tmp_path / "p.jsonl").write_text('{"concept": "cat", "phrases": ["a dog"]}\n')
    with pytest.raises(UsageError, match="no phrase that contains"):
        read_phrases(tmp_path / "p.jsonl")
    with pytest.raises(UsageError, match="cannot be read"):
        read_phrases(tmp_path / "none.jsonl")
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_concepts(tmp_path / "c.txt")
