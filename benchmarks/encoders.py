"""Encoder against encoder at equal threads: OpenVINO, ONNX Runtime fp32, torch fp32.

The starter's image tower and a ViT-B/32-shaped random one read the same random pixels; rounds of the
runtimes alternate in one process so that a noisy neighbour hits all of them, and medians are compared.
OpenVINO runs as a backbone runs it for many pictures, one inference a thread; ONNX Runtime both with all
threads in one inference and with one inference a thread.

    python benchmarks/encoders.py --json benchmarks/results/encoders.json
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from _report import write_report
from _vit import export_onnx, vit_b32

from sightword.backbones.streams import StreamedTower

Runner = Callable[[np.ndarray], Any]
SETTLED = 0.05
"""Seconds between two runs: threads of some runtimes spin for a while, on the cores of whoever comes next."""


def openvino_runner(graph: Path, threads: int, precision: str, width: int) -> Runner:
    """What a backbone does with many pictures."""
    return StreamedTower(graph, width, threads, precision, None)


def onnx_side_by_side(graph: Path, threads: int) -> Runner:
    """Several ONNX Runtime sessions of one thread each, that share the pictures as OpenVINO's streams do."""
    sessions = [onnx_runner(graph, 1) for _ in range(threads)]
    pool = ThreadPoolExecutor(threads)

    def run(pixels: np.ndarray) -> Any:
        parts = np.array_split(pixels, threads)
        return np.concatenate(list(pool.map(lambda session, part: session(part), sessions, parts)))

    return run


def onnx_runner(graph: Path, threads: int) -> Runner:
    """An ONNX Runtime session in float32."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: session.run(None, {name: pixels})[0]


def torch_runner(encode: Callable[[Any], Any]) -> Runner:
    """A torch module in float32."""
    import torch

    def run(pixels: np.ndarray) -> Any:
        with torch.inference_mode():
            return encode(torch.from_numpy(pixels)).numpy()

    return run


def compare(runners: dict[str, Runner], batch: int, seconds: float) -> dict[str, Any]:
    """Alternate the runners until the time is up; pictures per second by the median round."""
    pixels = np.random.default_rng(0).standard_normal((batch, 3, 224, 224), dtype=np.float32)
    outputs = {name: np.asarray(run(pixels)) for name, run in runners.items()}
    times: dict[str, list[float]] = {name: [] for name in runners}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < 5:
        for name, run in runners.items():
            start = time.perf_counter()
            run(pixels)
            times[name].append(time.perf_counter() - start)
            time.sleep(SETTLED)
    reference = outputs["torch_fp32"]
    cosine = {
        name: float(
            np.min(
                np.sum(out * reference, 1) / (np.linalg.norm(out, axis=1) * np.linalg.norm(reference, axis=1))
            )
        )
        for name, out in outputs.items()
    }
    rate = {name: batch / statistics.median(values) for name, values in times.items()}
    return {"pictures_per_second": rate, "min_cosine_to_torch": cosine, "rounds": len(times["torch_fp32"])}


def main() -> None:
    """Run both towers and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=40.0, help="per tower")
    args = parser.parse_args()

    import torch

    from sightword.backbones.torch_starter import load_torch_starter

    torch.set_num_threads(args.threads)
    starter_dir = Path(str(files("sightword") / "backbones" / "starter"))
    starter = load_torch_starter(starter_dir)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        vit = vit_b32()
        towers = {
            "starter": (starter_dir / "image.onnx", starter.encode_images, 384),
            "vit_b32_random": (export_onnx(vit, Path(scratch) / "vit.onnx"), vit, 512),
        }
        for name, (graph, module, width) in towers.items():
            results[name] = compare(
                {
                    "openvino_bf16": openvino_runner(graph, args.threads, "bf16", width),
                    "openvino_fp32": openvino_runner(graph, args.threads, "f32", width),
                    "onnxruntime_fp32": onnx_runner(graph, args.threads),
                    "onnxruntime_fp32_side_by_side": onnx_side_by_side(graph, args.threads),
                    "torch_fp32": torch_runner(module),
                },
                args.batch,
                args.seconds,
            )
    ratios = {}
    for name, result in results.items():
        rate = result["pictures_per_second"]
        for other in ("torch_fp32", "onnxruntime_fp32", "onnxruntime_fp32_side_by_side"):
            ratios[f"{name}: openvino_bf16 / {other}"] = rate["openvino_bf16"] / rate[other]
            ratios[f"{name}: openvino_fp32 / {other}"] = rate["openvino_fp32"] / rate[other]
    write_report(
        args.json,
        name="encoders",
        settings={"threads": args.threads, "batch": args.batch},
        results=results,
        ratios=ratios,
    )


if __name__ == "__main__":
    main()
