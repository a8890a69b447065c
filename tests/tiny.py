"""A backbone small enough to build in a test, in the real portable format.

No torch and no ONNX are needed: the towers are built with OpenVINO's opset and serialised. D = 16 and W = 12
differ on purpose, so that a swapped shape fails. The towers mean something:

* a picture's feature holds the mean colour of its four quarters, its contrast and a constant;
* colour words (`COLOURS`) point to pictures of that colour, ``dark`` and ``bright`` to black and white.

`image_reference` and `text_reference` compute both towers in numpy, as an independent oracle.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sightword.backbones.base import Array, BackboneSpec, PreprocessSpec
from sightword.backbones.golden import pattern
from sightword.backbones.patches import TENSOR
from sightword.backbones.spec import weights_hash, write_spec

D, W, SIZE, CONTEXT = 16, 12, 32, 24

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (1, -1, -1),
    "green": (-1, 1, -1),
    "blue": (-1, -1, 1),
    "yellow": (1, 1, -1),
    "purple": (1, -1, 1),
    "cyan": (-1, 1, 1),
    "white": (1, 1, 1),
    "black": (-1, -1, -1),
    "bright": (0.6, 0.6, 0.6),
    "dark": (-0.6, -0.6, -0.6),
}
WORDS = """
a an the photo picture drawing line painting cartoon sketch of in on with and without that is has this it but
as at night more less cat dog ball car house tree people same like not no one two three big small old new from
""".split()  # noqa: SIM905
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz0123456789,.'-!?$*(){}&<>;\"")
VOCABULARY = list(dict.fromkeys([*SPECIALS, *LETTERS, *(f"##{c}" for c in LETTERS[:36]), *COLOURS, *WORDS]))
PROBE_TEXTS = [
    "a photo of a red ball",
    "dark",
    "a line drawing of a cat and a dog , the same but blue at night",
]

Kind = Literal["mean", "last"]
"""``mean``: padding mask, mean pooling. ``last``: no mask, last position of the padded context."""


def table() -> Array:
    """The token embedding, float32 [V, W] holding float16 values."""
    rows = np.random.default_rng(7).normal(0, 0.15, (len(VOCABULARY), W))
    rows[:, :3] = 0
    for word, colour in COLOURS.items():
        rows[VOCABULARY.index(word), :3] = colour
    return rows.astype(np.float16).astype(np.float32)


def _weights() -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(11)
    positions = rng.normal(0, 0.02, (CONTEXT, W))
    mixer = rng.normal(0, 0.1, (W, W))
    projection = np.zeros((W, D))
    for channel in range(3):
        projection[channel, channel:12:3] = 1.0
    projection[3:] = rng.normal(0, 0.1, (W - 3, D))
    bias = np.zeros(D)
    bias[15] = 0.05
    return tuple(item.astype(np.float32) for item in (positions, mixer, projection, bias))  # type: ignore[return-value]


def image_reference(pixels: Array) -> Array:
    """The image tower in numpy: float32 [B, 3, H, W] -> [B, 16]."""
    batch, _, height, width = pixels.shape
    quarters = pixels.reshape(batch, 3, 2, height // 2, 2, width // 2).mean(axis=(3, 5))
    colour = quarters.transpose(0, 2, 3, 1).reshape(batch, 12)
    deviation = np.sqrt(((pixels - pixels.mean(axis=(2, 3), keepdims=True)) ** 2).mean(axis=(2, 3)))
    constant = np.full((batch, 1), 0.3, np.float32)
    return np.concatenate([colour, 0.5 * deviation, constant], axis=1).astype(np.float32)


def text_reference(embeddings: Array, lengths: Any, kind: Kind = "mean") -> Array:
    """The text tower in numpy: float32 [B, T, W] and int64 [B] -> [B, 16]."""
    positions, mixer, projection, bias = _weights()
    x = embeddings + positions[: embeddings.shape[1]]
    x = x + np.tanh(x @ mixer)
    if kind == "mean":
        mask = (np.arange(x.shape[1]) < np.asarray(lengths)[:, None]).astype(np.float32)[..., None]
        pooled = (x * mask).sum(axis=1) / mask.sum(axis=1)
    else:
        pooled = x[:, -1] + x.mean(axis=1)
    result: Array = (pooled @ projection + bias).astype(np.float32)
    return result


def write_tiny_backbone(directory: Path, kind: Kind = "mean", name: str = "tiny", **changes: Any) -> Path:
    """Write a tiny backbone directory and return it; `changes` override fields of the spec."""
    from safetensors.numpy import save_file

    directory.mkdir(parents=True, exist_ok=True)
    _write_towers(directory, kind)
    _tokenizer().save(str(directory / "tokenizer.json"))
    save_file({"weight": table().astype(np.float16)}, str(directory / "token_embedding.safetensors"))
    spec = BackboneSpec(
        name=name,
        dim=D,
        token_dim=W,
        context=CONTEXT,
        prefix_ids=(VOCABULARY.index("[CLS]"),),
        suffix_ids=(VOCABULARY.index("[SEP]"),),
        pad_id=0,
        mask="padding" if kind == "mean" else "none",
        pool="mean" if kind == "mean" else "last",
        pad_to="longest" if kind == "mean" else "context",
        clean="none",
        weights_hash=weights_hash(
            directory, ["image.xml", "image.bin", "text.xml", "text.bin", "token_embedding.safetensors"]
        ),
        licence="Apache-2.0",
        patches=0,
        source="tests/tiny.py",
        preprocess=PreprocessSpec(size=SIZE),
        golden=_golden(kind),
    )
    write_spec(directory, replace(spec, **changes))
    return directory


def write_tiny_phi(directory: Path, weights_hash: str, **changes: Any) -> Path:
    """Write a phi directory whose pseudo-word is the picture's mean colour; `changes` override its config."""
    from safetensors.numpy import save_file

    directory.mkdir(parents=True, exist_ok=True)
    mean = np.zeros((3, D), np.float32)
    for channel in range(3):
        mean[channel, channel:12:3] = 0.25
    back = np.zeros((W, 6), np.float32)
    back[:3, :3], back[:3, 3:] = np.eye(3), -np.eye(3)  # relu(x) - relu(-x) = x
    tensors = {
        "layers.0.weight": np.concatenate([mean, -mean]),
        "layers.0.bias": np.zeros(6, np.float32),
        "layers.1.weight": back,
        "layers.1.bias": np.zeros(W, np.float32),
    }
    save_file(tensors, str(directory / "model.safetensors"))
    config = {
        "schema": 1,
        "kind": "phi",
        "method": "pic2word",
        "activation": "relu",
        "dim": D,
        "token_dim": W,
        "tokens": 1,
        "backbone": {"name": "tiny", "weights_hash": weights_hash},
    }
    (directory / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    (directory / "README.md").write_text("The tiny phi of the tests.\n", encoding="utf-8")
    return directory


def picture(colour: str, size: int = SIZE) -> Array:
    """A plain picture of that colour as the image tower takes it, float32 [3, size, size]."""
    plain = np.asarray(COLOURS[colour], np.float32)[:, None, None]
    return np.broadcast_to(plain, (3, size, size)).copy()


def pictures_of_colours(count: int, seed: int = 0) -> Array:
    """Pictures whose four quarters have random colours, float32 [count, 3, SIZE, SIZE]."""
    rng = np.random.default_rng(seed)
    whole = rng.uniform(-1, 1, (count, 3, 1, 1))
    quarters = np.clip(whole + rng.normal(0, 0.2, (count, 3, 2, 2)), -1, 1)
    noise = rng.normal(0, 0.05, (count, 3, SIZE, SIZE))
    return (quarters.repeat(SIZE // 2, axis=2).repeat(SIZE // 2, axis=3) + noise).astype(np.float32)


def ids(text: str) -> list[int]:
    """Ids of a text made of whole words of the vocabulary, with the special tokens."""
    return [VOCABULARY.index(word) for word in ("[CLS]", *text.split(), "[SEP]")]


def _golden(kind: Kind) -> dict[str, Any]:
    rows = table()
    texts = []
    for text in PROBE_TEXTS:
        length = len(ids(text))
        padded = ids(text) + [0] * (CONTEXT - length if kind == "last" else 0)
        feature = text_reference(rows[padded][None], [length], kind)[0]
        texts.append({"text": text, "feature": [float(value) for value in feature]})
    pictures = image_reference(np.stack([pattern(index, SIZE) for index in range(2)]))
    images = [
        {"pattern": index, "feature": [float(value) for value in feature]}
        for index, feature in enumerate(pictures)
    ]
    row = VOCABULARY.index("red")
    filled = ids("a photo of red that is dark")
    padded = filled + [0] * (CONTEXT - len(filled) if kind == "last" else 0)
    feature = text_reference(rows[padded][None], [len(filled)], kind)[0]
    slots = [{"prompt": "a photo of {*} that is dark", "row": row, "feature": [float(x) for x in feature]}]
    return {"images": images, "texts": texts, "slots": slots}


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(
        models.WordPiece({word: index for index, word in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(SPECIALS)
    return tokenizer


def _write_towers(directory: Path, kind: Kind) -> None:
    import openvino as ov
    from openvino import opset13 as op

    def const(value: Any, dtype: Any = np.float32) -> Any:
        return op.constant(np.asarray(value, dtype))

    pixels = op.parameter([-1, 3, SIZE, SIZE], ov.Type.f32, name="pixels")
    halves = op.reshape(pixels, const([0, 3, 2, SIZE // 2, 2, SIZE // 2], np.int64), True)
    colour = op.reduce_mean(halves, const([3, 5], np.int64), False)
    colour.output(0).set_names({TENSOR})  # the four quarters are the tower's patches
    colour = op.reshape(op.transpose(colour, const([0, 2, 3, 1], np.int64)), const([0, 12], np.int64), True)
    mean = op.reduce_mean(pixels, const([2, 3], np.int64), True)
    spread = op.subtract(pixels, mean)
    deviation = op.sqrt(op.reduce_mean(op.multiply(spread, spread), const([2, 3], np.int64), False))
    constant = op.add(op.multiply(op.slice(colour, [0], [1], [1], [1]), const(0.0)), const(0.3))
    out = op.concat([colour, op.multiply(deviation, const(0.5)), constant], 1)
    ov.serialize(ov.Model([out], [pixels], "image"), str(directory / "image.xml"))

    positions, mixer, projection, bias = _weights()
    embeddings = op.parameter([-1, -1, W], ov.Type.f32, name="embeddings")
    lengths = op.parameter([-1], ov.Type.i64, name="lengths")
    count = op.gather(op.shape_of(embeddings), const(1, np.int64), const(0, np.int64))
    steps = op.range(const(0, np.int64), count, const(1, np.int64), "i64")
    x = op.add(embeddings, op.gather(const(positions), steps, const(0, np.int64)))
    x = op.add(x, op.tanh(op.matmul(x, const(mixer), False, False)))
    if kind == "mean":
        inside = op.less(
            op.unsqueeze(steps, const([0], np.int64)), op.unsqueeze(lengths, const([1], np.int64))
        )
        mask = op.unsqueeze(op.convert(inside, "f32"), const([2], np.int64))
        total = op.reduce_sum(op.multiply(x, mask), const([1], np.int64), False)
        pooled = op.divide(total, op.reduce_sum(mask, const([1], np.int64), False))
    else:
        # `lengths` must stay an input of the graph although this tower does not look at it.
        unused = op.multiply(op.convert(op.unsqueeze(lengths, const([1], np.int64)), "f32"), const(0.0))
        last = op.gather(x, const(-1, np.int64), const(1, np.int64))
        pooled = op.add(op.add(last, op.reduce_mean(x, const([1], np.int64), False)), unused)
    out = op.add(op.matmul(pooled, const(projection), False, False), const(bias))
    ov.serialize(ov.Model([out], [embeddings, lengths], "text"), str(directory / "text.xml"))
