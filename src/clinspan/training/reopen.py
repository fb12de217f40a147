"""From a model's graph back to the weights of the network it was made from, to train on from a published model.

Weights that were rounded come back as the numbers they were rounded to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from clinspan.training.quantization import split_attention

_NETWORK: Final = "network.model."  # before the names of parameters
_MODULE: Final = "/network/"  # before the names of nodes
_CODES, _SCALES = "_codes", "_scales"
_FLOAT, _INT8 = "MatMul", "MatMulIntegerToFloat"

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


def reopened_weights(path: Path) -> dict[str, Tensor]:
    """Return the weights of a `MultiHeadTagger` of the BERT family by their names in it.

    Args:
        path: the file of a fused graph, int8 or fp32.
    """
    graph = onnx.load(path).graph
    split_attention(graph)
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {**dict(_named(arrays)), **dict(_multiplied(graph, arrays))}
    return {name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in found.items()}


def _named(arrays: Arrays) -> Iterator[tuple[str, Array]]:
    """Yield tables, biases and layer norms, which keep their names."""
    for name in arrays:
        if name.startswith(_NETWORK) and not name.endswith(_SCALES):
            parameter = name.removeprefix(_NETWORK).removesuffix(_CODES)
            yield parameter, _table(name.removesuffix(_CODES), arrays)


def _table(name: str, arrays: Arrays) -> Array:
    codes = arrays.get(name + _CODES)
    return arrays[name] if codes is None else codes * arrays[name + _SCALES]


def _multiplied(graph: Any, arrays: Arrays) -> Iterator[tuple[str, Array]]:
    """Yield the matrices, which go by the node that multiplies with them, as [outputs, inputs]."""
    matrices = dict(_matrices(graph, arrays))
    attention = [node for node in graph.node if f"{node.name}_product" in matrices]
    for layer, node in enumerate(attention):
        weights = np.split(matrices.pop(f"{node.name}_product").T, 3)
        biases = np.split(arrays[node.input[3]], 3)
        for part, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
            name = f"encoder.encoder.layer.{layer}.attention.self.{part}"
            yield f"{name}.weight", weight
            yield f"{name}.bias", bias
    for name, matrix in matrices.items():
        place = name.removeprefix(_MODULE).removesuffix("/MatMul")
        parameter = place.replace("/", ".") if place.startswith("encoder/") else f"heads.{place}"
        yield f"{parameter}.weight", matrix.T


def _matrices(graph: Any, arrays: Arrays) -> Iterator[tuple[str, Array]]:
    """Yield the constant matrices by the name of the product that they had in the float graph, [inputs, outputs]."""
    for node in graph.node:
        if node.op_type == _INT8:
            codes, scales = arrays[node.input[1]], arrays[node.input[3]]
            yield node.input[1].removesuffix(_CODES), _whole(node, codes * scales, arrays)
        elif node.op_type == _FLOAT and node.input[1] in arrays and not node.input[1].endswith("_apart"):
            yield node.name, arrays[node.input[1]]


def _whole(node: Any, matrix: Array, arrays: Arrays) -> Array:
    """Put the rows that were taken apart back."""
    apart = arrays.get(node.input[1].removesuffix(_CODES) + "_apart")
    if apart is not None:
        matrix[arrays[node.input[0].removesuffix("_rows") + "_few"]] = apart
    return matrix
