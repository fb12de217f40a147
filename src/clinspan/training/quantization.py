"""From a float graph to an int8 one that gives the same entities.

Each part is rounded as finely as it needs (docs/training.md has what each costs):

- the products of attention, one fused operator: weights by channel, activations by call;
- the other products: weights and activations in blocks of 128 numbers, each with a scale of its own, since few
  features of a transformer are far larger than the rest and would coarsen all others;
- embedding tables: by row;
- heads: not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

_BLOCK: Final = 128
_INT8_SUMS: Final = 4  # the "accuracy level" of MatMulNBits at which activations are rounded to 8 bits, block by block
_CONTRIBUTED: Final = "com.microsoft"  # ONNX Runtime's own operators
_LARGEST: Final = 127
_MIDDLE: Final = 128  # stands for 0 in unsigned codes
_TINY: Final = np.finfo(np.float32).tiny
_SMALL: Final = 10_000  # tables with fewer numbers are left as they are


def quantize(source: Path, target: Path, outputs: Sequence[str]) -> None:
    """Write an int8 graph.

    Weights of attention use 7 of the 8 bits, so that processors without VNNI instructions, whose 16-bit sums would
    saturate, give the same result as those with them.

    Args:
        source: the float graph.
        target: file to write.
        outputs: names of its outputs.
    """
    model = onnx.load(source)
    round_products(model.graph, but=head_nodes(model.graph, set(outputs)))
    round_tables(model.graph)
    if all(known.domain != _CONTRIBUTED for known in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_CONTRIBUTED, 1))
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})  # spares a log line
    quantize_dynamic(
        model,
        target,
        op_types_to_quantize=["Attention"],
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def head_nodes(graph: Any, wanted: set[str]) -> list[str]:
    """Return the nodes that compute the outputs, from each output up to its matrix product."""
    found = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            found.append(node.name)
            if node.op_type not in ("MatMul", "Gemm"):
                wanted |= set(node.input)
    return found


def round_products(graph: Any, *, but: Sequence[str]) -> None:
    """Replace each product with a constant matrix, except some nodes', by one of whole numbers in blocks."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        weight = weights.get(node.input[1]) if node.op_type == "MatMul" and node.name not in but else None
        if weight is None or len(weight.dims) != 2:
            nodes.append(node)
        else:
            graph.initializer.extend(_blocks(numpy_helper.to_array(weight), node.name))
            nodes.append(_blocked(node, *weight.dims))
    _replace(graph, nodes)


def _blocks(weight: np.ndarray[Any, Any], name: str) -> list[Any]:
    """Return the codes of a matrix [in, out], shape [out, blocks, 128], and their scales, shape [out, blocks]."""
    rows, columns = weight.shape
    padded = np.zeros((columns, -(-rows // _BLOCK) * _BLOCK), dtype=np.float32)
    padded[:, :rows] = weight.T
    blocks = padded.reshape(columns, -1, _BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2), _TINY) / _LARGEST
    codes = (np.rint(blocks / scales[..., None]) + _MIDDLE).astype(np.uint8)
    made = numpy_helper.from_array
    return [made(codes, f"{name}_codes"), made(scales.astype(np.float32), f"{name}_scales")]


def _blocked(node: Any, rows: int, columns: int) -> Any:
    return helper.make_node(
        "MatMulNBits",
        [node.input[0], f"{node.name}_codes", f"{node.name}_scales"],
        list(node.output),
        node.name,
        domain=_CONTRIBUTED,
        K=rows,
        N=columns,
        bits=8,
        block_size=_BLOCK,
        accuracy_level=_INT8_SUMS,
    )


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


def _add_codes(graph: Any, table: np.ndarray[Any, Any], name: str) -> None:
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
