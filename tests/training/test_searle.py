"""SEARLE: descent for each picture, its directory, distillation into a phi."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.errors import ModelMismatch, ModelUnavailable, SightwordError, UsageError
from sightword.methods import ComposeInput, load_method
from sightword.methods.phrases import PhraseBook, make_phrases
from sightword.prompts import parse_prompt
from tiny import D, W, picture, pictures_of_colours, write_tiny_backbone

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from tiny_job import tiny_job  # noqa: E402
from tiny_torch import TinyTextTower  # noqa: E402

from sightword.methods.torch_oti import OTISettings, Phrasing, invert  # noqa: E402
from sightword.methods.torch_words import RowEncoder  # noqa: E402
from sightword.training.loop import Run  # noqa: E402
from sightword.training.searle import invert_pictures, learn_searle  # noqa: E402

BOOK = PhraseBook.of(make_phrases(["red", "green", "blue", "ball", "white"], each=6))
QUICK = OTISettings(steps=60, lr=0.05, ema=0.9, batch=50)


@pytest.fixture(scope="module")
def features(tiny_backbone: OpenVINOBackbone) -> np.ndarray:  # type: ignore[type-arg]
    return tiny_backbone.encode_images(pictures_of_colours(120, seed=5))


def cosines(backbone: OpenVINOBackbone, tokens: np.ndarray, features: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    texts = backbone.encode_prompts(
        [parse_prompt("a photo of {*}")] * len(tokens), [[word] for word in tokens]
    )
    norms = np.linalg.norm(texts, axis=1) * np.linalg.norm(features, axis=1)
    return (texts * features).sum(axis=1) / norms  # type: ignore[no-any-return]


@pytest.mark.parametrize("tokens", [1, 2])
def test_descent_finds_the_picture(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,
    tokens: int,  # type: ignore[type-arg]
) -> None:
    settings = dataclasses.replace(QUICK, tokens=tokens)
    found = invert(features[:20], TinyTextTower(), tiny_backbone, settings, book=BOOK)
    assert found.shape == (20, tokens, W)
    random = np.random.default_rng(0).normal(0, 0.02, found.shape).astype(np.float32)
    assert cosines(tiny_backbone, found, features[:20]).mean() > 0.8
    assert cosines(tiny_backbone, random, features[:20]).mean() < 0.5


def test_the_answer_does_not_depend_on_the_batch(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,  # type: ignore[type-arg]
) -> None:
    few = dataclasses.replace(QUICK, steps=8)
    whole = invert(features[:6], TinyTextTower(), tiny_backbone, few, book=BOOK)
    small = dataclasses.replace(few, batch=4)
    np.testing.assert_allclose(
        invert(features[:6], TinyTextTower(), tiny_backbone, small, book=BOOK), whole, atol=1e-5
    )
    alone = invert(features[5:6], TinyTextTower(), tiny_backbone, few, book=BOOK, start=5)
    np.testing.assert_allclose(alone[0], whole[5], atol=1e-5)


@pytest.mark.filterwarnings("ignore::sightword.backbones.tokenize.PromptTruncated")
def test_phrases_are_about_similar_concepts(tiny_backbone: OpenVINOBackbone) -> None:
    encoder = RowEncoder(TinyTextTower(), tiny_backbone)
    phrasing = Phrasing(BOOK, tiny_backbone, encoder, 1)
    colours = ["red", "green", "blue"]
    flat = np.stack([picture(colour) for colour in colours])
    near = phrasing.similar(torch.from_numpy(tiny_backbone.encode_images(flat)), 2)
    assert [BOOK.concepts[row[0]] for row in near] == colours
    drawn = {phrasing.draw(np.random.default_rng(seed), near[0]) for seed in range(200)}
    assert drawn == {(int(c), p) for c in near[0] for p in range(6)}
    keys = [(0, 1), (3, 2), (0, 1)]
    texts = [BOOK.phrases[c][p] for c, p in keys]
    expected = tiny_backbone.encode_prompts([parse_prompt(text) for text in texts])
    np.testing.assert_allclose(phrasing.whole(keys).numpy(), expected, atol=1e-5)


def test_the_directory_answers_searches(
    tiny_backbone: OpenVINOBackbone, features: np.ndarray, tmp_path: Path,  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    job = tiny_job(tiny_backbone, tmp_path / "oti")
    few = dataclasses.replace(QUICK, steps=5)
    made = invert_pictures(job, features[:30], [f"{i}.jpg" for i in range(30)], few, BOOK)
    method = load_method(str(tmp_path / "oti"), backbone=tiny_backbone)
    assert (method.name, method.needs) == ("searle-oti", {"torch"})
    query = ComposeInput(images=[features[7]], text="dark")
    expected = tiny_backbone.encode_prompts([parse_prompt("a photo of {*} , dark")], [[made.tokens[7]]])
    answer = method.compose(tiny_backbone, [query])[0]
    assert float(answer @ expected[0] / np.linalg.norm(expected[0])) > 0.999
    # A picture that is not in it is searched for.
    monkeypatch.setattr("sightword.methods.torch_words.text_tower", lambda backbone, **_: TinyTextTower())
    other = method.compose(tiny_backbone, [ComposeInput(images=[features[50]], prompts=["a photo of {*}"])])
    unit = features[50] / np.linalg.norm(features[50])
    assert float(other[0] @ unit) > 0.8

    stranger = load_method("image", backbone=tiny_backbone)
    assert stranger is not None
    twin_dir = write_tiny_backbone(tmp_path / "twin", weights_hash="0" * 64)
    from sightword.backbones import load_backbone

    with pytest.raises(ModelMismatch, match="'tiny'"):
        load_method(str(tmp_path / "oti"), backbone=load_backbone(str(twin_dir)))
    (tmp_path / "oti" / "names.txt").write_text("only one\n")
    with pytest.raises(ModelUnavailable, match="contradict"):
        load_method(str(tmp_path / "oti"), backbone=tiny_backbone)


def test_interrupted_descent_goes_on(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[type-arg]
) -> None:
    names = [str(i) for i in range(12)]
    few = dataclasses.replace(QUICK, steps=4, batch=5)

    def run(where: str, resume: bool = False):  # type: ignore[no-untyped-def]
        keep = Run(checkpoint=tmp_path / f"{where}.run" / "c", resume=resume, progress=False)
        job = tiny_job(tiny_backbone, tmp_path / where, run=keep)
        return invert_pictures(job, features[:12], names, few, BOOK).tokens

    whole = run("whole")
    from sightword.training.oti_store import Store

    write, count = Store.write, []

    def stop(self: Store, batches: list) -> None:  # type: ignore[type-arg]
        write(self, batches)
        count.append(1)
        if len(count) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Store, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        run("cut")
    monkeypatch.setattr(Store, "write", write)
    again = run("cut", resume=True)
    assert np.array_equal(again, whole)
    with pytest.raises(UsageError, match="other settings or pictures"):
        job = tiny_job(
            tiny_backbone,
            tmp_path / "cut",
            run=Run(checkpoint=tmp_path / "cut.run" / "c", resume=True, progress=False),
        )
        invert_pictures(job, features[1:13], names, few, BOOK)


def test_distillation_beats_an_untrained_phi(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,
    tmp_path: Path,  # type: ignore[type-arg]
) -> None:
    held_out = tiny_backbone.encode_images(pictures_of_colours(150, seed=9))
    tokens = invert(features, TinyTextTower(), tiny_backbone, QUICK, book=BOOK)
    job = tiny_job(tiny_backbone, tmp_path / "phi", steps=200, held_out=held_out)
    report = learn_searle(job, features, tokens, BOOK)
    before, after = report["held_out"]["before"], report["held_out"]["after"]
    assert after["recall_at_10_interval"][0] > before["recall_at_10_interval"][1]
    assert load_method(str(tmp_path / "phi"), backbone=tiny_backbone).name == "searle"
    refined = load_method(str(tmp_path / "phi") + "+pdv", backbone=tiny_backbone)
    assert refined.compose(tiny_backbone, [ComposeInput(images=[features[0]], text="dark")]).shape == (1, D)


def test_what_does_not_fit_is_a_sentence(
    tiny_backbone: OpenVINOBackbone,
    features: np.ndarray,
    tmp_path: Path,  # type: ignore[type-arg]
) -> None:
    job = tiny_job(tiny_backbone, tmp_path / "phi")
    with pytest.raises(UsageError, match=r"\[120, 1, 12\], not \[119, 1, 12\]"):
        learn_searle(job, features, np.zeros((119, 1, W), np.float32), None)
    with pytest.raises(UsageError, match="with 2 names"):
        invert_pictures(job, features, ["a", "b"], QUICK, None)
    with pytest.raises(SightwordError, match="nan for pictures 0 to 1"):
        invert(np.full((2, D), np.nan, np.float32), TinyTextTower(), tiny_backbone, QUICK)
