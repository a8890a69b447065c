"""Words near a pseudo-word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightword.backbones import Backbone
from sightword.methods import load_method
from sightword.methods.explain import WordReader, explain_words, whole_words
from tiny import COLOURS, WORDS, picture


@pytest.fixture(scope="session")
def reader(tiny_backbone: Backbone) -> WordReader:
    return WordReader(tiny_backbone)


@pytest.mark.parametrize("suffix", ["", "+pdv"])
def test_a_picture_reads_as_its_colour(
    tiny_backbone: Backbone, tiny_phi_dir: Path, reader: WordReader, suffix: str
) -> None:
    method = load_method(f"{tiny_phi_dir}{suffix}", backbone=tiny_backbone)
    names = ["red", "green", "blue", "yellow"]
    images = list(tiny_backbone.encode_images(np.stack([picture(name) for name in names])))
    rows = explain_words(tiny_backbone, method, images, 3, reader=reader)
    assert [row[0][0] for row in rows] == names
    for row in rows:
        cosines = [cosine for _, cosine in row]
        assert (
            len(row) == 3
            and cosines == sorted(cosines, reverse=True)
            and -1 <= cosines[-1] <= cosines[0] <= 1
        )


def test_methods_without_pseudo_words_have_none(tiny_backbone: Backbone, reader: WordReader) -> None:
    method = load_method("average", backbone=tiny_backbone)
    image = tiny_backbone.encode_images(picture("red")[None])[0]
    assert explain_words(tiny_backbone, method, [image], reader=reader) == []


def test_only_whole_words_are_shown(reader: WordReader) -> None:
    assert set(reader.words) == {word for word in (*COLOURS, *WORDS) if len(word) >= 3}


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [
        (["[PAD]", "the", "##ing", "cat", "犬", "ab", "x1", "Cat", "cat"], ["the", "cat"]),
        (["cat", "cat</w>", "do", "dog</w>", "!</w>", "<|endoftext|>"], ["cat", "dog"]),
        (["Ġcat", "ing", "Ċ", "Ġdog"], ["cat", "dog"]),
        (["▁cat", "ing", "<s>", "▁dog"], ["cat", "dog"]),
        (["[PAD]"], []),
    ],
)
def test_whole_words_of_every_kind_of_vocabulary(vocabulary: list[str], words: list[str]) -> None:
    assert whole_words(vocabulary) == words


def test_the_cache_is_used_and_a_damaged_one_is_not(
    tiny_backbone: Backbone, reader: WordReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feature = tiny_backbone.encode_images(picture("red")[None])
    first = WordReader(tiny_backbone, tmp_path / "new").nearest(feature)
    (path,) = (tmp_path / "new").iterdir()
    assert first[0][0] == reader.nearest(feature)[0][0]
    path.write_bytes(b"broken")
    assert WordReader(tiny_backbone, tmp_path / "new").nearest(feature)[0][0][0] == "red"
    monkeypatch.setattr("sightword.methods.explain._encode", None)  # from here on only the cache can answer
    again = WordReader(tiny_backbone, tmp_path / "new").nearest(feature)
    assert [word for word, _ in again[0]] == [word for word, _ in first[0]]


def test_a_cache_that_cannot_be_written_is_no_error(tiny_backbone: Backbone, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert WordReader(tiny_backbone, tmp_path / "file" / "cache").words
