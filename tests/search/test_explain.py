"""How far picture and text pull, measured by asking again without each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sightword
from gallery import make_gallery
from sightword.search import Engine, Explanation, MethodWarning
from told import Told


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Any) -> Iterator[Engine]:
    folder = make_gallery(tmp_path_factory.mktemp("gallery") / "pictures")
    with sightword.open(folder, backbone=tiny_backbone, method="average") as opened:
        opened.update()
        yield opened


@pytest.fixture
def red(engine: Engine) -> Path:
    return engine.folder / "red.png"


def test_the_figures_are_what_a_naive_computation_gives(engine: Engine, red: Path) -> None:
    explanation = engine.explain(images=red, text="blue", k=3)
    query = engine.compose(engine.prepare(images=red, text="blue")).vector
    picture = engine.compose(engine.prepare(images=red)).vector
    text = engine.compose(engine.prepare(text="blue")).vector
    assert explanation.picture is not None and explanation.text is not None
    assert explanation.picture.cosine == pytest.approx(float(query @ picture), abs=1e-6)
    assert explanation.text.cosine == pytest.approx(float(query @ text), abs=1e-6)
    assert explanation.picture.shift == pytest.approx(1 - float(query @ text), abs=1e-6)
    assert explanation.text.shift == pytest.approx(1 - float(query @ picture), abs=1e-6)
    both, alone = (
        {hit.id for hit in engine.search(images=red, k=3, **more)} for more in ({"text": "blue"}, {})
    )
    assert explanation.text.replaced == len(both - alone)
    assert explanation.hits == 3


def test_the_background_is_that_of_z(engine: Engine, red: Path) -> None:
    explanation = engine.explain(images=red, text="blue")
    hit = engine.search(images=red, text="blue")[0]
    assert hit.z == pytest.approx((hit.score - explanation.mean) / explanation.std, abs=1e-3)


def test_a_heavier_text_pulls_further(engine: Engine, red: Path) -> None:
    light, heavy = (engine.explain(images=red, text="blue", method=f"weighted:{w}") for w in (0.2, 0.8))
    assert light.method == "weighted:0.2"
    assert light.text is not None and heavy.text is not None
    assert light.text.cosine < heavy.text.cosine
    assert light.text.shift < heavy.text.shift


@pytest.mark.parametrize(("asked", "missing"), [({"text": "blue"}, "picture"), ({"images": 1}, "text")])
def test_a_lone_part_is_everything(engine: Engine, asked: dict[str, Any], missing: str) -> None:
    explanation = engine.explain(**asked)
    assert getattr(explanation, missing) is None
    other = explanation.picture or explanation.text
    assert other is not None
    assert other.cosine == pytest.approx(1, abs=1e-5)
    assert (other.shift, other.replaced) == (1.0, explanation.hits)


def test_as_lines_and_as_json(engine: Engine, red: Path) -> None:
    explanation = engine.explain(images=red, text="blue")
    assert isinstance(explanation, Explanation)
    text = "\n".join(explanation.lines())
    assert "method average" in text
    assert f"cosine {explanation.mean:.3f} on average" in text
    plain = explanation.as_json()
    assert plain["background"] == {"mean": round(explanation.mean, 6), "std": round(explanation.std, 6)}
    # A method without pseudo-words reads the picture itself.
    assert plain["words"][0][0]["word"] == "red"


def test_two_pictures_pull_together(engine: Engine, red: Path) -> None:
    pair = [red, engine.folder / "deep" / "blue.png"]
    explanation = engine.explain(images=pair, text="bright")
    features = [engine.compose(engine.prepare(images=path)).vector for path in pair]
    mean = np.mean(features, axis=0)
    query = engine.compose(engine.prepare(images=pair, text="bright")).vector
    assert explanation.picture is not None
    assert explanation.picture.cosine == pytest.approx(float(query @ mean / np.linalg.norm(mean)), abs=1e-5)


def test_a_pseudo_word_is_read_back(engine: Engine, red: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping network that answers every picture with the row of "purple"."""
    from sightword.methods.phi import Phi
    from sightword.methods.pic2word import Pic2Word
    from tiny import VOCABULARY, D, W, table

    word = table()[VOCABULARY.index("purple")]
    phi = Phi(((np.zeros((W, D), np.float32), word),), "relu", 1, {})
    monkeypatch.setitem(engine._methods, "constant", Pic2Word(phi))
    explanation = engine.explain(images=red, text="at night", method="constant")
    assert explanation.words[0][0] == ("purple", pytest.approx(1, abs=0.01))
    assert "the picture reads as: purple 1.00" in "\n".join(explanation.lines())
    assert explanation.prompts == ("a photo of {*} , at night",)
    assert explanation.as_json()["words"][0][0]["word"] == "purple"
    with pytest.warns(MethodWarning, match="so image answers"):
        alone = engine.explain(images=red, method="constant")
    assert alone.words[0][0][0] == "red" and alone.prompts == ()


def test_the_words_are_kept_where_the_cache_was_moved(
    engine: Engine, red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTWORD_CACHE", str(tmp_path))
    monkeypatch.setattr(engine, "_reader", None)
    engine.explain(images=red, text="blue")
    assert list((tmp_path / "words").glob("words-*.npy"))


def test_the_words_are_encoded_once_in_an_engine_and_counted_aloud(
    engine: Engine, red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightword.methods import explain

    monkeypatch.setenv("SIGHTWORD_CACHE", str(tmp_path))
    monkeypatch.setattr(engine, "_reader", None)
    progress = Told()
    engine.explain(images=red, text="blue", progress=progress)
    assert progress.told[0] == "learning the model's words"
    numbers = [item for item in progress.told if isinstance(item, int)]
    assert numbers[0] > 0 and sum(numbers) == 0
    monkeypatch.setattr(explain, "_encode", lambda *_: pytest.fail("encoded again"))
    monkeypatch.setattr(explain, "_read", lambda *_: pytest.fail("read again"))
    engine.explain(images=red, text="green")


def test_words_alone_pull_against_nothing(engine: Engine, red: Path) -> None:
    both = "\n".join(engine.explain(images=red, text="blue").lines())
    assert "text: cosine" in both and "picture: cosine" in both
    for asked in ({"text": "blue"}, {"images": red}):
        lines = "\n".join(engine.explain(**asked).lines())
        assert "without it" not in lines and "this folder: cosine" in lines
