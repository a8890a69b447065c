"""Sweeps and prompts become questions; presets become words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import made_field
from made_matching import write_artemis
from sightword.backbones import Backbone
from sightword.errors import UsageError
from sightword.evaluation.asking import Asked, by_preset, check_prompt, split_prompts
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.circo import CIRCO
from sightword.evaluation.composed import ComposedQuery
from sightword.evaluation.field import FieldQuery
from sightword.evaluation.run import run
from sightword.evaluation.variants import parse_sweep, variants
from sightword.methods.vectors import mean_unit, unit


def test_sweeps_are_read() -> None:
    assert parse_sweep("weight=0:1:.1").values == tuple(n / 10 for n in range(11))
    assert parse_sweep("beta=.2,.8,.2").values == (0.2, 0.8)
    assert parse_sweep("length=1:2:.3").values == (1.0, 1.3, 1.6, 1.9)


@pytest.mark.parametrize(
    "text",
    ["weight", "size=1:2:1", "weight=1:0:.1", "weight=0:1:0", "weight=a,b", "beta=0:1", "weight=0:1:1e-9"],
)
def test_what_is_no_sweep_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_sweep(text)


def test_weight_means_what_each_method_calls_it() -> None:
    found = variants(
        ["image", "weighted", "slerp", "pic2word+pdv", "pic2word"], ["searle"], parse_sweep("weight=.2,.4")
    )
    assert [(v.label, dict(v.options)) for v in found] == [
        ("image", {}),
        ("weighted weight=0.2", {"weight": 0.2}),
        ("weighted weight=0.4", {"weight": 0.4}),
        ("slerp fraction=0.2", {"fraction": 0.2}),
        ("slerp fraction=0.4", {"fraction": 0.4}),
        ("pic2word+pdv beta=0.2", {"beta": 0.2}),
        ("pic2word+pdv beta=0.4", {"beta": 0.4}),
        ("pic2word", {}),
    ]
    with pytest.raises(UsageError, match="None of the methods image"):
        variants(["image"], ["searle"], parse_sweep("weight=.2,.4"))


def test_prompts_multiply_what_they_can_change() -> None:
    found = variants(["image", "weighted:0.3"], ["searle", "pic2word"])
    assert [v.label for v in found] == ["image", "weighted:0.3 [searle]", "weighted:0.3 [pic2word]"]
    assert found[1].options == {"weight": 0.3}


def test_prompts_are_split_but_templates_keep_commas() -> None:
    given = ("searle,pic2word", "a photo of {*} , {text}", "searle")
    assert split_prompts(given) == ["searle", "pic2word", "a photo of {*} , {text}"]
    with pytest.raises(UsageError, match="nonsense"):
        check_prompt("nonsense", ("searle",))


def test_presets() -> None:
    assert by_preset("searle", "x") == Asked("x", "a photo of {*} that {text}", "{text}")
    assert by_preset("pic2word", "x").slotted == "a photo of {*} , {text}"
    assert by_preset("rules", "x") == Asked("x", None, None)
    assert by_preset("a toy of {*} , {text}", "x").slotted == "a toy of {*} , {text}"


def query(text: str = "", task: str = "t", **words: str) -> ComposedQuery:
    return FieldQuery("q", task, "", "val", ("r",), text, ("a",), words=words)


def test_benchmarks_have_their_own_words() -> None:
    both = query(first="is Red?", second=" longer, sleeves.")
    fashion = benchmark_named("fashioniq")
    assert [way.text for way in fashion.asks(both, "searle")] == [
        "is Red and longer, sleeves",
        "longer, sleeves and is Red",
    ]
    assert [way.text for way in fashion.asks(both, "pic2word")] == [" longer, sleeves. and is Red?"]
    assert [way.text for way in fashion.asks(both, "clip4cir")] == ["Is Red and longer, sleeves"]
    assert len(fashion.asks(query(first="red", second="red."), "searle")) == 1
    (way,) = benchmark_named("imagenet-r").asks(query("origami"), "pic2word")
    assert (way.slotted, way.plain) == ("a {text} of {*}", "a {text} of")
    assert benchmark_named("imagenet-r").asks(query("origami"), "rules")[0].text == "as an origami"
    (way,) = benchmark_named("coco-compose").asks(query("dog and cat"), "pic2word")
    assert (way.slotted, way.plain) == ("a photo of {*} and {text}", "a photo of {text}")
    lawful, parity = (benchmark_named("genecis", parity=flag) for flag in (False, True))
    assert lawful.asks(query("wall", "focus_object"), "searle")[0].text == "wall"
    assert parity.asks(query("wall", "focus_object"), "searle")[0].text == "0"
    assert parity.asks(query("blue", "focus_attribute"), "searle")[0].text == "blue"


def test_options_belong_to_their_benchmarks() -> None:
    for name, options in (("cirr", {"gallery": "val-only"}), ("circo", {"parity": True}), ("nothing", {})):
        with pytest.raises(UsageError):
            benchmark_named(name, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="train"):
        CIRCO().load(Path(), "train")


def test_a_sweep_runs_and_tells_the_best_value(tmp_path: Path, tiny_backbone: Backbone) -> None:
    benchmark = CIRCO(allow_missing=True)
    loaded = benchmark.load(made_field.circo(tmp_path), "val")
    report = run(
        benchmark, loaded, tiny_backbone, ["image", "text", "weighted"],
        prompts=["searle", "rules"], sweep=parse_sweep("weight=0:1:.5"), cache=tmp_path / "cache",
    )  # fmt: skip
    means = {n: report.mean(s, report.tasks["overall"], "mAP@5") for n, s in report.methods.items()}
    assert len(means) == 1 + 2 + 6
    assert means["weighted weight=0 [searle]"] == means["image"]
    assert means["weighted weight=1 [searle]"] == means["text [searle]"]
    page = report.markdown()
    best = max((0, 0.5, 1), key=lambda v: means[f"weighted weight={v:g} [searle]"] or 0)
    assert f"| weighted [searle] | {best:g} |" in page
    assert report.baseline == "image"
    variant = report.as_json()["variants"]["weighted weight=0.5 [rules]"]
    assert variant == {"method": "weighted", "prompt": "rules", "options": {"weight": 0.5}, "swept": 0.5}


def test_two_ways_to_ask_are_averaged(tmp_path: Path, tiny_backbone: Backbone, tiny_phi_dir: Path) -> None:
    from sightword.evaluation.anew import Patches
    from sightword.evaluation.features import picture_features
    from sightword.evaluation.inputs import Asking
    from sightword.evaluation.judging import Galleries
    from sightword.evaluation.variants import Variant
    from sightword.methods import ComposeInput, load_method

    benchmark = benchmark_named("fashioniq", allow_missing=True)
    loaded = benchmark.load(made_field.fashioniq(tmp_path), "val")
    features = picture_features(tiny_backbone, loaded.folder, loaded.pictures, cache=tmp_path / "cache")
    galleries = Galleries(loaded, features)
    method = load_method(str(tiny_phi_dir), backbone=tiny_backbone)
    variant, patches = Variant("x", "x", "searle"), Patches(tiny_backbone, loaded.folder, [], "clip")
    vectors = Asking(benchmark, galleries, tiny_backbone, method, variant, patches).vectors()
    first = loaded.queries[0]
    images = [features[galleries.row[first.references[0]]]]
    texts = ("is green and has the same shape", "has the same shape and is green")
    template = "a photo of {*} that {text}"
    parts = method.compose(
        tiny_backbone, [ComposeInput(images=images, text=text, prompts=[template]) for text in texts]
    )
    assert abs(parts[0] - parts[1]).max() > 1e-5
    assert vectors[0] == pytest.approx(mean_unit(parts), abs=1e-6)

    place = str(write_artemis(tmp_path / "artemis", tiny_backbone.spec))
    anew: Any = load_method(place, backbone=tiny_backbone)
    rescore = Asking(benchmark, galleries, tiny_backbone, anew, variant, patches).rescore
    best = [picture.id for picture in loaded.pictures[:3]]
    candidates = unit(features[:3])
    ways = [anew.rerank(tiny_backbone, ComposeInput(images, text), candidates) for text in texts]
    assert rescore is not None and abs(ways[0] - ways[1]).max() > 1e-6
    assert rescore(0, best) == pytest.approx(sum(ways) / 2, abs=1e-6)


def test_prompts_that_are_too_long_are_counted(tmp_path: Path, tiny_backbone: Backbone) -> None:
    import json

    benchmark = CIRCO(allow_missing=True)
    path = made_field.circo(tmp_path) / "annotations" / "val.json"
    entries = json.loads(path.read_text())
    for number in (1, 5):
        entries[number]["relative_caption"] = f"is {number} " + "as a drawing of a red ball " * 9
    path.write_text(json.dumps(entries))
    report = run(
        benchmark,
        benchmark.load(tmp_path, "val"),
        tiny_backbone,
        ["text", "average"],
        cache=tmp_path / "cache",
    )
    assert report.as_json()["truncated prompts"] == 2
    assert "2 prompts are longer" in report.markdown()
