"""Whole objectives against loops over rows: OTI, SEARLE's second stage, Pic2Word, with what each draws.

The loops encode one prompt after the other in the runtime that searches (numpy and OpenVINO, no torch).
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.methods.phrases import PhraseBook, make_phrases, with_article
from sightword.prompts import Prompt, parse_prompt
from tiny import D, W, pictures_of_colours

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sightword.backbones.tokenize.PromptTruncated"),
]

from tiny_job import tiny_job  # noqa: E402
from tiny_torch import TinyTextTower  # noqa: E402

from sightword.methods.torch_oti import TEMPLATES, OTISettings, invert  # noqa: E402
from sightword.training.job import Learning  # noqa: E402
from sightword.training.loop import LoopSettings, Run, Step, seed_of, train  # noqa: E402
from sightword.training.pic2word import learn_pic2word  # noqa: E402
from sightword.training.searle import learn_searle  # noqa: E402

BOOK = PhraseBook.of(
    {**make_phrases(["red", "green", "ball"], each=5), "blue": ["a blue and a blue cat", "blue at night"]}
)


@pytest.fixture(scope="module")
def features(tiny_backbone: OpenVINOBackbone) -> Any:
    return tiny_backbone.encode_images(pictures_of_colours(8, seed=5))


def cosine(a: Any, b: Any) -> float:
    return float(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b))


def read(backbone: OpenVINOBackbone, prompt: Prompt, token: Any = None) -> Any:
    """Feature of one prompt, the token in all its slots."""
    return backbone.encode_prompts([prompt], [[token] * prompt.slots])[0].astype(np.float64)


def nearest(backbone: OpenVINOBackbone, feature: Any, count: int) -> list[int]:
    """The concepts most like a picture."""
    scores = [
        cosine(read(backbone, Prompt((f"a photo of {with_article(concept)}",))), feature)
        for concept in BOOK.concepts
    ]
    return sorted(range(len(scores)), key=lambda concept: -scores[concept])[:count]


def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a method hands to the loop, instead of training."""
    found: dict[str, Any] = {}

    def keep(self: Learning, loss_of: Any, rows: int, facts: Any) -> dict[str, Any]:
        found.update(loss_of=loss_of, words=self.words)
        return {}

    monkeypatch.setattr(Learning, "finish", keep)
    return found


@pytest.mark.parametrize("tokens", [1, 2])
def test_the_loss_of_oti(tiny_backbone: OpenVINOBackbone, features: Any, tokens: int) -> None:
    """Without a step forward (lr 0), two steps' losses; the weights do not add up to 1."""
    settings = OTISettings(
        steps=2, lr=0.0, weight_decay=0.0, cosine=2.0, phrase=0.7, concepts=2, tokens=tokens
    )
    told: list[float] = []
    invert(
        features, TinyTextTower(), tiny_backbone, settings, book=BOOK,
        on_step=lambda count, loss: told.append(loss),
    )  # fmt: skip
    expected = np.zeros(2)
    for number, v in enumerate(features):
        rng = np.random.default_rng((0, number))
        s = rng.normal(0, 0.02, (tokens, W)).astype(np.float32)
        near = nearest(tiny_backbone, v, 2)
        phrases = [(concept, at) for concept in near for at in range(len(BOOK.phrases[concept]))]
        for step in range(2):
            frame = parse_prompt(TEMPLATES[rng.integers(len(TEMPLATES))])
            concept, at = phrases[rng.integers(len(phrases))]
            first = 1 - cosine(read(tiny_backbone, frame, s), v)
            whole = read(tiny_backbone, Prompt((BOOK.phrases[concept][at],)))
            second = 1 - cosine(read(tiny_backbone, BOOK.masked(concept, at), s), whole)
            expected[step] += (2.0 * first + 0.7 * second) / 2.7
    assert told == pytest.approx(expected / len(features), rel=1e-4)


def test_the_answer_of_oti_is_the_running_average(tiny_backbone: OpenVINOBackbone, features: Any) -> None:
    """AdamW's first step has the length lr in every coordinate; a tenth of it arrives in the average."""
    settings = OTISettings(steps=1, lr=0.05, weight_decay=0.0, ema=0.9)
    found = invert(features, TinyTextTower(), tiny_backbone, settings)
    start = np.stack([np.random.default_rng((0, n)).normal(0, 0.02, (1, W)) for n in range(len(features))])
    np.testing.assert_allclose(np.abs(found - start), 0.1 * 0.05, rtol=0.02)


@pytest.mark.parametrize("tokens", [1, 2])
def test_the_loss_of_searle(
    tiny_backbone: OpenVINOBackbone,
    features: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokens: int,
) -> None:
    found = kept(monkeypatch)
    wanted = np.random.default_rng(1).normal(0, 0.3, (8, tokens, W)).astype(np.float32)
    job = tiny_job(tiny_backbone, tmp_path / "phi", tokens=tokens, dropout=0.0)
    learn_searle(job, features, wanted, BOOK, temperature=0.3, distil=1.5, phrase=0.6, concepts=2)
    rows, step = [5, 0, 3, 7], 4
    value = found["loss_of"](torch.tensor(rows), step)
    with torch.no_grad():
        words = found["words"](torch.from_numpy(features[rows])).numpy()
    members = [*wanted[rows].reshape(4, -1), *words.reshape(4, -1)]
    distil = 0.0
    for anchor in range(8):
        scores = [math.exp(cosine(members[anchor], other) / 0.3) for other in members]
        distil -= math.log(scores[(anchor + 4) % 8] / (sum(scores) - scores[anchor]))
    rng = np.random.default_rng(seed_of(job.settings.seed, step, 0, 2))
    held = 0.0
    for row, word in zip(rows, words):
        concept = nearest(tiny_backbone, features[row], 2)[rng.integers(2)]
        at = int(rng.integers(len(BOOK.phrases[concept])))
        masked = BOOK.masked(concept, at, every=True)
        whole = read(tiny_backbone, Prompt((BOOK.phrases[concept][at],)))
        held += 1 - cosine(read(tiny_backbone, masked, word), whole)
    assert float(value.detach()) == pytest.approx(1.5 * distil / 8 + 0.6 * held / 4, rel=1e-4)


def contrast(left: list[Any], right: list[Any], scale: float) -> float:
    """Symmetric cross-entropy of pairs."""
    count, total = len(left), 0.0
    for i in range(count):
        row = [math.exp(scale * cosine(left[i], right[j])) for j in range(count)]
        column = [math.exp(scale * cosine(left[j], right[i])) for j in range(count)]
        total -= 0.5 * (math.log(row[i] / sum(row)) + math.log(column[i] / sum(column)))
    return total / count


@pytest.mark.parametrize(("tokens", "with_texts"), [(1, False), (2, False), (1, True)])
def test_the_loss_of_pic2word(
    tiny_backbone: OpenVINOBackbone, features: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    tokens: int, with_texts: bool,
) -> None:  # fmt: skip
    """The second of two prompts, the cosine term, and captions as well."""
    found = kept(monkeypatch)
    texts = np.random.default_rng(3).normal(0, 0.5, (20, D)).astype(np.float32) if with_texts else None
    job = tiny_job(tiny_backbone, tmp_path / "phi", tokens=tokens, dropout=0.0)
    prompts = ("a photo of {*}", "a drawing of {*} at night")
    learn_pic2word(job, features, prompts=prompts, scale=12.0, align=0.4, texts=texts)
    rows, step = [6, 1, 2, 4], 7
    value = found["loss_of"](torch.tensor(rows), step)

    def side(inputs: Any) -> float:
        with torch.no_grad():
            words = found["words"](torch.from_numpy(inputs)).numpy()
        answers = [read(tiny_backbone, parse_prompt(prompts[1]), word) for word in words]
        apart = np.mean([1 - cosine(v, p) for v, p in zip(inputs, answers)])
        return contrast(list(inputs), answers, 12.0) + 0.4 * float(apart)

    expected = side(features[rows])
    if texts is not None:
        drawn = np.random.default_rng(seed_of(job.settings.seed, step, 0, 1)).integers(0, 20, 4)
        expected = 0.5 * (expected + side(texts[drawn]))
    assert float(value.detach()) == pytest.approx(expected, rel=1e-4)


def test_the_loop_touches_only_the_text_tower(
    tiny_backbone: OpenVINOBackbone, features: Any, tmp_path: Path
) -> None:
    """A backbone without an image tower is enough once the features are there."""
    blind: Any = SimpleNamespace(
        spec=tiny_backbone.spec, tokenizer=tiny_backbone.tokenizer,
        token_embedding=tiny_backbone.token_embedding,
    )  # fmt: skip
    seen: list[int] = []

    class Counting(TinyTextTower):
        def encode_embeddings(self, embeddings: Any, lengths: Any) -> Any:
            seen.append(len(embeddings))
            return super().encode_embeddings(embeddings, lengths)

    job = dataclasses.replace(tiny_job(blind, tmp_path / "phi", steps=5), tower=Counting())
    learn_pic2word(job, features, scale=12.0)
    assert seen == [8] * 5


def test_gradients_are_clipped() -> None:
    net = torch.nn.Linear(3, 1)
    norms: list[float] = []

    def look(step: Step) -> None:
        norms.append(math.sqrt(sum(float((p.grad**2).sum()) for p in net.parameters())))

    def run(clip: float) -> float:
        norms.clear()
        settings = LoopSettings(steps=3, batch=4, lr=1e-3, clip=clip)
        train(net, lambda rows, step: 1000 * net(torch.ones(4, 3)).sum(), 8, settings,
              run=Run(progress=False), on_step=look)  # fmt: skip
        return max(norms)

    assert run(0.0) > 1000
    assert run(0.5) == pytest.approx(0.5, rel=1e-3)


def test_bfloat16_learns_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command line, on a tower of open_clip's: other roundings, the same descent."""
    pytest.importorskip("open_clip", reason="the tower is open_clip's")
    import json

    from click.testing import CliRunner

    import tiny_clip
    from sightword.cli.door import cli

    monkeypatch.setenv("SIGHTWORD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SIGHTWORD_CONFIG", str(tmp_path / "user.toml"))
    source = tiny_clip.folder(tmp_path / "clip")
    np.save(tmp_path / "f.npy", np.random.default_rng(0).normal(size=(60, tiny_clip.D)).astype(np.float32))
    curves = {}
    for precision in ("f32", "bf16"):
        call = ["train", "pic2word", "--features", tmp_path / "f.npy", "--backbone", source, "--scale", 20]
        call += ["--device", "cpu", "--precision", precision, "--steps", 40, "--batch", 20, "--lr", 3e-3]
        call += ["--dropout", 0, "--threads", 1, "--out", tmp_path / precision, "--json"]
        done = CliRunner().invoke(cli, [str(word) for word in call])
        assert done.exit_code == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["precision"] == precision
        curves[precision] = np.array([loss for _, loss in report["curve"]])
    wide, narrow = curves["f32"], curves["bf16"]
    assert (wide != narrow).any() and wide[-5:].mean() < wide[:5].mean() - 0.2
    np.testing.assert_allclose(narrow, wide, rtol=0.05)
