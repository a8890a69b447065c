"""ONNX graphs whose weights are the safetensors files themselves (external data), so there is one copy.

Weights are float16 and widened inside the graph; batch (and text length) are dynamic. The arithmetic is that
of ``sightword/backbones/torch_starter.py``.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import common  # noqa: F401  (puts src on the path)
import numpy as np
import onnx
from onnx import TensorProto, helper

from sightword.backbones.torch_starter import (
    LAYER_NORM_EPS,
    LITE0_STAGES,
    POOLED,
    STYLE_STAGES,
    TOP_CLASSES,
    lite0_convolutions,
)

SEEN = POOLED + 2 * sum(LITE0_STAGES[stage][3] for stage in STYLE_STAGES)
KINDS = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}


class Graph:
    """Builds one ONNX graph over one safetensors file."""

    def __init__(self, weights: Path) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.weights = weights
        with weights.open("rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            self.header = json.loads(file.read(size))
        self.data_at = 8 + size
        self.used: dict[str, str] = {}
        self.count = 0

    def add(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        """One node; the name of its output."""
        self.count += 1
        name = out or f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: Any) -> str:
        """A small constant inside the graph."""
        self.count += 1
        name = f"constant_{self.count}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weight(self, name: str) -> str:
        """A tensor of the safetensors file, widened to float32."""
        if name not in self.used:
            entry = self.header[name]
            start, end = entry["data_offsets"]
            tensor = TensorProto(name=name, data_type=KINDS[entry["dtype"]], dims=entry["shape"])
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (
                ("location", self.weights.name),
                ("offset", self.data_at + start),
                ("length", end - start),
            ):
                tensor.external_data.add(key=key, value=str(value))
            self.constants.append(tensor)
            self.used[name] = self.add("Cast", name, to=TensorProto.FLOAT)
        return self.used[name]

    def linear(self, x: str, name: str) -> str:
        """``x @ weight + bias``."""
        return self.add(
            "Add", self.add("MatMul", x, self.weight(f"{name}.weight")), self.weight(f"{name}.bias")
        )

    def gelu(self, x: str) -> str:
        """The exact (erf) form."""
        scaled = self.add("Mul", x, self.constant(0.7071067811865476, np.float32))
        half = self.add("Mul", x, self.constant(0.5, np.float32))
        return self.add("Mul", half, self.add("Add", self.add("Erf", scaled), self.constant(1.0, np.float32)))

    def unit(self, x: str) -> str:
        """Rows divided by their length."""
        return self.add("LpNormalization", x, axis=-1, p=2)

    def save(self, path: Path, inputs: list[Any], output: str, dim: int) -> None:
        """Write the graph beside its weights."""
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", dim])
        graph = helper.make_graph(self.nodes, path.stem, inputs, [result], self.constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="sightword starter recipe"
        )
        model.ir_version = 9
        path.write_bytes(model.SerializeToString())
        onnx.checker.check_model(str(path), full_check=True)


def _looks(graph: Graph, x: str) -> list[str]:
    """Mean and standard deviation of every channel of a map."""
    mean = graph.add("ReduceMean", x, axes=[2, 3], keepdims=0)
    square = graph.add("ReduceMean", graph.add("Mul", x, x), axes=[2, 3], keepdims=0)
    spread = graph.add("Sub", square, graph.add("Mul", mean, mean))
    spread = graph.add("Max", spread, graph.constant(0.0, np.float32))
    return [mean, graph.add("Sqrt", graph.add("Add", spread, graph.constant(1e-6, np.float32)))]


def _trunk(graph: Graph) -> tuple[str, list[str]]:
    """Pooled last layer, and mean and spread of the early maps."""
    x = shortcut = "pixels"
    looks: list[str] = []
    ends = {f"trunk.blocks.{stage}.{LITE0_STAGES[stage][4] - 1}.project" for stage in STYLE_STAGES}
    for name, stride, depthwise, activated, residual in lite0_convolutions():
        if name.endswith(".expand") or (name.endswith(".depthwise") and ".0.0." in name):
            shortcut = x
        shape = graph.header[f"{name}.weight"]["shape"]
        x = graph.add(
            "Conv", x, graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias"),
            kernel_shape=shape[2:], strides=[stride, stride], auto_pad="SAME_UPPER",
            group=shape[0] if depthwise else 1,
        )  # fmt: skip
        if activated:
            x = graph.add("Clip", x, graph.constant(0.0, np.float32), graph.constant(6.0, np.float32))
        if residual:
            x = graph.add("Add", x, shortcut)
        if name in ends:
            looks += _looks(graph, x)
    pooled = graph.add("Flatten", graph.add("GlobalAveragePool", x), axis=1)
    return pooled, looks


PIXELS = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, "height", "width"])


def write_trunk(weights: Path, path: Path) -> None:
    """Only the trunk: pixels -> [B, SEEN]; used to cache features while training."""
    graph = Graph(weights)
    pooled, looks = _trunk(graph)
    graph.save(path, [PIXELS], graph.add("Concat", pooled, *looks, axis=1, out="features"), SEEN)


def write_image(weights: Path, path: Path) -> None:
    """The image tower: pixels [B, 3, H, W] -> [B, D]."""
    graph = Graph(weights)
    features, looks = _trunk(graph)
    root = graph.add("Sqrt", graph.add("Add", features, graph.constant(1e-6, np.float32)))
    seen = graph.add("Concat", root, *looks, axis=1)
    hidden = graph.gelu(graph.linear(seen, "head.hidden"))
    head = graph.unit(graph.linear(hidden, "head.out"))
    logits = graph.linear(features, "classifier")
    graph.nodes.append(
        helper.make_node(
            "TopK", [logits, graph.constant([TOP_CLASSES], np.int64)], ["top", "classes"], axis=-1, name="top"
        )
    )
    shares = graph.add("Softmax", "top", axis=-1)
    vectors = graph.add("Gather", graph.weight("class_names.weight"), "classes", axis=0)
    axis = graph.constant([1], np.int64)
    mixed = graph.add("Squeeze", graph.add("MatMul", graph.add("Unsqueeze", shares, axis), vectors), axis)
    confidence = graph.add("ReduceMax", shares, axes=[1], keepdims=1)
    photo = graph.add("MatMul", seen, graph.add("Unsqueeze", graph.weight("gate.direction"), axis))
    photo = graph.add("Add", photo, graph.weight("gate.offset"))
    by_photo, by_confidence, bias, weight = (
        graph.add("Gather", graph.weight("gate.weight"), graph.constant([i], np.int64), axis=0)
        for i in range(4)
    )
    opening = graph.add("Add", graph.add("Mul", photo, by_photo), graph.add("Mul", confidence, by_confidence))
    gate = graph.add("Sigmoid", graph.add("Add", opening, bias))
    branch = graph.add("Mul", graph.unit(mixed), graph.add("Mul", gate, weight))
    dim = graph.header["head.out.bias"]["shape"][0]
    graph.save(path, [PIXELS], graph.add("Add", head, branch, out="features"), dim)


def write_text(weights: Path, path: Path, heads: int = 12) -> None:
    """The text tower: embeddings [B, T, W] and lengths [B] -> [B, D]."""
    graph = Graph(weights)
    width = graph.header["embedding_norm.bias"]["shape"][0]
    depth = width // heads
    tokens = graph.add("Shape", "embeddings", start=1, end=2)
    zero = graph.constant([0], np.int64)
    steps = graph.add(
        "Range", graph.constant(0, np.int64), graph.add("Squeeze", tokens, zero), graph.constant(1, np.int64)
    )
    lengths = graph.add("Unsqueeze", "lengths", graph.constant([1], np.int64))
    inside = graph.add("Cast", graph.add("Less", steps, lengths), to=TensorProto.FLOAT)
    outside = graph.add("Sub", inside, graph.constant(1.0, np.float32))
    # A large finite number: minus infinity would turn to NaN in reduced precision.
    bias = graph.add("Mul", outside, graph.constant(30000.0, np.float32))
    bias = graph.add("Unsqueeze", bias, graph.constant([1, 2], np.int64))

    def norm(x: str, name: str) -> str:
        return graph.add(
            "LayerNormalization", x, graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias"),
            axis=-1, epsilon=LAYER_NORM_EPS,
        )  # fmt: skip

    places = graph.add("Slice", graph.weight("positions.weight"), zero, tokens, zero)
    x = norm(graph.add("Add", "embeddings", places), "embedding_norm")
    split = graph.constant([0, 0, 3, heads, depth], np.int64)
    merged = graph.constant([0, 0, width], np.int64)
    layer = 0
    while f"layers.{layer}.qkv.bias" in graph.header:
        name = f"layers.{layer}"
        qkv = graph.add("Transpose", graph.add("Reshape", graph.linear(x, f"{name}.qkv"), split),
                        perm=[2, 0, 3, 1, 4])  # fmt: skip
        query, key, value = (graph.add("Gather", qkv, graph.constant(i, np.int64), axis=0) for i in range(3))
        scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        scores = graph.add("Mul", scores, graph.constant(depth**-0.5, np.float32))
        shares = graph.add("Softmax", graph.add("Add", scores, bias), axis=-1)
        mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
        mixed = graph.linear(graph.add("Reshape", mixed, merged), f"{name}.attended")
        x = norm(graph.add("Add", x, mixed), f"{name}.attended_norm")
        inner = graph.gelu(graph.linear(x, f"{name}.inner"))
        x = norm(graph.add("Add", x, graph.linear(inner, f"{name}.outer")), f"{name}.outer_norm")
        layer += 1
    keep = graph.add("Unsqueeze", inside, graph.constant([2], np.int64))
    axes = graph.constant([1], np.int64)
    total = graph.add("ReduceSum", graph.add("Mul", x, keep), axes, keepdims=0)
    count = graph.add("ReduceSum", keep, axes, keepdims=0)
    inputs = [
        helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["batch", "tokens", width]),
        helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
    ]
    graph.save(path, inputs, graph.add("Div", total, count, out="features"), width)
