"""From a float graph to an int8 one that gives the same entities.

Each row of activations, which is a token, is rounded with a scale of its own, so that rounding a token depends on no
other. A few features of a transformer are far larger than all others (Dettmers et al. 2022, LLM.int8()); they would
coarsen the rest of the rows, so the largest are taken apart and stay floats. Matrices are rounded by column, embedding
tables by row; heads stay as they are. docs/experiments.md has what each part costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from clinspan.codepoints import Ints
from clinspan.training.activations import TINY, Activations, seen_activations

STEPS: Final = 64  # of each sign, for weights
_LARGEST: Final = 127
_LEVELS: Final = 255
_SMALL: Final = 10_000  # tables with fewer numbers are left as they are
_CONTRIB: Final = "com.microsoft"  # operators of ONNX Runtime
_PARTS: Final = 3  # inputs of fused attention: rows, matrix, bias; then perhaps a mask
_SHARED: Final = ("num_heads", "mask_filter_value", "scale")  # attributes

Array = npt.NDArray[Any]


def quantize(source: Path, target: Path, outputs: Sequence[str]) -> None:
    """Write an int8 graph, which reads one sequence, or several of one length: fused attention loses its mask.

    Weights use 7 of the 8 bits, so that processors without VNNI instructions, whose 16-bit sums would saturate, give
    the same result as those with them.

    Args:
        source: the float graph, of an opset below 18.
        target: file to write.
        outputs: names of its outputs.
    """
    model = onnx.load(source)
    name_nodes(model.graph)
    split_attention(model.graph)
    heads = head_nodes(model.graph, set(outputs))
    rounded = [node for node in products(model.graph) if node.name not in heads]
    seen = seen_activations(model, list(dict.fromkeys(node.input[0] for node in rounded)))
    round_products(model.graph, {node.name for node in rounded}, seen)
    round_tables(model.graph)
    prune(model.graph)
    if all(entry.domain != _CONTRIB for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_CONTRIB, 1))
    onnx.save(model, target)


def name_nodes(graph: Any) -> None:
    """Give each node without a name one of its own."""
    for i, node in enumerate(graph.node):
        node.name = node.name or f"{node.op_type}_{i}_{node.output[0]}"


def products(graph: Any) -> list[Any]:
    """Return the products of activations with a constant matrix."""
    constant = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 2}
    return [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in constant]


def head_nodes(graph: Any, wanted: set[str]) -> list[str]:
    """Return the nodes that compute the outputs, from each output up to its matrix product."""
    found = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            found.append(node.name)
            if node.op_type not in ("MatMul", "Gemm"):
                wanted |= set(node.input)
    return found


def split_attention(graph: Any) -> None:
    """Compute the queries, keys and values of fused attention by a product of its own.

    The mask goes: sequences are run one by one, unpadded, and attention without a mask is faster.
    """
    nodes = []
    for node in graph.node:
        nodes += _split(node) if _is_plain(node) else [node]
    _replace(graph, nodes)


def _is_plain(node: Any) -> bool:
    """Whether a node is fused attention of rows with a matrix and a bias, and of a mask at most."""
    inputs, attributes = [*node.input], {attribute.name for attribute in node.attribute}
    few = len(inputs) >= _PARTS and all(inputs[:_PARTS]) and not any(inputs[_PARTS + 1 :])
    return node.op_type == "Attention" and few and attributes <= {*_SHARED}


def _split(node: Any) -> list[Any]:
    rows, matrix, bias = node.input[:_PARTS]
    parts = [f"{node.name}_{part}" for part in ("query", "key", "value")]
    kept = {a.name: helper.get_attribute_value(a) for a in node.attribute if a.name in _SHARED}
    make = helper.make_node
    return [
        make("MatMul", [rows, matrix], [f"{node.name}_parts"], f"{node.name}_product"),
        make("Split", [f"{node.name}_parts"], parts, f"{node.name}_split", axis=-1),
        make("MultiHeadAttention", [*parts, bias], list(node.output), node.name, domain=_CONTRIB, **kept),
    ]


def round_products(graph: Any, names: set[str], seen: Mapping[str, Activations]) -> None:
    """Compute products in whole numbers.

    Args:
        graph: to change.
        names: of the products.
        seen: what the activations that they read are like.
    """
    matrices = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer if len(tensor.dims) == 2}
    nodes, rounded = [], dict[str, _Rows]()
    for node in graph.node:
        if node.name not in names:
            nodes.append(node)
            continue
        name, matrix = node.input[0], matrices[node.input[1]]
        if name not in rounded:
            rounded[name] = _Rows(name, seen[name], len(matrix))
            graph.initializer.extend(rounded[name].constants())
            nodes += rounded[name].nodes()
        product = _Product(node, matrix, rounded[name])
        graph.initializer.extend(product.constants())
        nodes += product.nodes()
    _replace(graph, nodes)


@dataclass(frozen=True)
class _Rows:
    """Activations, rounded row by row: each divided by its largest value, then all by one step."""

    name: str
    seen: Activations
    width: int

    def constants(self) -> Iterator[Any]:
        step = (1 - self.seen.low) / _LEVELS
        most = np.isin(np.arange(self.width), self.seen.few, invert=True).astype(np.float32)
        values = {"tiny": np.float32(TINY), "step": np.float32(step), "zero": np.uint8(round(-self.seen.low / step))}
        return _tensors(self.name, {**values, "few": self.seen.few, "most": most})

    def nodes(self) -> Iterator[Any]:
        name, make = self.name, helper.make_node
        rest = f"{name}_rest"
        yield make("Mul", [name, f"{name}_most"], [rest], rest)
        yield make("Gather", [name, f"{name}_few"], [f"{name}_large"], f"{name}_large", axis=-1)
        yield make("Abs", [rest], [f"{name}_sizes"], f"{name}_sizes")
        yield make("ReduceMax", [f"{name}_sizes"], [f"{name}_largest"], f"{name}_largest", axes=[-1], keepdims=1)
        yield make("Max", [f"{name}_largest", f"{name}_tiny"], [f"{name}_scale"], f"{name}_scale")
        yield make("Div", [rest, f"{name}_scale"], [f"{name}_unit"], f"{name}_unit")
        yield make("QuantizeLinear", [f"{name}_unit", f"{name}_step", f"{name}_zero"], [f"{name}_rows"], f"{name}_rows")


@dataclass(frozen=True)
class _Product:
    """Rounded rows times a rounded matrix, and the features that were taken apart times theirs."""

    node: Any
    matrix: Array
    rows: _Rows

    def constants(self) -> Iterator[Any]:
        few = self.rows.seen.few
        scales = _scales(self.matrix, few)
        codes = np.rint(self.matrix / scales).astype(np.int8)
        codes[few] = 0
        values = {"codes": codes, "scales": scales.astype(np.float32), "apart": self.matrix[few]}
        return _tensors(self.node.name, values)

    def nodes(self) -> Iterator[Any]:
        rows, name, make = self.rows.name, self.node.name, helper.make_node
        (result,) = self.node.output
        inputs = [f"{rows}_rows", f"{name}_codes", f"{rows}_step", f"{name}_scales", f"{rows}_zero"]
        yield make("MatMulIntegerToFloat", inputs, [f"{name}_product"], f"{name}_product", domain=_CONTRIB)
        yield make("Mul", [f"{name}_product", f"{rows}_scale"], [f"{name}_whole"], f"{name}_whole")
        yield make("MatMul", [f"{rows}_large", f"{name}_apart"], [f"{name}_rare"], f"{name}_exact")
        yield make("Add", [f"{name}_whole", f"{name}_rare"], [result], name)


def _scales(matrix: Array, few: Ints) -> Array:
    """Return the step of each column, with the rows taken apart or without, whichever fits the others better."""
    rest = np.delete(matrix, few, axis=0)
    tried = [np.abs(rows).max(axis=0, initial=TINY) / STEPS for rows in (matrix, rest)]
    errors = [np.square(np.rint(rest / scales) * scales - rest).sum(axis=0) for scales in tried]
    return np.where(errors[0] <= errors[1], *tried)


def _tensors(name: str, values: Mapping[str, Any]) -> Iterator[Any]:
    yield from (numpy_helper.from_array(np.asarray(value), f"{name}_{part}") for part, value in values.items())


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


def prune(graph: Any) -> None:
    """Drop nodes and inputs that no output needs."""
    needed = {output.name for output in graph.output}
    nodes = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            nodes.append(node)
            needed |= set(node.input)
    _replace(graph, nodes[::-1])
    inputs = [entry for entry in graph.input if entry.name in needed]
    del graph.input[:]
    graph.input.extend(inputs)


def _add_codes(graph: Any, table: Array, name: str) -> None:
    if any(known.name == f"{name}_codes" for known in graph.initializer):
        return
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), TINY) / _LARGEST
    codes = np.rint(table / scales).astype(np.int8)
    graph.initializer.extend(_tensors(name, {"codes": codes, "scales": scales.astype(np.float32)}))


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
