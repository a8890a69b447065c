"""How fast the shipped towers load and answer here, in wall time and per CPU second."""

from __future__ import annotations

import time

import numpy as np
import openvino
from common import SHIPPED, note


def main() -> None:
    """Print one line per thread count, tower and precision."""
    dice = np.random.default_rng(0)
    pictures = [dice.uniform(-1, 1, (16, 3, 224, 224)).astype(np.float32)]
    texts = [dice.normal(0, 0.05, (32, 12, 384)).astype(np.float32), np.full(32, 12)]
    for threads in (1, 2):
        for tower, precision, batch in (
            ("image", "bf16", pictures),
            ("image", "f32", pictures),
            ("text", "bf16", texts),
            ("text", "f32", texts),
        ):
            config = {
                "INFERENCE_NUM_THREADS": threads,
                "INFERENCE_PRECISION_HINT": precision,
                "PERFORMANCE_HINT": "LATENCY",
            }
            start = time.perf_counter()
            compiled = openvino.Core().compile_model(str(SHIPPED / f"{tower}.onnx"), "CPU", config)
            loaded = time.perf_counter() - start
            request = compiled.create_infer_request()
            request.infer(batch)
            count, cpu, start = 0, time.process_time(), time.perf_counter()
            while time.perf_counter() - start < 2.0:
                request.infer(batch)
                count += len(batch[0])
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
            note(
                f"{threads} thread(s), {tower} {precision}: load {loaded:.3f} s, "
                f"{count / wall:.0f}/s, {count / cpu:.0f} per CPU second"
            )


if __name__ == "__main__":
    main()
