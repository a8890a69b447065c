"""Step 6: put the jointly trained sides where `gate.py` and `assemble.py` look, the head cut to what may ship.

The head is trained wide and shipped narrower: hidden units are ranked by how much they move the output on
training views (spread of the activation times length of its outgoing row), the weakest go, and what they gave
on average goes into the bias.
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


@torch.no_grad()
def narrowed(head: dict[str, Tensor], features: Tensor, units: int) -> dict[str, Tensor]:
    """The `units` strongest hidden units of a folded head."""
    hidden = F.gelu(features @ head["head.hidden.weight"] + head["head.hidden.bias"])
    strength = hidden.std(0) * head["head.out.weight"].norm(dim=1)
    kept = strength.argsort(descending=True)[:units].sort().values
    gone = torch.ones(len(strength), dtype=torch.bool)
    gone[kept] = False
    return {
        "head.hidden.weight": head["head.hidden.weight"][:, kept].contiguous(),
        "head.hidden.bias": head["head.hidden.bias"][kept].clone(),
        "head.out.weight": head["head.out.weight"][kept].contiguous(),
        "head.out.bias": head["head.out.bias"] + hidden.mean(0)[gone] @ head["head.out.weight"][gone],
    }


@torch.no_grad()
def main() -> None:
    """Write the text tower and the head."""
    torch.set_num_threads(THREADS)
    trained = torch.load(JOINT, weights_only=True)
    features = np.load(VIEWS / "features.npy", mmap_mode="r")
    some = np.random.default_rng(0).choice(len(features), 8000, replace=False)
    sample = torch.from_numpy(features[np.sort(some)].astype(np.float32))
    whole = trained["head"]
    head = narrowed(whole, sample, SHIPPED_UNITS)

    def answer(parts: dict[str, Tensor]) -> Tensor:
        hidden = F.gelu(sample @ parts["head.hidden.weight"] + parts["head.hidden.bias"])
        return F.normalize(hidden @ parts["head.out.weight"] + parts["head.out.bias"], dim=1)

    cosine = (answer(whole) * answer(head)).sum(1)
    note(f"{len(whole['head.hidden.bias'])} -> {SHIPPED_UNITS} units: mean cosine {cosine.mean():.4f}")
    save_file({k: v.half().contiguous() for k, v in trained["text"].items()}, TOWERS / "text.safetensors")
    graphs.write_text(TOWERS / "text.safetensors", TOWERS / "text.onnx")
    torch.save({"head": head}, HEAD)


if __name__ == "__main__":
    main()
