"""The loop: rates, batches, decay, determinism, stopping."""

from __future__ import annotations

import dataclasses

import pytest

from sightword.errors import SightwordError, UsageError
from sightword.training.loop import LoopSettings, Run, Step, batches, learning_rate, train

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

QUIET = Run(progress=False)


def settings(**changes: object) -> LoopSettings:
    return dataclasses.replace(LoopSettings(steps=40, batch=8, lr=0.1, warmup=10), **changes)  # type: ignore[arg-type]


def network(seed: int = 0) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))


def test_rates_rise_linearly_and_fall_as_a_cosine() -> None:
    rates = [learning_rate(step, settings()) for step in range(40)]
    assert (
        rates[0] == pytest.approx(0.01) and rates[9] == pytest.approx(0.1) and rates[10] == pytest.approx(0.1)
    )
    assert rates[25] == pytest.approx(0.05)
    assert rates[10:] == sorted(rates[10:], reverse=True) and 0 < rates[39] < 0.001
    assert learning_rate(0, settings(warmup=0)) == pytest.approx(0.1)


@pytest.mark.parametrize(("rows", "batch"), [(20, 8), (8, 8), (9, 8), (2, 8), (100, 7)])
def test_batches_are_full_without_repeats_and_favour_nobody(rows: int, batch: int) -> None:
    drawn = list(batches(rows, settings(batch=batch, steps=rows * 6)))
    assert len(drawn) == rows * 6
    assert all(len(set(b.tolist())) == len(b) == min(rows, batch) for b in drawn)
    counts = torch.cat(drawn).bincount(minlength=rows)
    assert int(counts.max() - counts.min()) <= 1
    again = list(batches(rows, settings(batch=batch, steps=rows * 6)))
    assert all(torch.equal(a, b) for a, b in zip(drawn, again))
    assert any(not torch.equal(a, b) for a, b in zip(drawn, batches(rows, settings(batch=batch, seed=1))))


def test_it_learns_and_repeats_itself() -> None:
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    y = x.sum(dim=1, keepdim=True)

    def run() -> tuple[list[Step], torch.Tensor]:
        net = network()
        torch.manual_seed(torch.seed() % 1000)  # what happened before must not matter
        curve = train(
            net, lambda rows, step: ((net(x[rows]) - y[rows]) ** 2).mean(), 50, settings(steps=200), run=QUIET
        )
        assert not net.training
        return curve, net(x)

    (curve, out), (other, same) = run(), run()
    assert curve == other and torch.equal(out, same)
    assert [item.step for item in curve] == list(range(200))
    assert sum(item.loss for item in curve[-20:]) < 0.5 * sum(item.loss for item in curve[:20])


def test_only_matrices_decay() -> None:
    net = torch.nn.Linear(3, 2)
    weight, bias = net.weight.detach().clone(), net.bias.detach().clone()
    nothing = settings(steps=5, warmup=0, weight_decay=0.5)
    train(net, lambda rows, step: 0 * net(torch.ones(1, 3)).sum(), 8, nothing, run=QUIET)
    assert torch.equal(net.bias, bias)
    assert (net.weight.abs() < weight.abs()).all()


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    net = network()
    seen: list[Step] = []

    def loss(rows: torch.Tensor, step: int) -> torch.Tensor:
        return net(torch.ones(1, 3)).sum() * (float("nan") if len(seen) == 3 else 1.0)

    with pytest.raises(SightwordError, match="nan at step 3"):
        train(net, loss, 8, settings(), on_step=seen.append, run=QUIET)
    assert [item.step for item in seen] == [0, 1, 2]
    assert all(torch.isfinite(p).all() for p in net.parameters())


@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"batch": 0}, {"lr": 0.0}, {"lr": float("nan")}, {"warmup": -1}]
)
def test_impossible_settings_are_sentences(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        settings(**changes)


def test_one_row_is_too_few() -> None:
    with pytest.raises(UsageError, match="at least 2"):
        next(batches(1, settings()))


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightword.training.bars.LINE_SECONDS", 0.0)
    net = network()
    train(net, lambda rows, step: net(torch.ones(1, 3)).sum(), 8, settings(steps=2))
    out, err = capsys.readouterr()
    assert out == "" and "train: 2 of 2 steps, loss" in err and "\r" not in err
