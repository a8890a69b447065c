"""Two real processes learn what one process learns from the same global batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sightword.errors import UsageError
from sightword.training.world import World, join

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

PROGRAM = """
import sys, torch
torch.set_num_threads(1)
from sightword.training.loop import LoopSettings, Run, train
from sightword.training.objectives import info_nce, nt_xent
from sightword.training.world import join

world = join()
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 6))
x = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
gradients = []

def loss_of(rows, step):
    v, p = world.gather(x[rows]), world.gather(net(x[rows]))
    contrastive = world.whole(info_nce(v, p, 20.0) + nt_xent(v, p, 0.25))
    return contrastive + world.mean(((net(x[rows]) - x[rows]) ** 2).mean())

def keep(step):
    gradients.append(torch.cat([p.grad.flatten() for p in net.parameters()]).clone())

run = Run(progress=False, world=world)
curve = train(net, loss_of, 64, LoopSettings(steps=5, batch=16, lr=0.01), run=run, on_step=keep)
if world.rank == 0:
    torch.save({"curve": [item.loss for item in curve], "gradients": gradients,
                "weights": list(net.parameters())}, sys.argv[1])
world.wait()
"""


def launch(out: Path, size: int) -> dict[str, object]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(size),
        "OMP_NUM_THREADS": "1",
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(out)],
            env={**os.environ, **own, "RANK": str(rank), "PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.PIPE,
        )
        for rank in range(size)
    ]
    told = [process.communicate(timeout=100)[1] for process in running]
    assert [process.returncode for process in running] == [0] * size, told
    return torch.load(out, weights_only=True)  # type: ignore[no-any-return]


def test_two_processes_equal_one(tmp_path: Path) -> None:
    one, two = (launch(tmp_path / f"{size}.pt", size) for size in (1, 2))
    assert two["curve"] == pytest.approx(one["curve"], rel=1e-5)
    for mine, other in zip(two["gradients"], one["gradients"]):  # type: ignore[call-overload]
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)
    for mine, other in zip(two["weights"], one["weights"]):  # type: ignore[call-overload]
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_a_batch_that_does_not_divide_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="15 cannot be shared by 2"):
        World(0, 2).share(torch.arange(15))


def test_every_process_of_a_machine_has_its_own_card(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    joined: list[str] = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.distributed, "init_process_group", joined.append)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 3)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert join("cuda") == World(3, 4) and join("cuda:0") == World(3, 4) and join("cpu") == World(3, 4)
    assert chosen == [1] and joined == ["nccl", "nccl", "gloo"]
