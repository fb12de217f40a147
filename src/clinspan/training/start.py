"""The weights that a recipe starts from: an encoder's, and those of the heads that it shares with a trained model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from clinspan.exceptions import RecipeError
from clinspan.hub.manifest import MANIFEST, Manifest
from clinspan.training.reopen import reopened_weights

_HEADS: Final = "heads.safetensors"
_ENCODER_PART: Final = "encoder."
# for `from_pretrained`: no network, no code of a checkpoint's own, no pickle
PLAIN_WEIGHTS: Final = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True}
Tags = Mapping[str, Sequence[str]]  # by head
NO_TAGS: Final[Tags] = {}


def open_encoder(folder: Path, attention_dropout: float) -> Any:
    """Return the encoder of a checkpoint folder, or of a model folder, whose weights are as its graph has them.

    Raises:
        RecipeError: if there are no weights in safetensors, or the graph of a model folder does not hold those of such
            an encoder.
    """
    options = {
        "attn_implementation": "eager",  # on a CPU faster than the fused kernel, and what the exporter wants
        "attention_probs_dropout_prob": attention_dropout,
    }
    if not (folder / MANIFEST).is_file():
        return load_checkpoint(folder, **options)
    config = AutoConfig.from_pretrained(folder, **options)
    encoder = AutoModel.from_config(config, add_pooling_layer=False)  # type: ignore[no-untyped-call]
    try:
        encoder.load_state_dict(_parts(reopened_weights(folder / "model.onnx"), _ENCODER_PART))
    except RuntimeError as error:
        msg = (
            f"The graph in {folder} does not hold the weights of a {config.model_type} encoder as this version writes "
            "them; start from the fp32 model of its run, or from its checkpoint."
        )
        raise RecipeError(msg) from error
    return encoder


def load_checkpoint(folder: Path, **options: Any) -> Any:
    """Return the encoder of a checkpoint folder, from safetensors alone and without code of its own.

    Raises:
        RecipeError: if it cannot be loaded so.
    """
    try:
        return AutoModel.from_pretrained(folder, add_pooling_layer=False, **PLAIN_WEIGHTS, **options)
    except OSError as error:
        msg = f"{folder} has no encoder in safetensors; save it with `save_pretrained` of transformers first."
        raise RecipeError(msg) from error


def save_heads(heads: nn.ModuleDict, tags: Tags, folder: Path) -> None:
    """Write heads beside the encoder of a checkpoint folder."""
    weights = {name: tensor.cpu().contiguous() for name, tensor in heads.state_dict().items()}
    save_file(weights, folder / _HEADS, {name: json.dumps([*tags[name]]) for name in heads})


def take_heads(heads: nn.ModuleDict, tags: Tags, folder: Path) -> list[str]:
    """Give heads the weights of those in a checkpoint folder or a model folder that have their name and their tags.

    Args:
        heads: to change.
        tags: of each of them.
        folder: what the recipe starts from.

    Returns:
        The heads that were found there.
    """
    known, weights = _known_heads(folder)
    parts = {name: _parts(weights, f"{name}.") for name in heads if [*known.get(name, ())] == [*tags[name]]}
    found = [name for name, part in parts.items() if part.keys() == heads[name].state_dict().keys()]
    for name in found:
        heads[name].load_state_dict(parts[name])
    return found


def _known_heads(folder: Path) -> tuple[Tags, Mapping[str, Tensor]]:
    """Return the tags and the weights of the heads in a folder; of a checkpoint without heads, none."""
    if (folder / MANIFEST).is_file():
        tags = {head.output: head.tags for head in Manifest.read(folder).heads}
        return tags, _parts(reopened_weights(folder / "model.onnx"), "heads.")
    if not (folder / _HEADS).is_file():
        return {}, {}
    with safe_open(folder / _HEADS, "pt") as file:
        metadata = file.metadata()
        return {n: json.loads(t) for n, t in metadata.items()}, {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118


def _parts(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the weights whose names begin with a prefix, by what follows it."""
    return {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}
