"""The model as a Hugging Face checkpoint, for the peer.

The peer must run the same weights, and the package ships only the int8 graph; so they are read back from there, and
the peer computes with them in float32, as the Hugging Face pipeline does. `write_checkpoint` proves the outcome: the
share of sub-words that both tag alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import AutoConfig, BertForTokenClassification, PreTrainedTokenizerFast
from transformers.utils import logging

from clinspan import open_head
from clinspan.training.reopen import reopened_weights

_ENCODER: Final = "encoder."
_LEAST_AGREEMENT: Final = 0.95
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
    network.load_state_dict(graph_weights(model.folder / "model.onnx", model.head.output))
    return network.eval()


def graph_weights(graph: Path, output: str) -> dict[str, Tensor]:
    """Return the weights of a graph under the names of BertForTokenClassification.

    Args:
        graph: the file, as `clinspan train` writes it for BERT.
        output: the graph output of the head wanted.
    """
    weights = reopened_weights(graph)
    head = {f"classifier.{part}": weights[f"heads.{output}.{part}"] for part in ("weight", "bias")}
    encoder = {name: weight for name, weight in weights.items() if name.startswith(_ENCODER)}
    return head | {f"bert.{name.removeprefix(_ENCODER)}": weight for name, weight in encoder.items()}


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
