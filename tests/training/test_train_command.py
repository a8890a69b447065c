"""``sightword train``: every method from the command line to a search."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from test_lincir import tag_colours

from sightword.backbones.openvino_runtime import OpenVINOBackbone
from sightword.methods.oti import read_oti
from sightword.methods.vectors import unit
from sightword.prompts import parse_prompt
from sightword.training import keywords, tagging
from sightword.training.measure import wilson
from tiny import D, W, pictures_of_colours

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from test_masked import nouns_by_list, write_pairs  # noqa: E402
from tiny_job import colour_captions  # noqa: E402
from tiny_torch import TinyImageTower, TinyTextTower  # noqa: E402

from sightword.training import cam, masking  # noqa: E402

QUICK = ["--batch", 32, "--lr", 3e-3, "--hidden", 32, "--dropout", 0.1, "--workers", 1, "--threads", 1]


@pytest.fixture
def run(tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command in this process, with the tiny towers and a tagger by list."""
    from sightword.cli.door import cli

    for name in list(os.environ):
        if name.startswith("SIGHTWORD_"):
            monkeypatch.delenv(name)
    for name, value in (("BACKBONE", tiny_backbone_dir), ("CACHE", "cache"), ("MODELS", "models")):
        monkeypatch.setenv(f"SIGHTWORD_{name}", str(tmp_path / value))
    monkeypatch.setenv("SIGHTWORD_CONFIG", str(tmp_path / "user.toml"))
    monkeypatch.setattr("sightword.methods.torch_words.text_tower", lambda backbone, **_: TinyTextTower())
    monkeypatch.setattr(cam, "watched_tower", lambda backbone, **_: TinyImageTower())
    monkeypatch.setattr(keywords, "tag", tag_colours)
    monkeypatch.setattr(masking, "find_nouns", nouns_by_list)
    monkeypatch.setattr(tagging, "tagger_name", lambda: "by list 1")

    def call(*args: object, **options: Any) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], **options)

    return call


@pytest.fixture(scope="module")
def held_out(tiny_backbone: OpenVINOBackbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("held") / "held_out.npy"
    np.save(path, tiny_backbone.encode_images(pictures_of_colours(200, seed=9)))
    return path


@pytest.fixture(scope="module")
def data(tiny_backbone: OpenVINOBackbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("data")
    np.save(home / "features.npy", tiny_backbone.encode_images(pictures_of_colours(150, seed=5)))
    (home / "captions.txt").write_text("\n".join(colour_captions(250)), encoding="utf-8")
    lines = [f"{item.picture}\t{item.captions[0]}" for item in write_pairs(home / "pairs", 80)]
    (home / "pairs.tsv").write_text("\n".join(["filepath\ttitle", *lines]), encoding="utf-8")
    return home


def arguments(method: str, data: Path) -> list[object]:
    return {
        "pic2word": ["--images", data / "pairs", "--scale", 20, "--steps", 150],
        "searle": ["--features", data / "features.npy", "--steps", 150, "--oti-steps", 60],
        "lincir": ["--text", data / "captions.txt", "--noise-share", 0.3, "--steps", 300],
        "masked": ["--pairs", data / "pairs.tsv", "--scale", 20, "--steps", 250],
    }[method]


@pytest.mark.parametrize(
    ("method", "tokens"),
    [
        ("pic2word", 1),
        ("pic2word", 2),
        ("searle", 2),
        ("lincir", 1),
        ("lincir", 4),
        ("masked", 1),
        ("masked", 2),
    ],
)
def test_a_method_trains_beats_an_untrained_phi_and_answers(
    run: Callable[..., Result], data: Path, held_out: Path, tmp_path: Path, method: str, tokens: int
) -> None:
    out = tmp_path / "phi"
    call = ["train", method, *arguments(method, data), *QUICK, "--tokens", tokens, "--held-out", held_out]
    done = run(*call, "--out", out, "--json")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    before, after = report["held_out"]["before"], report["held_out"]["after"]
    assert after["recall_at_10_interval"][0] > before["recall_at_10_interval"][1], (before, after)
    assert {path.name for path in out.iterdir()} == {
        "config.json", "model.safetensors", "README.md", "training.json",
    }  # fmt: skip
    assert json.loads((out / "config.json").read_text())["tokens"] == tokens
    assert report["recipe"] and report["data"]
    kept = out.with_name("phi.run")
    assert not kept.exists() or (method == "searle" and [p.name for p in kept.iterdir()] == ["oti"])
    for name in (str(out), f"{out}+pdv"):
        found = run(
            "search", data / "pairs", "red", "--image", data / "pairs" / "000.png", "--method", name, "--json"
        )
        assert found.exit_code == 0, found.stderr
        assert len(json.loads(found.stdout)["hits"]) == 10


def test_pseudo_words_by_descent(
    run: Callable[..., Result], data: Path, tmp_path: Path, tiny_backbone: OpenVINOBackbone
) -> None:
    out = tmp_path / "oti"
    call = ["train", "searle-oti", "--images", data / "pairs", "--limit", 60, "--steps", 40, "--lr", 0.05]
    done = run(*call, "--out", out, "--workers", 1)
    assert done.exit_code == 0, done.stderr
    assert "pseudo-words of 60 pictures" in done.stdout
    known = read_oti(out, tiny_backbone)

    def recall(tokens: Any) -> tuple[float, float]:
        """R@10 of the pictures by "a photo of s", its interval."""
        prompts = [parse_prompt("a photo of {*}")] * len(tokens)
        texts = tiny_backbone.encode_prompts(prompts, [[token] for token in tokens])
        scores = unit(texts) @ unit(known.features).T
        return wilson(int(((scores > np.diag(scores)[:, None]).sum(axis=1) < 10).sum()), len(tokens))

    untrained = np.random.default_rng(0).normal(0, 0.02, known.tokens.shape).astype(np.float32)
    assert recall(known.tokens)[0] > recall(untrained)[1]
    query = [
        "search",
        data / "pairs",
        "red",
        "--image",
        data / "pairs" / "000.png",
        "--method",
        out,
        "--json",
    ]
    assert len(json.loads(run(*query).stdout)["hits"]) == 10
    phi = tmp_path / "phi"
    done = run("train", "searle", "--oti", out, "--out", phi, *QUICK, "--steps", 5, "--held-out", 2)
    assert done.exit_code == 0, done.stderr
    assert "held-out" in done.stdout


def test_captions_are_kept_or_not_and_masked_by_either_rule(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    twice = [f"a {colour} and a {colour} tree" for colour in ("red", "green", "blue", "yellow")]
    captions = tmp_path / "twice.txt"  # one rule masks the second keyword, the other another word
    captions.write_text("\n".join([*colour_captions(100), *twice * 20]), encoding="utf-8")
    call = ["train", "lincir", "--text", captions, *QUICK, "--steps", 3]
    told: dict[str, Any] = {}
    for name, extra in (("kept", []), ("not", ["--no-cache-features"]), ("legacy", ["--legacy-masking"])):
        done = run(*call, *extra, "--out", tmp_path / name)
        assert done.exit_code == 0, done.stderr
        told[name] = json.loads((tmp_path / name / "training.json").read_text())
        size = f"kept in memory: {4 * told[name]['rows'] * D / 1e6:,.1f} MB."
        assert (size in done.stderr) is (name != "not")
    assert [told[name]["features_cached"] for name in told] == [True, False, True]
    assert [told[name]["masking"] for name in told] == ["token spans", "token spans", "legacy"]
    assert told["kept"]["curve"] != told["legacy"]["curve"]
    np.testing.assert_allclose(told["kept"]["curve"], told["not"]["curve"], rtol=1e-3)


def test_a_disk_that_is_full_at_the_end_loses_nothing(
    run: Callable[..., Result], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightword.training import job

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "phi"
    call = ["train", "pic2word", "--features", data / "features.npy", "--out", out, *QUICK, "--steps", 3]
    with monkeypatch.context() as patch:
        patch.setattr(job, "save_phi", full)
        done = run(*call)
    assert done.exit_code == 1 and "could not be written: No space left on device" in done.stderr
    assert "--resume" in done.stderr and not out.exists()
    done = run(*call, "--resume")
    assert done.exit_code == 0, done.stderr
    assert (out / "model.safetensors").is_file()


def test_help_names_the_source_of_each_recipe(run: Callable[..., Result]) -> None:
    for method, words in (
        ("pic2word", "2302.03084"), ("searle-oti", "350 steps"), ("searle", "2303.15247"),
        ("lincir", "20,000 steps of 512"), ("masked", "2406.18836"),
    ):  # fmt: skip
        text = " ".join(run("train", method, "--help").stdout.split())
        assert "Defaults:" in text and "Source:" in text and words in text


def test_what_is_wrong_is_a_sentence(run: Callable[..., Result], data: Path, tmp_path: Path) -> None:
    def refused(*args: object) -> str:
        done = run("train", *args, "--out", tmp_path / "phi", *QUICK)
        assert done.exit_code in (1, 2) and "Traceback" not in done.output
        return " ".join(done.stderr.split())

    np.save(tmp_path / "odd.npy", np.zeros((5, D + 1), np.float32))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    (tmp_path / "none").mkdir()
    assert f"not features [N, {D}]" in refused("pic2word", "--features", tmp_path / "odd.npy")
    assert "Give --images or --features" in refused("pic2word")
    assert "There is no nowhere" in refused("pic2word", "--images", "nowhere")
    assert "it has 'a', 'b'" in refused("lincir", "--text", tmp_path / "x.csv")
    assert "no picture to learn from" in refused("pic2word", "--images", tmp_path / "none")
    assert "give --text" in refused("lincir")
    assert "give --pairs" in refused("masked")
    assert "no picture with a caption" in refused("masked", "--pairs", data / "captions.txt")
    assert "--augment crops" in refused("pic2word", "--features", data / "features.npy", "--augment")
    assert "cannot be held out" in refused("pic2word", "--features", data / "features.npy", "--held-out", 149)
    (tmp_path / "phi").mkdir()
    (tmp_path / "phi" / "mine.txt").write_text("")
    assert "is not empty" in refused("pic2word", "--features", data / "features.npy")


def test_a_finished_result_is_not_replaced_unasked(
    run: Callable[..., Result], data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "phi"
    call = ["train", "pic2word", "--features", data / "features.npy", "--out", out, *QUICK, "--steps"]
    assert run(*call, 2).exit_code == 0
    first = (out / "model.safetensors").read_bytes()
    for extra in ([], ["--resume"], ["--fresh"]):
        refused = run(*call, 3, *extra)
        assert refused.exit_code == 2 and "holds a finished result already" in refused.stderr
        assert "--overwrite" in refused.stderr
        assert (out / "model.safetensors").read_bytes() == first
    assert run(*call, 3, "--overwrite").exit_code == 0
    assert (out / "model.safetensors").read_bytes() != first


def test_unreadable_pictures_are_listed_under_a_cap(
    run: Callable[..., Result], data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in sorted((data / "pairs").glob("*.png"))[:20]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "cut.png").write_bytes((folder / "000.png").read_bytes()[:60])
    call = ["train", "pic2word", "--images", folder, *QUICK, "--steps", 2, "--out", tmp_path / "phi"]
    done = run(*call)
    assert done.exit_code == 1 and "2 of 22 pictures cannot be read, more than 5%" in done.stderr
    done = run(*call, "--max-unreadable", 0.2)
    assert done.exit_code == 0, done.stderr
    assert "2 of 22 pictures could not be read" in done.stderr
    listed = (tmp_path / "phi.run" / "skipped.tsv").read_text()
    assert "bad.png\t" in listed and "cut.png\t" in listed
    assert json.loads((tmp_path / "phi" / "training.json").read_text())["skipped"] == 2


def test_augmentation_recomputes(run: Callable[..., Result], data: Path, tmp_path: Path) -> None:
    curves = []
    for name in ("plain", "one", "two"):
        extra = [] if name == "plain" else ["--augment"]
        call = ["train", "pic2word", "--images", data / "pairs", *QUICK, "--steps", 3, *extra]
        assert run(*call, "--out", tmp_path / name).exit_code == 0
        report = json.loads((tmp_path / name / "training.json").read_text())
        assert report["augmented"] is (name != "plain")
        curves.append(report["curve"])
    assert curves[0] != curves[1] == curves[2]


DRIVER = """
import sys
sys.path[:0] = {paths!r}
import torch
torch.set_num_threads(1)
from tiny_torch import TinyTextTower
from sightword.methods import torch_words
from sightword.training import pic2word
torch_words.text_tower = lambda backbone, **_: TinyTextTower()
import time
from sightword.training import loop
draw = loop.seed_of
def slow(*numbers):
    time.sleep({pause})
    return draw(*numbers)
loop.seed_of = slow
from sightword.cli import main
sys.argv = ["sightword", *{arguments!r}]
main()
"""


def test_sigterm_saves_and_resume_continues(
    data: Path, held_out: Path, tmp_path: Path, tiny_backbone_dir: Path
) -> None:
    """As processes: killed by SIGTERM, resumed, equal to a run that was left alone."""

    def start(out: str, pause: float, *extra: str) -> subprocess.Popen[str]:
        call = ["train", "pic2word", "--features", data / "features.npy", "--out", tmp_path / out, *QUICK]
        call += ["--steps", 120, "--backbone", tiny_backbone_dir, "--checkpoint-every", 50, *extra]
        here = Path(__file__).parent
        program = DRIVER.format(
            paths=[str(here), str(here.parent)], arguments=[str(word) for word in call], pause=pause
        )
        env = {
            **os.environ,
            "SIGHTWORD_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        return subprocess.Popen([sys.executable, "-c", program], env=env, stderr=subprocess.PIPE, text=True)

    whole = start("whole", 0)
    told = whole.communicate(timeout=120)[1]
    assert whole.returncode == 0, told
    cut = start("cut", 0.05)
    checkpoint = tmp_path / "cut.run" / "checkpoint.safetensors"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    cut.send_signal(signal.SIGTERM)
    told = cut.communicate(timeout=60)[1]
    assert cut.returncode == 143 and "Go on with --resume" in told
    assert not (tmp_path / "cut").exists()
    refused = start("cut", 0)
    told = refused.communicate(timeout=60)[1]
    assert refused.returncode == 2 and "An unfinished run is kept" in told
    resumed = start("cut", 0, "--resume")
    told = resumed.communicate(timeout=120)[1]
    assert resumed.returncode == 0, told
    same = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert same[0] == same[1]
    assert not checkpoint.exists()


def test_two_processes_train_as_one(data: Path, tmp_path: Path, tiny_backbone_dir: Path) -> None:
    """As a launcher starts them: the result of one process, written once."""
    here = Path(__file__).parent

    def launch(out: str, size: int) -> dict[str, Any]:
        call = ["train", "pic2word", "--features", data / "features.npy", "--out", tmp_path / out, "--json"]
        call += [*QUICK, "--steps", 6, "--backbone", tiny_backbone_dir, "--dropout", 0]
        program = DRIVER.format(
            paths=[str(here), str(here.parent)], arguments=[str(word) for word in call], pause=0
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        own = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size)}
        own |= {"PYTHONPATH": os.pathsep.join(sys.path), "SIGHTWORD_CACHE": str(tmp_path / "cache")}
        running = [
            subprocess.Popen(
                [sys.executable, "-c", program], env={**os.environ, **own, "RANK": str(rank)}, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for rank in range(size)
        ]  # fmt: skip
        told = [process.communicate(timeout=120) for process in running]
        assert [process.returncode for process in running] == [0] * size, told
        assert all(not out for out, _ in told[1:])
        return json.loads(told[0][0])  # type: ignore[no-any-return]

    one, two = launch("one", 1), launch("two", 2)
    assert two["processes"] == 2
    np.testing.assert_allclose(two["curve"], one["curve"], rtol=1e-3)


def test_tensorboard(run: Callable[..., Result], data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="--tensorboard needs the extra train")
    call = ["train", "pic2word", "--features", data / "features.npy", *QUICK, "--steps", 3, "--tensorboard"]
    done = run(*call, "--out", tmp_path / "phi")
    assert done.exit_code == 0, done.stderr
    assert list((tmp_path / "phi.run" / "tensorboard").glob("events.*"))


def test_stored_shapes(run: Callable[..., Result], data: Path, tmp_path: Path) -> None:
    from sightword.methods.phi import Phi

    call = ["train", "pic2word", "--features", data / "features.npy", *QUICK, "--steps", 2]
    call += ["--tokens", 4, "--half"]
    assert run(*call, "--out", tmp_path / "phi").exit_code == 0
    phi = Phi.load(tmp_path / "phi")
    assert phi(np.ones((3, D), np.float32)).shape == (3, 4, W)
