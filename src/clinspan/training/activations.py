"""How large the activations of a graph are, as far as rounding them has to know."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from clinspan.codepoints import Ints
from clinspan.inference.session import OnnxSession

_FEW: Final = 8  # features taken apart
_CALLS: Final = 128  # of random sub-words, which show the same large features as text does
_LENGTH: Final = 48  # no longer than any model reads
_MARGIN: Final = 1.5  # for values below those that were seen
_IDS: Final = "input_ids"
TINY: Final = float(np.finfo(np.float32).tiny)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Activations:
    """What is known of the rows of a tensor.

    Attributes:
        few: the features with the largest values of all.
        low: a bound below the other features, as a part of the largest absolute one of their row; -1 to 0.
    """

    few: Ints
    low: float

    @classmethod
    def from_rows(cls, rows: Array) -> Activations:
        """Look at rows, shape [rows, features]."""
        few = np.sort(np.argsort(-np.abs(rows).max(axis=0), kind="stable")[:_FEW])
        others = np.delete(rows, few, axis=1)
        lowest = (others / np.abs(others).max(axis=1, keepdims=True, initial=TINY)).min(initial=0.0)
        return cls(few, max(-1.0, _MARGIN * float(lowest)))


def seen_activations(model: Any, names: Sequence[str]) -> dict[str, Activations]:
    """Return what tensors of a graph are like for random sub-words, by name.

    Args:
        model: reads sub-word ids.
        names: of tensors whose last axis is that of features.
    """
    if not names:
        return {}
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = opened(watched)
    calls = [session.run(ids, names) for ids in _sequences(_vocabulary(model.graph))]
    return {name: Activations.from_rows(np.concatenate([_rows(call[name]) for call in calls])) for name in names}


def opened(model: Any) -> OnnxSession:
    """Open a graph that is not on disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        onnx.save(model, path)
        return OnnxSession.open(path)


def _rows(tensor: Array) -> Array:
    return tensor.reshape(-1, tensor.shape[-1])


def _sequences(vocabulary: int) -> Iterator[Ints]:
    """Yield random sub-words between special ones, which have low ids and unusual activations."""
    rng = np.random.default_rng(0)
    for i in range(_CALLS):
        ids = rng.integers(0, vocabulary, _LENGTH)
        ids[0], ids[-1] = np.minimum((i, i + 1), vocabulary - 1)
        yield ids


def _vocabulary(graph: Any) -> int:
    """Return how many sub-words a graph knows: the rows of the table that it looks them up in."""
    rows = {tensor.name: tensor.dims[0] for tensor in graph.initializer if len(tensor.dims) == 2}
    lookups = (node.input for node in graph.node if node.op_type == "Gather")
    return next((int(rows[table]) for table, ids in lookups if table in rows and ids == _IDS), min(rows.values()))
