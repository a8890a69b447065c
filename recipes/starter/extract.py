"""Step 3: original weights -> float16 tensors, and the graphs that cache features and text vectors."""

from __future__ import annotations

import graphs
import weights
from common import CACHE, note
from safetensors.torch import save_file

TOWERS = CACHE / "towers"


def main() -> None:
    """Write trunk and text tower under the cache."""
    TOWERS.mkdir(parents=True, exist_ok=True)
    image = weights.image_tensors(weights.timm_lite0())
    text, table = weights.text_tensors()
    for name, tensors in (("image", image), ("text", text), ("token_embedding", {"weight": table})):
        save_file({k: v.half().contiguous() for k, v in tensors.items()}, TOWERS / f"{name}.safetensors")
        largest = max(float(v.abs().max()) for v in tensors.values())
        note(f"{name}: {sum(v.numel() for v in tensors.values()):,} numbers, largest {largest:.1f}")
    graphs.write_trunk(TOWERS / "image.safetensors", TOWERS / "trunk.onnx")
    graphs.write_text(TOWERS / "text.safetensors", TOWERS / "text.onnx")


if __name__ == "__main__":
    main()
