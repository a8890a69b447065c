"""Indexing a folder of 1-megapixel JPEGs end to end, against the bare encoder and against the CPU's limit.

Four figures are taken in turn, several rounds, and their medians compared:

* the bare encoder: pictures/s on pixels that lie ready in memory, all cores;
* the CPU seconds it needs for a picture;
* the CPU seconds for reading, hashing, decoding and resizing one (what a worker does), all cores;
* `update` on a fresh folder and a fresh index: scan, workers, encoder and transactions together.

    python benchmarks/index_folder.py --json benchmarks/results/index_folder.json
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from _report import write_report
from PIL import Image

from sightword.backbones import load_backbone
from sightword.backbones.base import PreprocessSpec
from sightword.backbones.streams import StreamedTower
from sightword.backbones.towers import default_precision
from sightword.index.base import Manifest
from sightword.index.store import open_store
from sightword.pictures.limits import process_count
from sightword.pictures.worker import Settings, answer
from sightword.update import update

WIDTH, HEIGHT = 1152, 864
STEEPNESS = 1.35


def photograph_like(seed: int) -> bytes:
    """A JPEG of noise with a spectrum like that of photographs and weak colours; quality 85.

    About 200 kB. Twelve real photographs brought to the same size and quality had 32 to 371 kB, 162 on
    average, so decoding is not made easier here than it is in life.
    """
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None, :]
    falling = np.maximum(np.hypot(down, across), 1 / WIDTH) ** -STEEPNESS
    planes = []
    for contrast in (45, 12, 12):  # brightness, and two colours
        plane = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((HEIGHT, WIDTH))) * falling, s=(HEIGHT, WIDTH))
        plane = (plane - plane.mean()) / plane.std() * contrast + 128
        planes.append(Image.fromarray(plane.clip(0, 255).astype(np.uint8)))
    file = io.BytesIO()
    Image.merge("YCbCr", planes).convert("RGB").save(file, "JPEG", quality=85)
    return file.getvalue()


def make_folder(folder: Path, count: int) -> None:
    """`count` different files made of 24 pictures: bytes after a JPEG's end change its hash only."""
    pictures = [photograph_like(seed) for seed in range(24)]
    for number in range(count):
        sub = folder / f"{number // 500:03d}"
        sub.mkdir(parents=True, exist_ok=True)
        data = pictures[number % len(pictures)] + number.to_bytes(4, "big")
        (sub / f"{number:05d}.jpg").write_bytes(data)


def vit_backbone(scratch: Path) -> Any:
    """A ViT-B/32-shaped image tower with random weights, in the default runtime."""
    from _vit import export_onnx, vit_b32

    tower = StreamedTower(export_onnx(vit_b32(), scratch / "vit.onnx"), 512, None, default_precision(), None)
    spec = SimpleNamespace(preprocess=PreprocessSpec(size=224), name="vit-b32-random", dim=512)
    return SimpleNamespace(spec=spec, encode_images=tower)


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of this process, all its threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def bare_encoder(backbone: Any, count: int) -> tuple[float, float]:
    """Wall and CPU seconds for one picture."""
    size = backbone.spec.preprocess.size
    pixels = np.random.default_rng(0).standard_normal((32, 3, size, size), dtype=np.float32)
    calls = max(1, count // 32)

    def work() -> None:
        for _ in range(calls):
            backbone.encode_images(pixels)

    wall, cpu = timed(work)
    return wall / (32 * calls), cpu / (32 * calls)


def decode_all(paths: list[Path], spec: PreprocessSpec) -> float:
    """CPU seconds of this process for decoding these files as a worker does."""
    settings = Settings("product", 200_000_000, 60.0, spec.size, spec.resize, spec.interpolation)

    def work() -> None:
        for path in paths:
            head, pixels = answer({"path": os.fsencode(path).decode("latin-1")}, b"", settings)
            assert "reason" not in head and len(pixels) == 3 * spec.size**2

    return timed(work)[1]


def bare_decoder(pool: ProcessPoolExecutor, paths: list[Path], spec: PreprocessSpec) -> float:
    """CPU seconds for one picture while every core decodes, as caches and memory are shared."""
    cores = process_count()
    return sum(pool.map(decode_all, [paths] * cores, [spec] * cores)) / (cores * len(paths))


def others_cores(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `work`, and how many cores other processes kept busy meanwhile."""

    def busy() -> float:
        with Path("/proc/stat").open(encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal, *_ = map(int, file.readline().split()[1:])
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    def own() -> float:
        spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in spent)

    wall, total, ours = time.perf_counter(), busy(), own()
    result = work()
    wall, total, ours = time.perf_counter() - wall, busy() - total, own() - ours
    return result, max(0.0, total - ours) / wall


def end_to_end(backbone: Any, folder: Path, count: int) -> float:
    """Wall seconds for one picture, of a whole first update."""
    spec = backbone.spec
    shutil.rmtree(folder / ".sightword", ignore_errors=True)
    store = open_store(folder, create=Manifest(spec.name, "0" * 64, "product", spec.dim))
    try:
        report = update(store, folder, lambda: backbone)
    finally:
        store.close()
    assert report.added == count and report.failed == 0
    return report.seconds / count


def measure(backbone: Any, folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """Medians over the rounds; the figures take turns, so that a noisy neighbour hits all of them."""
    paths = sorted(folder.rglob("*.jpg"))
    spec = backbone.spec.preprocess
    bare_encoder(backbone, 64)  # compiles
    seen: dict[str, list[float]] = {name: [] for name in ("encode", "encode_cpu", "decode_cpu", "whole")}
    others: dict[str, list[float]] = {"encode": [], "whole": []}
    with ProcessPoolExecutor(process_count(), get_context("spawn")) as pool:
        bare_decoder(pool, paths[:20], spec)
        for _ in range(rounds):
            (wall, cpu), disturbed = others_cores(lambda: bare_encoder(backbone, count // 2))
            seen["encode"].append(wall)
            seen["encode_cpu"].append(cpu)
            others["encode"].append(disturbed)
            seen["decode_cpu"].append(bare_decoder(pool, paths[:100], spec))
            wall, disturbed = others_cores(lambda: end_to_end(backbone, folder, count))
            seen["whole"].append(wall)
            others["whole"].append(disturbed)
    middle = {name: statistics.median(values) for name, values in seen.items()}
    limit = process_count() / (middle["decode_cpu"] + middle["encode_cpu"])
    return {
        "bare_encoder_pictures_per_second": 1 / middle["encode"],
        "encode_cpu_ms": 1000 * middle["encode_cpu"],
        "decode_cpu_ms": 1000 * middle["decode_cpu"],
        "cpu_limit_pictures_per_second": limit,
        "end_to_end_pictures_per_second": 1 / middle["whole"],
        "rounds": {name: [round(1000 * value, 3) for value in values] for name, values in seen.items()},
        "rounds_unit": "ms per picture",
        "cores_used_by_other_processes": {
            name: [round(value, 3) for value in values] for name, values in others.items()
        },
    }


def main() -> None:
    """Run both backbones and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["starter", "vit_b32_random"])
    args = parser.parse_args()
    results: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        make_folder(folder, args.pictures)
        makers = {"starter": load_backbone, "vit_b32_random": lambda: vit_backbone(Path(scratch))}
        for name, make in makers.items():
            if args.only in (None, name):
                result = results[name] = measure(make(), folder, args.pictures, args.rounds)
                whole = result["end_to_end_pictures_per_second"]
                ratios[f"{name}: end to end / bare encoder"] = (
                    whole / result["bare_encoder_pictures_per_second"]
                )
                ratios[f"{name}: end to end / CPU limit"] = whole / result["cpu_limit_pictures_per_second"]
    settings = {"pictures": args.pictures, "size": [WIDTH, HEIGHT], "rounds": args.rounds}
    write_report(args.json, name="index_folder", settings=settings, results=results, ratios=ratios)


if __name__ == "__main__":
    main()
