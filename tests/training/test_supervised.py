"""Learning from triplets: false negatives, losses, parity with what asks, the best weights, resuming."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_triplets import write_triplets
from sightword.errors import ModelUnavailable, UsageError
from sightword.methods import ComposeInput, load_method
from sightword.training.readers.base import Item
from sightword.training.triplets import Triplet, Triplets

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from sightword.evaluation.memory import Remembering  # noqa: E402
from sightword.methods.tuned import Tuned, shapes  # noqa: E402
from sightword.training.cirplant import CirplantLearner  # noqa: E402
from sightword.training.combiner import CombinerLearner  # noqa: E402
from sightword.training.loop import LoopSettings, Run  # noqa: E402
from sightword.training.objectives import matching  # noqa: E402
from sightword.training.readers.triplets import open_triplets  # noqa: E402
from sightword.training.run_supervised import split  # noqa: E402
from sightword.training.stops import TrainingStopped  # noqa: E402
from sightword.training.supervised import TripletJob, learn_triplets  # noqa: E402
from sightword.training.supply import Supply  # noqa: E402
from sightword.training.triplet_features import TripletFeatures, triplet_features  # noqa: E402
from sightword.training.triplet_recall import held_out_recall  # noqa: E402
from sightword.training.triplets import collect  # noqa: E402
from sightword.training.tuned import TunedLearner, base_of, parts_of  # noqa: E402

KINDS = ("combiner", "cirplant", "tuned")


@pytest.fixture(scope="module")
def base(tiny_backbone: Any, tiny_phi_dir: Path) -> Any:
    return base_of(load_method(f"{tiny_phi_dir}+pdv", backbone=tiny_backbone), "pic2word+pdv")


@pytest.fixture(scope="module")
def data(tiny_backbone: Any, base: Any, tmp_path_factory: pytest.TempPathFactory) -> TripletFeatures:
    table = write_triplets(tmp_path_factory.mktemp("triplets"))
    return triplet_features(
        collect(open_triplets(str(table))), tiny_backbone, needs=frozenset({"words", "extra"}), workers=1,
        progress=False, parts=parts_of(base, Remembering(tiny_backbone)),
    )  # fmt: skip


def learner(kind: str, spec: Any, base: Any, **more: Any) -> Any:
    if kind == "combiner":
        return CombinerLearner(spec, inner=32, hidden=32, dropout=0.1, scale=20, **more)
    if kind == "cirplant":
        return CirplantLearner(spec, width=32, layers=2, heads=4, longest=8, dropout=0.1, **more)
    return TunedLearner(spec, base, hidden=32, dropout=0.1, scale=20, anchor=0.1, **more)


def job(backbone: Any, out: Path, **changes: Any) -> TripletJob:
    settings = LoopSettings(steps=120, batch=64, lr=3e-3, weight_decay=0.01, seed=1)
    return dataclasses.replace(
        TripletJob(backbone, out, settings, looks=6, patience=0, run=Run(progress=False)), **changes
    )


@pytest.mark.parametrize("kind", KINDS)
def test_it_beats_average_and_answers_as_it_learnt(
    kind: str, tiny_backbone: Any, base: Any, data: TripletFeatures, tmp_path: Path
) -> None:
    training, held_out = split(data, len(data), "60", 0)
    assert len(training) + len(held_out) == len(data)
    assert not set(data.group[training]) & set(data.group[held_out])
    network = learner(kind, tiny_backbone.spec, base)
    report = learn_triplets(job(tiny_backbone, tmp_path / kind), network, data, training, held_out)
    measured = report["held_out"]
    assert measured["after"]["recall_at_1"] > measured["average"]["recall_at_1"] + 0.05
    assert measured["after"]["recall_at_1"] > measured["before"]["recall_at_1"]

    files = {path.name for path in (tmp_path / kind).iterdir()}
    assert files == {"config.json", "model.safetensors", "README.md", "training.json"}
    assert json.loads((tmp_path / kind / "training.json").read_text())["held_out"] == measured
    card = (tmp_path / kind / "README.md").read_text()
    assert f"{len(held_out)} held-out triplets" in card

    # What asks in numpy composes what was learnt in torch.
    method = load_method(str(tmp_path / kind), backbone=tiny_backbone)
    assert method.name == kind
    rows = held_out[:20]
    asks = data.asked[rows]
    queries = [
        ComposeInput([data.pictures[p]], data.texts[t])
        for p, t in zip(data.ask_reference[asks], data.ask_text[asks])
    ]
    supply = Supply(data, network.needs, tiny_backbone, "cpu")
    targets = supply.targets(data.target[held_out])
    scores = network.scores(supply.batch(asks), targets) / network.temperature.scale
    candidates = targets.numpy() / np.linalg.norm(targets.numpy(), axis=1, keepdims=True)
    composed = method.compose(tiny_backbone, queries)
    np.testing.assert_allclose(composed @ candidates.T, scores.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(composed, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_queries_of_every_shape_are_answered(
    kind: str, tiny_backbone: Any, base: Any, data: TripletFeatures, tmp_path: Path
) -> None:
    settings = LoopSettings(steps=2, batch=8)
    rows = np.arange(20)
    learn_triplets(
        job(tiny_backbone, tmp_path / kind, settings=settings), learner(kind, tiny_backbone.spec, base), data,
        rows, rows[:0],
    )  # fmt: skip
    method = load_method(str(tmp_path / kind), backbone=tiny_backbone)
    one, other = data.pictures[:2]
    both = np.mean([one, other], axis=0)
    answers = method.compose(
        tiny_backbone,
        [
            ComposeInput([one, other], "but red"), ComposeInput([one]), ComposeInput([], "red"),
            ComposeInput([one], "but red", without=["blue"]), ComposeInput([one], "but red"),
        ],
    )  # fmt: skip
    assert answers.shape == (5, tiny_backbone.spec.dim)
    np.testing.assert_allclose(answers[1], one / np.linalg.norm(one), atol=1e-6)
    assert not np.allclose(answers[3], answers[4])
    assert not np.allclose(answers[0], answers[4])
    if kind != "tuned":  # its phi reads every picture for itself
        alone = method.compose(tiny_backbone, [ComposeInput([both.astype(np.float32)], "but red")])
        np.testing.assert_allclose(answers[:1], alone, atol=1e-6)


def test_without_learning_tuned_is_the_zero_shot_method(
    tiny_backbone: Any, tiny_phi_dir: Path, base: Any, data: TripletFeatures
) -> None:
    queries = [
        ComposeInput([v], text) for v, text in zip(data.pictures, ("but red", "as a line drawing", ""))
    ]
    plain = load_method(f"{tiny_phi_dir}+pdv", backbone=tiny_backbone)
    np.testing.assert_allclose(
        base.compose(tiny_backbone, queries), plain.compose(tiny_backbone, queries), atol=1e-6
    )
    network = TunedLearner(tiny_backbone.spec, base).eval()
    queries = queries[:2]
    answers = network(torch.from_numpy(base.parts(tiny_backbone, queries))).detach().numpy()
    np.testing.assert_allclose(answers, plain.compose(tiny_backbone, queries), atol=1e-6)
    bare = base_of(load_method(str(tiny_phi_dir), backbone=tiny_backbone), "pic2word")
    expected = load_method(str(tiny_phi_dir), backbone=tiny_backbone).compose(tiny_backbone, queries)
    np.testing.assert_allclose(bare.compose(tiny_backbone, queries), expected, atol=1e-6)


def test_the_head_keeps_silent_without_words(
    tiny_backbone: Any, tiny_phi_dir: Path, base: Any, data: TripletFeatures
) -> None:
    rng = np.random.default_rng(0)
    tensors = {
        name: rng.normal(size=shape).astype(np.float32)
        for name, shape in shapes(tiny_backbone.spec.dim, 8).items()
    }
    amounts = {key: getattr(base, key) for key in ("alpha_text", "alpha_image", "beta")}
    moved = Tuned(base.base, tensors=tensors, **amounts)
    plain = load_method(f"{tiny_phi_dir}+pdv", backbone=tiny_backbone)
    picture = data.pictures[0]
    silent = [
        ComposeInput([picture], prompts=["a sketch of {*}"]),
        ComposeInput([picture], "but blue", prompts=["a sketch of {*}"]),
    ]
    said = [
        ComposeInput([picture], "as a sketch"),
        ComposeInput([picture], "as a sketch", prompts=["domain"]),
        ComposeInput([picture], "but blue", prompts=["a sketch of {*}", "{*} , {text}"]),
    ]
    expected, answers = (method.compose(tiny_backbone, [*silent, *said]) for method in (plain, moved))
    np.testing.assert_allclose(answers[:2], expected[:2], atol=1e-6)
    assert ((answers[2:] * expected[2:]).sum(axis=1) < 0.9).all()


def test_tuned_needs_a_phi(tiny_backbone: Any) -> None:
    with pytest.raises(UsageError, match="average has no trained phi"):
        base_of(load_method("average", backbone=tiny_backbone), "average")


def test_the_combiner_is_the_papers() -> None:
    spec = dataclasses.make_dataclass("Spec", [("dim", int)])(640)
    with torch.device("meta"):
        network = CombinerLearner(spec)
        weights = sum(p.numel() for name, p in network.named_parameters() if name != "temperature.log_scale")
    assert round(weights / 1e6, 1) == 59.0


def test_losses_by_hand() -> None:
    scores = torch.tensor([[3.0, 1.0, 2.0], [0.0, 1.0, 5.0], [1.0, 1.0, 1.0]])
    wrong = torch.zeros(3, 3, dtype=torch.bool)
    wrong[1, 2] = True
    e = math.exp
    softmax = [e(3) / (e(3) + e(1) + e(2)), e(1) / (e(0) + e(1)), 1 / 3]
    assert matching(scores, wrong).item() == pytest.approx(-np.mean(np.log(softmax)), rel=1e-6)
    apart = [1 - 3, 2 - 3, 0 - 1, 0, 0]
    triplet = np.mean([math.log(1 + e(x)) for x in apart])
    assert matching(scores, wrong, "triplet").item() == pytest.approx(triplet, rel=1e-6)


def test_right_answers_are_no_negatives(tiny_backbone: Any, tmp_path: Path) -> None:
    table = write_triplets(tmp_path, scenes=2)
    items = {p.stem: Item(str(p), p) for p in (table.parent / "pictures").iterdir()}
    red, blue, green = (items[f"0-{colour}"] for colour in ("red", "blue", "green"))
    rows = [
        Triplet(red, ("but blue",), blue, also=(items["1-blue"].name, "elsewhere.png")),
        Triplet(green, ("but blue", "in blue"), blue, asked="blue", group="g"),
        Triplet(items["1-red"], ("but blue",), items["1-blue"]),
        Triplet(blue, ("but red",), red),
    ]
    found = triplet_features(Triplets(rows, list(items.values())), tiny_backbone, workers=1, progress=False)
    expected = np.zeros((4, 4), bool)
    expected[0, 1] = expected[1, 0] = True  # the same target
    expected[0, 2] = True  # named as right, in one direction only
    np.testing.assert_array_equal(found.false_negatives(np.arange(4)), expected)
    assert found.texts[found.ask_text[found.asked[1]]] == "blue"
    drawn = {
        found.texts[found.ask_text[found.draw(np.array([1]), np.random.default_rng(n))[0]]] for n in range(20)
    }
    assert drawn == {"but blue", "in blue"}


def test_recall_takes_reference_and_other_answers_out(data: TripletFeatures, tiny_backbone: Any) -> None:
    rows = np.arange(40)

    class Fixed:
        """Every query scores picture p with p's number; ties are impossible."""

        def scores(self, batch: Any, targets: Any) -> Any:
            gallery = np.unique(np.concatenate([data.reference[rows], data.target[rows]]))
            return torch.from_numpy(np.tile(gallery.astype(np.float64), (len(batch.reference), 1)))

    gallery = set(data.reference[rows]) | set(data.target[rows])
    ranks = [
        sum(p > data.target[row] for p in gallery - {data.reference[row]} - set(data.also[row]))
        for row in rows
    ]
    found = held_out_recall(Fixed(), Supply(data, frozenset(), tiny_backbone, "cpu"), rows)
    assert found["recall_at_5"] == pytest.approx(np.mean([rank < 5 for rank in ranks]), abs=1e-5)
    assert found["gallery"] == len(gallery)

    class Blank(Fixed):
        """No opinion: in the middle of everything, not on top."""

        def scores(self, batch: Any, targets: Any) -> Any:
            return torch.zeros(len(batch.reference), len(targets))

    assert held_out_recall(Blank(), Supply(data, frozenset(), tiny_backbone, "cpu"), rows)["recall_at_1"] == 0


def test_interrupted_and_resumed_equals_uninterrupted(
    tiny_backbone: Any, base: Any, data: TripletFeatures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, held_out = split(data, len(data), "60", 0)

    def run(name: str, **changes: Any) -> Any:
        checkpoint = tmp_path / name / "checkpoint.safetensors"
        where = Run(checkpoint=checkpoint, every=1000, progress=False, **changes)
        network = learner("combiner", tiny_backbone.spec, base)
        found = learn_triplets(
            job(tiny_backbone, tmp_path / f"{name}-out", run=where), network, data, training, held_out
        )
        return found, {key: value.clone() for key, value in network.state_dict().items()}

    whole, expected = run("whole")
    from sightword.training.supervised import Supply as Watched

    calls = iter(range(10_000))
    batch = Watched.batch

    def interrupting(self: Any, asks: Any) -> Any:
        if next(calls) == 90:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)
        return batch(self, asks)

    monkeypatch.setattr(Watched, "batch", interrupting)
    with pytest.raises(TrainingStopped):
        run("parts")
    monkeypatch.setattr(Watched, "batch", batch)
    resumed, weights = run("parts", resume=True)
    assert resumed["looks"] == whole["looks"]
    assert resumed["curve"] == whole["curve"]
    for name, value in expected.items():
        assert torch.equal(value, weights[name]), name


def test_the_best_weights_are_kept_and_a_run_ends_early(
    tiny_backbone: Any, base: Any, data: TripletFeatures, tmp_path: Path
) -> None:
    training, held_out = split(data, len(data), "60", 0)
    settings = LoopSettings(steps=200, batch=64, lr=3e-3, seed=1)
    eager = job(tiny_backbone, tmp_path / "out", settings=settings, looks=40, patience=2)
    network = learner("combiner", tiny_backbone.spec, base)
    report = learn_triplets(eager, network, data, training, held_out)
    looks = dict(report["looks"])
    best = max(looks.values())
    assert report["kept after"] == min(step for step, value in looks.items() if value == best)
    assert report["steps done"] < 200
    assert report["steps done"] - report["kept after"] == 2 * 5
    after = report["held_out"]["after"]
    assert np.mean([after[f"recall_at_{k}"] for k in (1, 5, 10)]) == pytest.approx(best, abs=1e-4)


class Sinking(TunedLearner):
    """Learns to do worse: while it trains, its scores are turned round."""

    def scores(self, batch: Any, targets: Any) -> Any:
        found = super().scores(batch, targets)
        return -found if self.training else found


def test_a_start_that_was_better_is_kept_and_told(
    tiny_backbone: Any, base: Any, data: TripletFeatures, tmp_path: Path
) -> None:
    training, held_out = split(data, len(data), "60", 0)
    network = Sinking(tiny_backbone.spec, base, hidden=32, scale=20, anchor=0)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    out = tmp_path / "out"
    report = learn_triplets(job(tiny_backbone, out), network, data, training, held_out)
    measured = report["held_out"]
    assert max(value for _, value in report["looks"]) < measured["before"]["recall_at_10"]
    assert measured["after"] == measured["before"] and report["kept after"] == 0
    assert "Learning did not help" in report["note"] and "60 held-out triplets" in report["note"]
    assert json.loads((out / "training.json").read_text())["note"] == report["note"]
    assert report["note"] in (out / "README.md").read_text()
    for name, value in network.state_dict().items():
        assert torch.equal(value, start[name]), name

    last = Sinking(tiny_backbone.spec, base, hidden=32, scale=20, anchor=0)
    report = learn_triplets(job(tiny_backbone, tmp_path / "last"), last, data, training, held_out[:0])
    assert "note" not in report and not torch.equal(last.rest.weight, start["rest.weight"])


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_directories_are_refused(
    kind: str, tiny_backbone: Any, base: Any, data: TripletFeatures, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    rows = np.arange(20)
    out = tmp_path / kind
    learn_triplets(
        job(tiny_backbone, out, settings=LoopSettings(steps=1, batch=8), half=True),
        learner(kind, tiny_backbone.spec, base), data, rows, rows[:0],
    )  # fmt: skip
    tensors = load_file(out / "model.safetensors")
    assert {tensor.dtype.name for tensor in tensors.values()} == {"float16"}
    load_method(str(out), backbone=tiny_backbone)
    name = max(tensors)
    without = {key: value for key, value in tensors.items() if key != name}
    for damaged in (without, {**tensors, name: tensors[name][..., :1]}):
        save_file(
            {key: np.ascontiguousarray(value) for key, value in damaged.items()}, out / "model.safetensors"
        )
        with pytest.raises(ModelUnavailable, match=r"model\.safetensors"):
            load_method(str(out), backbone=tiny_backbone)


def test_what_is_measured_is_never_learnt_from(data: TripletFeatures) -> None:
    """Triplets that were read to be held out may stand among those to learn from as well."""
    reference, target, own = data.reference.copy(), data.target.copy(), len(data) - 10
    reference[3], target[3] = reference[-1], target[-1]
    mixed = dataclasses.replace(data, reference=reference, target=target, kept=np.arange(len(data)))
    training, held_out = split(mixed, own, "elsewhere.csv", 0)
    assert held_out.tolist() == list(range(own, len(data)))
    pairs = {(reference[row], target[row]) for row in held_out}
    assert 3 not in training and not pairs & {(reference[row], target[row]) for row in training}
    assert len(training) > own // 2


def test_too_few_triplets(tiny_backbone: Any, base: Any, data: TripletFeatures, tmp_path: Path) -> None:
    rows = np.arange(1)
    network = learner("combiner", tiny_backbone.spec, base)
    with pytest.raises(UsageError, match="1 triplets are too few"):
        learn_triplets(job(tiny_backbone, tmp_path / "out"), network, data, rows, rows[:0])
    with pytest.raises(UsageError, match="cannot be held out"):
        split(data, len(data), str(len(data)), 0)
