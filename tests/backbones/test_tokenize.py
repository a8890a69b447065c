"""Prompts with slots become ids with gaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightword.backbones.clean import cleaner
from sightword.backbones.spec import read_spec
from sightword.backbones.tokenize import GAP, PromptTokenizer, PromptTruncated
from sightword.errors import ModelUnavailable, UsageError
from sightword.prompts import Prompt, parse_prompt
from tiny import CONTEXT, VOCABULARY, ids, write_tiny_backbone


@pytest.fixture(scope="session")
def tokenizer(tiny_backbone_dir: Path) -> PromptTokenizer:
    return PromptTokenizer(tiny_backbone_dir / "tokenizer.json", read_spec(tiny_backbone_dir))


def ids_of(*words: str) -> list[int]:
    return [GAP if word == "*" else VOCABULARY.index(word) for word in words]


@pytest.mark.parametrize(
    "text", ["a photo of a red ball", "A Photo, of a  xyzzy 7!", "", "is {red} {*} [not] $ $*", "über-cat"]
)
def test_text_without_slots_is_tokenised_as_the_tower_does(
    tokenizer: PromptTokenizer, tiny_backbone_dir: Path, text: str
) -> None:
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(str(tiny_backbone_dir / "tokenizer.json")).encode(text)
    assert tokenizer.encode(Prompt((text,)), []).ids == own.ids


def test_slots_keep_their_place_among_punctuation(tokenizer: PromptTokenizer) -> None:
    for template in ("a photo of {*}, red", "a photo of {*} , red", "a photo of{*},red"):
        row = tokenizer.encode(parse_prompt(template), [1])
        assert row.ids == ids_of("[CLS]", "a", "photo", "of", "*", ",", "red", "[SEP]")


def test_each_slot_takes_its_tokens(tokenizer: PromptTokenizer) -> None:
    row = tokenizer.encode(parse_prompt("{*} and {*}"), [1, 3])
    assert row.ids == ids_of("[CLS]", "*", "and", "*", "*", "*", "[SEP]")
    assert len(row) == 7


def test_letters_after_a_slot_start_a_new_word(tokenizer: PromptTokenizer) -> None:
    assert tokenizer.encode(parse_prompt("{*}s"), [1]).ids == ids_of("[CLS]", "*", "s", "[SEP]")


def test_slots_and_pictures_must_match(tokenizer: PromptTokenizer) -> None:
    with pytest.raises(UsageError, match="1 slot"):
        tokenizer.encode(parse_prompt("a {*}"), [])


def test_a_long_prompt_loses_its_last_words_and_keeps_its_slots(tokenizer: PromptTokenizer) -> None:
    text = "a red " + "cat " * 40
    with pytest.warns(PromptTruncated, match="the end of .* is ignored"):
        row = tokenizer.encode(parse_prompt("{text}and {*}", text), [2])
    assert len(row) == CONTEXT
    assert row.ids[:3] == ids_of("[CLS]", "a", "red")
    assert row.ids[-4:] == ids_of("cat", "*", "*", "[SEP]")
    with pytest.warns(PromptTruncated):
        plain = tokenizer.encode(Prompt((text,)), [])
    assert plain.ids == [*ids(text)[: CONTEXT - 1], VOCABULARY.index("[SEP]")]


def test_pictures_alone_may_not_exceed_the_context(tokenizer: PromptTokenizer) -> None:
    with pytest.raises(UsageError, match="pictures alone"):
        tokenizer.encode(parse_prompt("{*}"), [CONTEXT])


def test_words_come_with_their_pieces(tokenizer: PromptTokenizer) -> None:
    assert tokenizer.words("Red xy, 犬") == [
        ("Red", ["red"]),
        ("xy", ["x", "##y"]),
        (",", [","]),
        ("犬", ["[UNK]"]),
    ]
    assert tokenizer.unknown == "[UNK]"


def test_a_damaged_tokenizer_is_a_sentence(tmp_path: Path, tiny_backbone_dir: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="tokenizer"):
        PromptTokenizer(tmp_path / "tokenizer.json", read_spec(tiny_backbone_dir))


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("clip", "  A   &amp;quot;Red&amp;quot; Cat ", 'a "red" cat'),
        ("clip", "schÃ¶n", "schön"),
        ("canonicalize", "A_red, cat! &amp; dog's", "a red cat dogs"),
        ("none", "  A &amp; b ", "  A &amp; b "),
    ],
)
def test_cleaning(kind: str, text: str, expected: str) -> None:
    assert cleaner(kind)(text) == expected


def test_pieces_are_cleaned_as_the_tower_does(tmp_path: Path) -> None:
    directory = write_tiny_backbone(tmp_path / "clip", clean="clip")
    tokenizer = PromptTokenizer(directory / "tokenizer.json", read_spec(directory))
    row = tokenizer.encode(parse_prompt("a &amp;lt; {*} &lt; cat"), [1])
    assert row.ids == ids_of("[CLS]", "a", "<", "*", "<", "cat", "[SEP]")
