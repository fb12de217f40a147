"""The model as a Hugging Face checkpoint, for the peer.

The peer must run the same weights, and the package ships only the int8 graph; so they are read back from
there, each as (code - zero point) x scale, and the peer computes with them in float32, as the
Hugging Face pipeline does. `write_checkpoint` proves the outcome: the share of sub-words that both tag alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from transformers import AutoConfig, BertForTokenClassification, PreTrainedTokenizerFast
from transformers.utils import logging

from clinspan import open_head

Arrays = dict[str, npt.NDArray[Any]]
_ENCODER: Final = "network.model.encoder."
_LEAST_AGREEMENT: Final = 0.95
_FEW: Final = "_few_weight"
_SPECIAL: Final = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def write_checkpoint(name: str, windows: Sequence[npt.NDArray[np.int64]], folder: Path) -> float:
    """Write a model as a Hugging Face folder.

    Args:
        name: the model, one of the BERT family.
        windows: ids to compare the two on.
        folder: where to write.

    Returns:
        The share of sub-words in the windows that both give the same tag.

    Raises:
        RuntimeError: if the weights are not those of the model: another graph layout, or tags that differ.
    """
    settings: Any = logging
    settings.set_verbosity_error()
    settings.disable_progress_bar()
    model = open_head(name, cache_bytes=0)
    network = peer_network(model)
    share = agreement(network, model, windows)
    if share < _LEAST_AGREEMENT:
        msg = f"Only {share:.1%} of sub-words get the same tag from the weights read back and from {name}."
        raise RuntimeError(msg)
    network.save_pretrained(folder)
    tokenizer: Any = PreTrainedTokenizerFast
    tokenizer(
        tokenizer_file=str(model.folder / "tokenizer.json"),
        model_max_length=network.config.max_position_embeddings,
        **_SPECIAL,
    ).save_pretrained(folder)
    return share


def peer_network(model: Any) -> Any:
    """Rebuild the network of an opened `HeadModel`."""
    tags = dict(enumerate(model.head.tags))
    config = AutoConfig.from_pretrained(
        model.folder, num_labels=len(tags), id2label=tags, label2id={tag: i for i, tag in tags.items()}
    )
    network: Any = BertForTokenClassification(config)
    weights = graph_weights(onnx.load(str(model.folder / "model.onnx")).graph, model.head.output)
    network.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in weights.items()})
    return network.eval()


def graph_weights(graph: Any, output: str) -> Arrays:
    """Return the weights of a quantized graph under the names of BertForTokenClassification.

    Args:
        graph: as `clinspan train` writes it for BERT.
        output: the graph output of the head wanted.
    """
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    state = _named_weights(arrays)
    for node in graph.node:
        if node.op_type == "QAttention":
            state |= _attention_weights(arrays, node)
        elif node.op_type == "MatMulInteger":
            state[f"bert.encoder.{_module(node.output[0])}.weight"] = _dequantized(arrays, node.input[1]).T
    for name in (name.removesuffix(_FEW) for name in arrays if name.endswith(_FEW)):  # features kept as floats
        state[f"bert.encoder.{_module(name)}.weight"][:, arrays[f"{name}_few"]] = arrays[name + _FEW].T
    bias, product = next(node.input for node in graph.node if output in node.output)
    matrix = next(node.input[1] for node in graph.node if product in node.output)
    return state | {"classifier.weight": arrays[matrix].T, "classifier.bias": arrays[bias]}


def _named_weights(arrays: Arrays) -> Arrays:
    """Return the weights that kept their names: embeddings, layer norms, biases."""
    state: Arrays = {}
    for name, array in arrays.items():
        if name.startswith(_ENCODER) and not name.endswith("_scales"):
            key = "bert." + name.removeprefix(_ENCODER).removesuffix("_codes")
            scales = arrays[f"{name.removesuffix('_codes')}_scales"] if name.endswith("_codes") else np.float32(1)
            state[key] = array.astype(np.float32) * scales
    return state


def _attention_weights(arrays: Arrays, node: Any) -> Arrays:
    """Take the fused query, key and value of a layer apart."""
    layer = f"bert.encoder.{_module(node.output[0])}"
    weights = np.split(_dequantized(arrays, node.input[1]), 3, axis=1)
    biases = np.split(arrays[node.input[2]], 3)
    state: Arrays = {}
    for part, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
        state |= {f"{layer}.{part}.weight": weight.T, f"{layer}.{part}.bias": bias}
    return state


def _dequantized(arrays: Arrays, name: str) -> npt.NDArray[Any]:
    stem = name.removesuffix("_quantized")
    whole = arrays[name].astype(np.int32) - arrays[f"{stem}_zero_point"].astype(np.int32)
    return (whole * arrays[f"{stem}_scale"]).astype(np.float32)


def _module(output: str) -> str:
    """Read `layer.0.output.dense` from the path in a node's output name."""
    path = re.search(r"(layer\.\d+/.+)/[^/]+$", output)
    return path[1].replace("/", ".") if path else output


def agreement(network: Any, model: Any, windows: Sequence[npt.NDArray[np.int64]]) -> float:
    """Return the share of sub-words that the network and the shipped graph give the same tag."""
    same = total = 0
    for ids in windows:
        ours = model.tagger.session.run(ids, [model.head.output])[model.head.output]
        with torch.inference_mode():
            theirs = network(input_ids=torch.from_numpy(ids)[None]).logits[0].numpy()
        same += int((ours.argmax(-1) == theirs.argmax(-1)).sum())
        total += len(ids)
    return same / max(total, 1)
