"""Training phi: the published loops, written plainly, against ours, at the same dtype and threads.

CLIP-shaped towers with random weights on the CPU; rounds of both sides alternate in one process and medians
are compared. What we compute once is shared out over the recipe's passes: LinCIR's 20,000 steps of 512 rows
pass 5.5 million captions 1.86 times, Pic2Word's recipe passes its pictures 30 times. bf16 is reported apart.
Peak memory is measured in a process of its own for each side.

    python benchmarks/train_phi.py --shape b32 --batch 64 --json benchmarks/results/train_phi_b32.json
    python benchmarks/train_phi.py --shape l14 --batch 32 --rounds 2 --steps 1 --json ..._l14.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _clip_shape import SHAPES, clip_shape
from _published import published_lincir, published_pic2word
from _report import write_report

from sightword.backbones.torch_clip.runtime import TorchBackbone
from sightword.methods.phrases import CONCEPTS, make_phrases
from sightword.training.captions import read_captions
from sightword.training.job import Job
from sightword.training.lincir import caption_features, learn_lincir
from sightword.training.loop import LoopSettings, Run
from sightword.training.pic2word import learn_pic2word
from sightword.training.tagging import MODELS, tag

PASSES = {"lincir": 20_000 * 512 / 5_500_000, "pic2word": 30.0}
SIDE = 224


def whole_pipeline() -> Any:
    """spaCy as the published loader calls it: tagger, parser, entities, lemmas."""
    import spacy

    name = next(name for name in MODELS if spacy.util.is_package(name))
    return spacy.load(name)


def load_captions(path: Path | None, count: int) -> list[str]:
    """Captions of a file (Flickr's lists have the picture before a tab), or templated ones."""
    if path is None:
        made = make_phrases(CONCEPTS, each=max(4, count // len(CONCEPTS) + 1))
        texts = [text for phrases in made.values() for text in phrases]
    else:
        texts = [line.split("\t")[-1].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [texts[i] for i in np.random.default_rng(0).permutation(len(texts))[:count]]


class Ours:
    """Our side at one dtype: what is prepared once, and rounds of steps through the product's own loop."""

    def __init__(self, args: argparse.Namespace, dtype: str, clip: TorchBackbone) -> None:
        kind = torch.float32 if dtype == "f32" else torch.bfloat16
        self.args, self.dtype = args, dtype
        self.clip = clip if dtype == "f32" else clip_shape(args.shape, kind)
        self.once: dict[str, float] = {}

    def job(self, out: str) -> Job:
        """A job of `steps` steps."""
        settings = LoopSettings(self.args.steps, self.args.batch, schedule="constant", weight_decay=0.01)
        return Job(
            self.clip, self.clip, Path(out) / "phi", settings, dtype=self.dtype, run=Run(progress=False)
        )

    def lincir(self, captions: list[str]) -> Callable[[], float]:
        """Seconds a step; tagging and features are timed here, once."""
        tag(captions[:2])  # loading spaCy is not timed on either side
        start = time.perf_counter()
        rows = read_captions(captions, self.clip.tokenizer, self.clip.spec, workers=1, progress=False)
        self.once["lincir_tag_s_per_row"] = (time.perf_counter() - start) / len(rows)
        start = time.perf_counter()
        features = caption_features(self.job("."), rows.whole, progress=False)
        self.once["lincir_features_s_per_row"] = (time.perf_counter() - start) / len(rows)

        def round_() -> float:
            with tempfile.TemporaryDirectory() as out:
                report = learn_lincir(self.job(out), rows, cached=features)
            return float(report["seconds"]) / self.args.steps

        return round_

    def pic2word(self, pixels: torch.Tensor) -> Callable[[], float]:
        """Seconds a step; the image tower is timed here, once."""
        start = time.perf_counter()
        with torch.no_grad():
            parts = [self.clip.encode_pixels(part).float() for part in pixels.split(self.args.batch)]
        self.once["pic2word_features_s_per_row"] = (time.perf_counter() - start) / len(pixels)
        features = torch.cat(parts).numpy()

        def round_() -> float:
            with tempfile.TemporaryDirectory() as out:
                report = learn_pic2word(self.job(out), features)
            return float(report["seconds"]) / self.args.steps

        return round_


def timed(step: Callable[[], float], steps: int) -> Callable[[], float]:
    """Seconds a step over `steps` calls."""

    def round_() -> float:
        start = time.perf_counter()
        for _ in range(steps):
            step()
        return (time.perf_counter() - start) / steps

    return round_


def sides(
    args: argparse.Namespace, wanted: set[str]
) -> tuple[dict[str, Callable[[], float]], dict[str, Any]]:
    """Rounds by name, and what was prepared once."""
    captions = load_captions(args.captions, args.rows)
    pixels = torch.randn(args.pictures, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found: dict[str, Callable[[], float]] = {}
    once: dict[str, Any] = {}
    clip = clip_shape(args.shape)
    if "lincir published f32" in wanted:
        step = published_lincir(clip, captions, args.batch, whole_pipeline())
        found["lincir published f32"] = timed(step, args.steps)
    if "pic2word published f32" in wanted:
        step = published_pic2word(clip, pixels, args.batch)
        found["pic2word published f32"] = timed(step, args.steps)
    for dtype in ("f32", "bf16"):
        ours = Ours(args, dtype, clip) if any(f"ours {dtype}" in name for name in wanted) else None
        if ours and f"lincir ours {dtype}" in wanted:
            found[f"lincir ours {dtype}"] = ours.lincir(captions)
        if ours and f"pic2word ours {dtype}" in wanted:
            found[f"pic2word ours {dtype}"] = ours.pic2word(pixels)
        if ours:
            once[dtype] = ours.once
    return found, once


NAMES = [
    f"{method} {side}"
    for method in ("lincir", "pic2word")
    for side in ("published f32", "ours f32", "ours bf16")
]


def per_row(name: str, step: float, once: dict[str, Any], batch: int) -> float:
    """Seconds a row with what is done once shared out over the passes."""
    method, side, dtype = name.split()
    spent = once.get(dtype, {}) if side == "ours" else {}
    shared = sum(value for key, value in spent.items() if key.startswith(method)) / PASSES[method]
    return step / batch + shared


def own_peak() -> float:
    """Peak resident memory of this process, MiB (not getrusage's, which a child inherits from its parent)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def peak(args: argparse.Namespace, name: str) -> float:
    """Peak resident memory of one side in a process of its own, MiB."""
    words = [sys.executable, __file__, "--peak-of", name, "--shape", args.shape, "--batch", str(args.batch)]
    words += ["--steps", "2", "--rows", str(args.rows), "--pictures", str(args.pictures)]
    words += ["--threads", str(args.threads)] + (["--captions", str(args.captions)] if args.captions else [])
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["peak_mib"])


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="b32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=2, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2000, help="captions")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--captions", type=Path)
    parser.add_argument("--no-peak", action="store_true")
    parser.add_argument("--peak-of", choices=NAMES)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.peak_of:
        rounds, _ = sides(args, {args.peak_of})
        rounds[args.peak_of]()
        print(json.dumps({"peak_mib": own_peak()}))
        return
    rounds, once = sides(args, set(NAMES))
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    for number in range(args.rounds + 1):
        for name in NAMES:
            seconds = rounds[name]()
            if number:  # the first round warms up
                times[name].append(seconds)
    step = {name: statistics.median(values) for name, values in times.items()}
    row = {name: per_row(name, step[name], once, args.batch) for name in NAMES}
    memory = {} if args.no_peak else {name: round(peak(args, name)) for name in NAMES}
    ratios = {}
    for method in ("lincir", "pic2word"):
        published, own, half = (row[name] for name in NAMES if name.startswith(method))
        ratios[f"{method}: published f32 / ours f32"] = published / own
        ratios[f"{method}: published f32 / ours bf16"] = published / half
        ratios[f"{method}: ours f32 / ours bf16 (the dtype alone)"] = own / half
    settings = {key: str(value) for key, value in vars(args).items() if key not in ("json", "peak_of")}
    results = {
        "seconds_per_step": step, "seconds_per_row_with_shares": row, "once": once, "passes": PASSES,
        "peak_mib": memory, "seconds_of_each_round": times,
    }  # fmt: skip
    write_report(args.json, name="train_phi", settings=settings, results=results, ratios=ratios)


if __name__ == "__main__":
    main()
