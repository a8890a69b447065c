"""Masked pairs: nouns, variants, the loss, and a phi that learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_captions import tag_by_list

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.backbones.tokenize import GAP
from sightword.errors import UsageError
from sightword.methods import load_method
from sightword.training.readers import Item
from tiny import COLOURS, D, pictures_of_colours

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from tiny_job import tiny_job  # noqa: E402
from tiny_torch import TinyImageTower, TinyTextTower  # noqa: E402

from sightword.methods.token_rows import RowsWriter  # noqa: E402
from sightword.methods.torch_words import RowEncoder  # noqa: E402
from sightword.training import masking  # noqa: E402
from sightword.training.job import Learning  # noqa: E402
from sightword.training.masked import MaskedPairs, learn_masked  # noqa: E402
from sightword.training.masking import choose_nouns, make_pairs, only, part_of  # noqa: E402
from sightword.training.objectives import info_nce  # noqa: E402

NAMED = ("red", "green", "blue", "yellow", "purple", "cyan")


def write_pairs(folder: Path, count: int, seed: int = 0) -> list[Item]:
    """Pictures of two colours, left and right, with a caption that names both."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    items = []
    for number in range(count):
        left, right = rng.choice(NAMED, 2, replace=False)
        pixels = np.empty((32, 32, 3))
        pixels[:, :16], pixels[:, 16:] = COLOURS[left], COLOURS[right]
        pixels = np.clip((pixels + rng.normal(0, 0.15, 3)) * 110 + 128, 0, 255).astype(np.uint8)
        path = folder / f"{number:03}.png"
        Image.fromarray(pixels).save(path)
        items.append(Item(str(path), path, (f"a {left} on the {right}",)))
    return items


def nouns_by_list(texts: list[str]):  # type: ignore[no-untyped-def]
    return [
        [(w.start, w.end) for w in words if text[w.start : w.end] in NAMED]
        for text, words in zip(texts, tag_by_list(texts))
    ]


@pytest.fixture(scope="module")
def pairs(tiny_backbone: OpenVINOBackbone, tmp_path_factory: pytest.TempPathFactory) -> MaskedPairs:
    items = write_pairs(tmp_path_factory.mktemp("pairs") / "p", 120)
    items[3] = Item(items[3].name, items[3].picture, ("", "and on"))
    return build(tiny_backbone, items)


def build(backbone: OpenVINOBackbone, items: list[Item], **more: object) -> MaskedPairs:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "find_nouns", nouns_by_list)
        encoder = RowEncoder(TinyTextTower(), backbone)
        return make_pairs(items, backbone, TinyImageTower(), encoder, workers=1, progress=False, **more)  # type: ignore[arg-type]


def test_nouns_are_chosen_by_rule() -> None:
    text = "a coffee cup on a wooden dining table"
    spans = [(2, 8), (9, 12), (25, 31), (32, 37)]
    assert [text[a:b] for a, b in choose_nouns(text, spans, "head")] == ["cup"]
    assert [text[a:b] for a, b in choose_nouns(text, spans, "longest")] == ["coffee"]
    drawn = choose_nouns(text, spans, "random", 3)
    assert len(set(drawn)) == 3 and drawn == choose_nouns(text, spans, "random", 3)
    assert choose_nouns(text, [], "head") == []


def test_pairs_are_masked_on_both_sides(tiny_backbone: OpenVINOBackbone, pairs: MaskedPairs) -> None:
    assert pairs.tally["empty captions"] == 1 and pairs.tally["captions without a noun"] == 1
    assert len(pairs.features) == 119 and len(pairs.masked) > 150
    assert (np.diff(pairs.picture) >= 0).all() and set(pairs.picture) == set(range(119))
    assert all((pairs.rows[i] == GAP).sum() == 1 for i in range(len(pairs.rows)))
    assert pairs.area.min() >= 0.05 and pairs.area.max() <= 0.95
    # The masked feature keeps the colour of the noun's side and loses the other.
    vocabulary = tiny_backbone.vocabulary()
    agree = []
    for row in range(40):
        words = [vocabulary[i] for i in pairs.rows[row] if i != GAP]
        (other,) = [word for word in words if word in NAMED]
        colour = np.array(COLOURS[other])
        whole = pairs.features[pairs.picture[row]][:12].reshape(4, 3)
        left = pairs.masked[row][:12].reshape(4, 3)
        agree.append((left @ colour).max() < (whole @ colour).max())
    assert np.mean(agree) > 0.9


def test_the_loss_equals_its_equation(
    tiny_backbone: OpenVINOBackbone, pairs: MaskedPairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One variant a picture, without dropout: two contrastive losses, weighted."""
    kept = {}

    def keep(self: Learning, loss_of, rows, facts):  # type: ignore[no-untyped-def]
        kept.update(loss=loss_of(torch.arange(6), 0), words=self.words, facts=facts)
        return {}

    first = np.searchsorted(pairs.picture, np.arange(6))
    writer = RowsWriter()
    for row in first.tolist():
        writer.add(pairs.rows[row].tolist())
    few = MaskedPairs(pairs.features[:6], pairs.masked[first], writer.rows(), np.arange(6), pairs.area[first])
    monkeypatch.setattr(Learning, "finish", keep)
    learn_masked(tiny_job(tiny_backbone, tmp_path, dropout=0.0), few, mix=0.3, scale=20.0)
    from sightword.prompts import parse_prompt

    vocabulary = tiny_backbone.vocabulary()
    v = torch.from_numpy(few.features)

    def encode(prompts: list[str], features: np.ndarray) -> torch.Tensor:  # type: ignore[type-arg]
        with torch.no_grad():
            words = kept["words"](torch.from_numpy(features)).numpy()
        parsed = [parse_prompt(prompt) for prompt in prompts]
        return torch.from_numpy(tiny_backbone.encode_prompts(parsed, [[word] for word in words]))

    captions = [
        " ".join("{*}" if i == GAP else vocabulary[i] for i in few.rows[row][1:-1]) for row in range(6)
    ]
    target = info_nce(v, encode(captions, few.masked), 20.0)
    original = info_nce(v, encode(["a photo of {*}"] * 6, few.features), 20.0)
    expected = 0.3 * float(target) + 0.7 * float(original)
    assert float(kept["loss"].detach()) == pytest.approx(expected, rel=1e-4)


def test_it_beats_an_untrained_phi(
    tiny_backbone: OpenVINOBackbone, pairs: MaskedPairs, tmp_path: Path
) -> None:
    held_out = tiny_backbone.encode_images(pictures_of_colours(200, seed=9))
    job = tiny_job(tiny_backbone, tmp_path / "phi", steps=300, held_out=held_out)
    report = learn_masked(job, pairs, scale=20.0)
    before, after = report["held_out"]["before"], report["held_out"]["after"]
    assert after["recall_at_10_interval"][0] > before["recall_at_10_interval"][1]
    assert report["masked_variants"] == len(pairs.masked) and len(report["kept_area_quartiles"]) == 3
    assert load_method(str(tmp_path / "phi"), backbone=tiny_backbone).name == "masked"


def test_a_part_keeps_its_variants(pairs: MaskedPairs) -> None:
    chosen = np.array([1, 5, 90])
    part = part_of(pairs, chosen)
    assert part.features.shape == (3, D) and np.array_equal(part.features, pairs.features[chosen])
    for place, picture in enumerate(chosen):
        whole = np.flatnonzero(pairs.picture == picture)
        own = np.flatnonzero(part.picture == place)
        assert np.array_equal(part.masked[own], pairs.masked[whole])
        assert [part.rows[i].tolist() for i in own] == [pairs.rows[i].tolist() for i in whole]


def test_some_pairs_keep_only_their_pictures(pairs: MaskedPairs) -> None:
    both = np.flatnonzero(np.bincount(pairs.picture) > 1)
    rows = np.sort([np.flatnonzero(pairs.picture == picture)[1] for picture in (both[0], both[7])])
    some = only(pairs, rows)
    assert np.array_equal(some.features, pairs.features[[both[0], both[7]]])
    assert np.array_equal(some.masked, pairs.masked[rows]) and np.array_equal(some.area, pairs.area[rows])
    assert some.picture.tolist() == [0, 1]
    assert [some.rows[i].tolist() for i in range(2)] == [pairs.rows[i].tolist() for i in rows]


def test_nothing_usable_is_a_sentence(tiny_backbone: OpenVINOBackbone, tmp_path: Path) -> None:
    items = [Item(i.name, i.picture, ("and on",)) for i in write_pairs(tmp_path / "p", 3)]
    with pytest.raises(UsageError, match="usable are 0, left out were 3 captions without a noun"):
        build(tiny_backbone, items)
