"""Interrupted and resumed equals uninterrupted; what stops a run keeps the last good state."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

import pytest

from sightword.errors import SightwordError, UsageError
from sightword.training.checkpoint import load_checkpoint
from sightword.training.loop import LoopSettings, Run, Step, train
from sightword.training.stops import TrainingStopped

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

SETTINGS = LoopSettings(steps=30, batch=8, lr=0.05, warmup=3, ema=0.9, clip=1.0)
X = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))


def fit(
    net: torch.nn.Sequential, run: Run, settings: LoopSettings = SETTINGS, spoil: int = -1, **more: object
):  # type: ignore[no-untyped-def]
    def loss(rows: torch.Tensor, step: int) -> torch.Tensor:
        noisy = X[rows] + 0.1 * torch.randn(len(rows), 3)  # the objective's own randomness
        wanted = X[rows].sum(dim=1, keepdim=True)
        return ((net(noisy) - wanted) ** 2).mean() * (float("nan") if step == spoil else 1.0)

    return train(net, loss, len(X), settings, run=run, **more)


def run_at(path: Path, **changes: object) -> Run:
    return dataclasses.replace(Run(checkpoint=path, every=7, progress=False), **changes)  # type: ignore[arg-type]


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    whole = network()
    curve = fit(whole, run_at(tmp_path / "whole"))
    path = tmp_path / "cut"

    def stop(step: Step) -> None:
        if step.step in (10, 19):
            os.kill(os.getpid(), signal.SIGTERM)

    net = network()
    for done in (11, 20):
        with pytest.raises(TrainingStopped, match=f"after {done} steps") as caught:
            fit(net, run_at(path, resume=True), on_step=stop)
        assert caught.value.exit_code == 143 and "--resume" in str(caught.value)
        net = network()  # a new process knows only the file
        torch.randn(17)
    again = fit(net, run_at(path, resume=True))
    assert again == curve
    for mine, other in zip(net.parameters(), whole.parameters()):
        assert torch.equal(mine, other)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_finished_run_resumed_does_nothing(tmp_path: Path) -> None:
    net = network()
    curve = fit(net, run_at(tmp_path / "c"))
    late = network()
    assert fit(late, run_at(tmp_path / "c", resume=True)) == curve
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), late.parameters()))


def test_no_number_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with pytest.raises(SightwordError, match="nan at step 16") as caught:
        fit(network(), run_at(path), spoil=16)
    assert str(path) in str(caught.value)
    kept = load_checkpoint(path)
    assert kept.step == 14
    assert all(torch.isfinite(value).all() for value in kept.tensors.values())


def test_an_infinite_gradient_moves_nothing(tmp_path: Path) -> None:
    net = torch.nn.Linear(1, 1)
    before = [p.detach().clone() for p in net.parameters()]

    def loss(rows: torch.Tensor, step: int) -> torch.Tensor:
        return (net(torch.zeros(1, 1)) * 0).abs().sqrt().sum()  # finite, but with no finite slope

    with pytest.raises(SightwordError, match="gradient became nan at step 0"):
        train(net, loss, 8, SETTINGS, run=run_at(tmp_path / "c"))
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters()))


def test_other_settings_are_refused(tmp_path: Path) -> None:
    fit(network(), run_at(tmp_path / "c"))
    with pytest.raises(UsageError, match=r"lr was 0\.05, now 0\.1"):
        fit(network(), run_at(tmp_path / "c", resume=True), dataclasses.replace(SETTINGS, lr=0.1))
    with pytest.raises(UsageError, match="data was None, now 'other'"):
        fit(network(), run_at(tmp_path / "c", resume=True, settings={"data": "other"}))


def test_a_damaged_checkpoint_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "c"
    fit(network(), run_at(path))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SightwordError, match="cannot be read"):
        fit(network(), run_at(path, resume=True))


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c"
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SightwordError, match="at step 14: No space left on device"):
        fit(network(), run_at(path))
    assert load_checkpoint(path).step == 7
    assert [item.name for item in tmp_path.iterdir()] == ["c"]


def test_the_average_is_what_stays() -> None:
    plain, averaged = network(), network()
    settings = dataclasses.replace(SETTINGS, ema=0.0)
    seen: list[torch.Tensor] = []
    fit(
        plain,
        Run(progress=False),
        settings,
        on_step=lambda step: seen.append(plain[0].weight.detach().clone()),
    )
    fit(averaged, Run(progress=False))
    torch.manual_seed(0)
    expected = network()[0].weight.detach().clone()
    for t, weight in enumerate(seen):
        expected.lerp_(weight, 1 - min(0.9, (1 + t) / (10 + t)))
    torch.testing.assert_close(averaged[0].weight, expected, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(averaged[0].weight, plain[0].weight)
