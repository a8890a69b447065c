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
