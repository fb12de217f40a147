"""From a trained network to a graph: fused, int8."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from torch import Tensor, nn

from clinspan.training.quantization import quantize

_OPSET: Final = 17
FUSIBLE: Final = {"bert": "bert", "roberta": "bert", "xlm-roberta": "bert", "distilbert": "bert"}


class _Graph(nn.Module):
    """A network seen as a function of positional tensors, as the exporter wants it."""

    def __init__(self, network: nn.Module, names: Sequence[str], outputs: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names, self.outputs = network, names, outputs

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        found = self.network(**dict(zip(self.names, inputs, strict=True)))
        return tuple(found[name] for name in self.outputs)


def export_onnx(
    network: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Write a network as a graph with named inputs and outputs, batch and length free.

    Args:
        network: called with `inputs` as keywords; returns a mapping that has `outputs`.
        inputs: an example of each.
        outputs: names of what to write.
        path: file to write.
    """
    axes = {0: "batch", 1: "length"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's remarks on shapes
        torch.onnx.export(
            _Graph(network.cpu(), list(inputs), outputs).eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=dict.fromkeys((*inputs, *outputs), axes),
            opset_version=_OPSET,
            dynamo=False,
        )


def subword_inputs(names: Sequence[str]) -> dict[str, Tensor]:
    """Return an example of the inputs of a transformer."""
    ids = torch.full((1, 9), 5, dtype=torch.int64)
    values = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "token_type_ids": torch.zeros_like(ids),
    }
    return {name: values[name] for name in names}


def fuse(source: Path, target: Path, config: Any) -> None:
    """Fuse attention, layer norm and activation into single operators."""
    kind = FUSIBLE.get(config.model_type)
    if kind is None:
        onnx.save(onnx.load(source), target)
        return
    heads, hidden = config.num_attention_heads, config.hidden_size
    options = FusionOptions(kind)
    options.enable_embed_layer_norm = False  # tables are rounded by row
    options.enable_skip_layer_norm = False  # slower than its parts
    fused = optimizer.optimize_model(
        str(source),
        kind,
        num_heads=heads,
        hidden_size=hidden,
        optimization_options=options,
        opt_level=0,
    )
    fused.save_model_to_file(str(target))


def write_graphs(
    network: nn.Module,
    inputs: Sequence[str],
    outputs: Sequence[str],
    config: Any,
    *,
    int8: Path,
    fp32: Path | None = None,
) -> None:
    """Export, fuse and quantize a network.

    Args:
        network: as for `export_onnx`.
        inputs: names of its inputs.
        outputs: names of its outputs.
        config: the encoder's Hugging Face configuration.
        int8: file for the int8 graph.
        fp32: file for the fused graph before quantization; None for none.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw, fused = Path(folder, "raw.onnx"), fp32 or Path(folder, "fused.onnx")
        export_onnx(network, subword_inputs(inputs), outputs, raw)
        fuse(raw, fused, config)
        quantize(fused, int8, outputs)
