"""CLIP's tokenizer in the portable format gives open_clip's ids."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("torch", reason="torch is an extra")

from sightword.backbones.clean import cleaner

pytestmark = pytest.mark.slow

HARD = [
    "it's the dog's, they're \"here\" & we'LL see",
    "&amp;quot; &lt;b&gt; a&nbsp;b",
    "ＡＢＣ１２３！？ ｆｕｌｌ－ｗｉｄｔｈ",
    "😀🎉 👩‍👩‍👧 🇩🇪",
    "naïve café — “quoted” … ﬁne ½ ²",
    "日本語テキスト 中文 한국어 العربية हिन्दी Ελληνικά",
    "a  b\t\nc\u3000d\u200be",
    "($) [$] {*} a photo of *, x",
    "",
    "1234567890" * 3,
]


def test_ids_equal_open_clips() -> None:
    from open_clip.tokenizer import SimpleTokenizer

    from sightword.backbones.torch_clip.bpe import clip_bpe

    theirs, ours = SimpleTokenizer(), clip_bpe()
    letters = "".join(HARD) + "abc dEf 's'T"
    drawn = random.Random(0)
    texts = HARD + ["".join(drawn.choices(letters, k=drawn.randint(1, 25))) for _ in range(2000)]
    for kind, name in [("clip", "lower"), ("canonicalize", "canonicalize"), ("whitespace", "whitespace")]:
        clean, theirs = cleaner(kind), SimpleTokenizer(clean=name)
        for text in texts if kind == "clip" else HARD:
            assert ours.encode(clean(text), add_special_tokens=False).ids == theirs.encode(text), text


def test_no_text_becomes_a_special_token() -> None:
    from sightword.backbones.torch_clip.bpe import END, START, clip_bpe

    ids = clip_bpe().encode("<end_of_text> <start_of_text>").ids
    assert not {START, END} & set(ids)


def test_reference_prompts_have_the_references_ids() -> None:
    """The placeholder's own id makes way for the slot; glued to punctuation it is a slot all the same."""
    from sightword.backbones.base import BackboneSpec
    from sightword.backbones.tokenize import GAP, PromptTokenizer
    from sightword.backbones.torch_clip.bpe import END, START, clip_bpe
    from sightword.prompts import parse_prompt

    spec = BackboneSpec(
        name="clip", dim=4, token_dim=4, context=77, prefix_ids=(START,), suffix_ids=(END,), pad_id=0,
        mask="causal", pool="eot", pad_to="longest", clean="clip", weights_hash="0" * 64,
    )  # fmt: skip
    tokenizer = PromptTokenizer(clip_bpe(), spec)
    for mark, number in (("$", 259), ("*", 265)):
        for text in ("a photo of M", "a photo of M that is red", "a photo of M , is red", "a red of M",
                     "a photo of M and dog and cat"):  # fmt: skip
            ids = [START, *clip_bpe().encode(text.replace("M", mark)).ids, END]
            assert ids.count(number) == 1
            row = tokenizer.encode(parse_prompt(text.replace("M", "{*}")), [1]).ids
            assert row == [GAP if token == number else token for token in ids]
    for text in ("a photo of {*}, red", "({*})", "[{*}]", "{*} ,", "a {*}'s dog", '"{*}"'):
        for width in (1, 3):
            row = tokenizer.encode(parse_prompt(text), [width]).ids
            assert row.count(GAP) == width and row[-1] == END
            spans = "".join("x" if token == GAP else "." for token in row)
            assert "x" * width in spans  # side by side
