"""Step 6: put the jointly trained sides where `gate.py` and `assemble.py` look, the head cut to what may ship.

The head is trained wide and shipped narrower: hidden units are ranked by how much they move the output on
training views (spread of the activation times length of its outgoing row), the weakest go, and the outgoing
layer of the others is solved anew, by ridge regression on what the whole head answered.
"""

from __future__ import annotations

import graphs
import numpy as np
import torch
from common import THREADS, note
from extract import TOWERS
from joint import JOINT
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from train import HEAD
from views import VIEWS

SHIPPED_UNITS = 1152
RIDGE = 0.05
SAMPLE, HELD = 24_000, 4_000


@torch.no_grad()
def narrowed(head: dict[str, Tensor], features: Tensor, units: int) -> dict[str, Tensor]:
    """The `units` strongest hidden units of a folded head."""
    hidden = F.gelu(features @ head["head.hidden.weight"] + head["head.hidden.bias"])
    strength = hidden.std(0) * head["head.out.weight"].norm(dim=1)
    kept = strength.argsort(descending=True)[:units].sort().values
    wanted = hidden @ head["head.out.weight"] + head["head.out.bias"]
    x, y = hidden[:, kept].double(), wanted.double()
    x_mean, y_mean = x.mean(0), y.mean(0)
    square = (x - x_mean).T @ (x - x_mean)
    ridge = RIDGE * square.diag().mean() * torch.eye(units, dtype=torch.float64)
    # Pulled towards the old rows, not towards zero.
    old = head["head.out.weight"][kept].double()
    out = torch.linalg.solve(square + ridge, (x - x_mean).T @ (y - y_mean) + ridge @ old)
    return {
        "head.hidden.weight": head["head.hidden.weight"][:, kept].contiguous(),
        "head.hidden.bias": head["head.hidden.bias"][kept].clone(),
        "head.out.weight": out.float().contiguous(),
        "head.out.bias": (y_mean - x_mean @ out).float(),
    }


@torch.no_grad()
def main() -> None:
    """Write the text tower and the head."""
    torch.set_num_threads(THREADS)
    trained = torch.load(JOINT, weights_only=True)
    features = np.load(VIEWS / "features.npy", mmap_mode="r")
    some = np.random.default_rng(0).choice(len(features), SAMPLE + HELD, replace=False)
    sample = torch.from_numpy(features[some].astype(np.float32))
    whole = trained["head"]
    head, held = narrowed(whole, sample[:SAMPLE], SHIPPED_UNITS), sample[SAMPLE:]

    def answer(parts: dict[str, Tensor]) -> Tensor:
        hidden = F.gelu(held @ parts["head.hidden.weight"] + parts["head.hidden.bias"])
        return F.normalize(hidden @ parts["head.out.weight"] + parts["head.out.bias"], dim=1)

    cosine = (answer(whole) * answer(head)).sum(1)
    note(
        f"{len(whole['head.hidden.bias'])} -> {SHIPPED_UNITS} units: mean cosine on other views {cosine.mean():.4f}"
    )
    save_file({k: v.half().contiguous() for k, v in trained["text"].items()}, TOWERS / "text.safetensors")
    graphs.write_text(TOWERS / "text.safetensors", TOWERS / "text.onnx")
    torch.save({"head": head}, HEAD)


if __name__ == "__main__":
    main()
