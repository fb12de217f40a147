"""From the safetensors of a Hugging Face token classifier to one ONNX graph."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from transformers import AutoModelForTokenClassification
from transformers.utils import logging as _logging

from clinspan.exceptions import UnsupportedModelError
from clinspan.inference.session import OnnxSession
from clinspan.training.export import FUSIBLE, export_onnx, fuse, subword_inputs
from clinspan.training.quantization import quantize
from clinspan.training.start import PLAIN_WEIGHTS

_LARGEST: Final = 2_000_000_000  # bytes; a graph is one protobuf message of less than 2 GiB
_FUSION_TOLERANCE: Final = 1e-3
_CLASSIFIER: Final = "ForTokenClassification"

logging: Any = _logging


def convert(
    source: Path, graph: Path, *, inputs: Sequence[str], output: str, lengths: Sequence[int], int8: bool
) -> None:
    """Write a token classifier as a graph: fused where that changes nothing, int8 if wanted.

    Args:
        source: folder with config.json and model.safetensors.
        graph: file to write.
        inputs: names of the inputs its forward pass takes.
        output: name of the output.
        lengths: sequence lengths to compare the fused graph at.
        int8: quantize it.

    Raises:
        UnsupportedModelError: if the weights are not those of a token classifier that transformers knows, or too
            many.
    """
    network = load_network(source)
    size = sum(4 * weight.numel() for weight in network.parameters())
    if size > _LARGEST:
        msg = (
            f"The weights in {source} take {size / 1e9:.1f} GB, and an exported graph holds {_LARGEST / 1e9:.0f}. "
            "Write a graph with its weights beside it (`optimum-cli export onnx`) and import that."
        )
        raise UnsupportedModelError(msg)
    with tempfile.TemporaryDirectory(dir=graph.parent) as folder:
        raw, fused = Path(folder, "raw.onnx"), Path(folder, "fused.onnx")
        export_onnx(network, subword_inputs(inputs), [output], raw)
        best = raw
        if network.config.model_type in FUSIBLE:
            fuse(raw, fused, network.config)
            best = fused if _agree(raw, fused, output, lengths, network.config.vocab_size) else raw
        if int8:
            quantize(best, graph, [output])
        else:
            best.rename(graph)


def load_network(source: Path) -> Any:
    """Load a token classifier as float32, from safetensors alone and without code of its own.

    Raises:
        UnsupportedModelError: if it cannot be loaded, or lacks a weight such as the classifier's.
    """
    try:
        with _quiet():
            network, report = AutoModelForTokenClassification.from_pretrained(
                source, attn_implementation="eager", output_loading_info=True, **PLAIN_WEIGHTS
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        msg = f"transformers cannot load the model in {source}: {error}"
        raise UnsupportedModelError(msg) from error
    classes = network.config.architectures or [_CLASSIFIER]
    if not any(name.endswith(_CLASSIFIER) for name in classes):  # the weights of other heads may have the same names
        msg = f"The model in {source} is a {', '.join(classes)}, no token classifier."
        raise UnsupportedModelError(msg)
    if report["missing_keys"]:
        msg = f"The weights in {source} lack {', '.join(sorted(report['missing_keys']))}; it is no token classifier."
        raise UnsupportedModelError(msg)
    return network.float().eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing its progress bar."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _agree(raw: Path, fused: Path, output: str, lengths: Sequence[int], vocabulary: int) -> bool:
    """Compare two graphs on random sub-words; fusion patterns do not fit every variant of a family."""
    sessions = [OnnxSession.open(raw), OnnxSession.open(fused)]
    random = np.random.default_rng(0)
    for ids in (random.integers(0, vocabulary, length) for length in lengths):
        expected, found = (session.run(ids, [output])[output] for session in sessions)
        if not np.abs(expected - found).max() <= _FUSION_TOLERANCE:
            return False
    return True
