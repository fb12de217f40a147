"""From a float graph to an int8 one that gives the same entities.

A few features of a transformer are far larger than all others (Dettmers et al. 2022, LLM.int8()); one scale for the
activations of a call would coarsen the rest. Each product therefore takes its largest features apart, as floats, where
there are such; embedding tables are rounded by row; heads stay as they are. docs/training.md has what each part costs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from clinspan.inference.session import OnnxSession

_FEW: Final = 8  # features taken apart
_USUAL: Final = 32  # the rank of a feature that is large, but not far larger than others
_FAR: Final = 2.0  # times as large
_CALLS: Final = 60  # of random sub-words, which show the same large features as text does
_LENGTH: Final = 48  # no longer than any model reads
_IDS: Final = "input_ids"
_LARGEST: Final = 127
_TINY: Final = np.finfo(np.float32).tiny
_SMALL: Final = 10_000  # tables with fewer numbers are left as they are

Array = npt.NDArray[Any]


def quantize(source: Path, target: Path, outputs: Sequence[str]) -> None:
    """Write an int8 graph.

    Weights use 7 of the 8 bits, so that processors without VNNI instructions, whose 16-bit sums would saturate, give
    the same result as those with them.

    Args:
        source: the float graph.
        target: file to write.
        outputs: names of its outputs.
    """
    model = onnx.load(source)
    heads = head_nodes(model.graph, set(outputs))
    peaks = largest_features(model, [node for node in products(model.graph) if node.name not in heads])
    apart = take_apart(model.graph, peaks)
    round_tables(model.graph)
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})  # spares a log line
    quantize_dynamic(
        model,
        target,
        op_types_to_quantize=["MatMul", "Attention"],
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        nodes_to_exclude=[*heads, *apart],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def products(graph: Any) -> list[Any]:
    """Return the products of activations with a constant matrix."""
    constant = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 2}
    return [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in constant]


def largest_features(model: Any, nodes: Sequence[Any]) -> dict[str, Array]:
    """Return how large each feature of the products' inputs becomes, by product.

    Args:
        model: reads sub-word ids.
        nodes: products.
    """
    names = list(dict.fromkeys(node.input[0] for node in nodes))
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(watched, Path(folder, "watched.onnx"))
        session = OnnxSession.open(Path(folder, "watched.onnx"))
    vocabulary, rng = _vocabulary(model.graph), np.random.default_rng(0)
    calls = [session.run(rng.integers(0, vocabulary, _LENGTH), names) for _ in range(_CALLS)]
    peaks = {name: np.max([np.abs(call[name]).max(axis=0) for call in calls], axis=0) for name in names}
    return {node.name: peaks[node.input[0]] for node in nodes}


def _vocabulary(graph: Any) -> int:
    """Return how many sub-words a graph knows: the rows of the table that it looks them up in."""
    rows = {tensor.name: tensor.dims[0] for tensor in graph.initializer if len(tensor.dims) == 2}
    lookups = (node.input for node in graph.node if node.op_type == "Gather")
    return next((int(rows[table]) for table, ids in lookups if table in rows and ids == _IDS), min(rows.values()))


@dataclass(frozen=True)
class _Parts:
    """A product in two: most features, to be rounded, and a few, which stay floats."""

    node: Any
    weight: Array
    few: npt.NDArray[np.int64]

    def tensors(self) -> list[Any]:
        most = np.ones((len(self.weight), 1), dtype=np.float32)
        most[self.few] = 0
        arrays: dict[str, Array] = {"most": most[:, 0], "weight": self.weight * most, "few": self.few}
        arrays["few_weight"] = self.weight[self.few]
        return [numpy_helper.from_array(array, f"{self.node.name}_{name}") for name, array in arrays.items()]

    def nodes(self) -> list[Any]:
        features, name, make = self.node.input[0], self.node.name, helper.make_node
        return [
            make("Mul", [features, f"{name}_most"], [f"{name}_rest"], f"{name}_masked"),
            make("MatMul", [f"{name}_rest", f"{name}_weight"], [f"{name}_sum"], f"{name}_rounded"),
            make("Gather", [features, f"{name}_few"], [f"{name}_large"], f"{name}_picked", axis=-1),
            make("MatMul", [f"{name}_large", f"{name}_few_weight"], [f"{name}_rare"], self.exact),
            make("Add", [f"{name}_sum", f"{name}_rare"], list(self.node.output), name),
        ]

    @property
    def exact(self) -> str:
        return f"{self.node.name}_exact"


def take_apart(graph: Any, peaks: dict[str, Array]) -> list[str]:
    """Compute the few far larger features of products by themselves; return the nodes that do, not to be rounded."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes, exact = [], []
    for node in graph.node:
        largest = np.sort(peaks.get(node.name, np.zeros(0)))[::-1]
        if len(largest) <= _USUAL or largest[0] < _FAR * largest[_USUAL]:
            nodes.append(node)
            continue
        few = np.sort(np.argsort(-peaks[node.name], kind="stable")[:_FEW])
        parts = _Parts(node, numpy_helper.to_array(weights[node.input[1]]), few)
        graph.initializer.extend(parts.tensors())
        nodes += parts.nodes()
        exact.append(parts.exact)
    _replace(graph, nodes)
    return exact


def head_nodes(graph: Any, wanted: set[str]) -> list[str]:
    """Return the nodes that compute the outputs, from each output up to its matrix product."""
    found = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            found.append(node.name)
            if node.op_type not in ("MatMul", "Gemm"):
                wanted |= set(node.input)
    return found


def round_tables(graph: Any) -> None:
    """Replace each look-up in a float table by one in whole numbers, scaled by row."""
    tables = {table.name: table for table in graph.initializer}
    nodes = []
    for node in graph.node:
        table = tables.get(node.input[0]) if node.op_type == "Gather" else None
        if table is None or len(table.dims) != 2 or table.dims[0] * table.dims[1] < _SMALL:
            nodes.append(node)
        else:
            _add_codes(graph, numpy_helper.to_array(table), table.name)
            nodes += _looked_up(node)
    _replace(graph, nodes)


def _replace(graph: Any, nodes: Sequence[Any]) -> None:
    """Put nodes in place of all nodes, and drop the constants that none of them reads."""
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    for field, values in ((graph.node, nodes), (graph.initializer, kept)):
        del field[:]
        field.extend(values)


def _add_codes(graph: Any, table: Array, name: str) -> None:
    if any(known.name == f"{name}_codes" for known in graph.initializer):
        return
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), _TINY) / _LARGEST
    codes = np.rint(table / scales).astype(np.int8)
    graph.initializer.append(numpy_helper.from_array(codes, f"{name}_codes"))
    graph.initializer.append(numpy_helper.from_array(scales.astype(np.float32), f"{name}_scales"))


def _looked_up(node: Any) -> list[Any]:
    """Return the nodes that look rows up in whole numbers and scale them."""
    table, ids = node.input
    (result,) = node.output
    make = helper.make_node
    return [
        make("Gather", [f"{table}_codes", ids], [f"{result}_codes"], f"{node.name}_codes"),
        make("Cast", [f"{result}_codes"], [f"{result}_cast"], f"{node.name}_cast", to=TensorProto.FLOAT),
        make("Gather", [f"{table}_scales", ids], [f"{result}_scales"], f"{node.name}_scales"),
        make("Mul", [f"{result}_cast", f"{result}_scales"], [result], f"{node.name}_scaled"),
    ]
