"""Trimming a WordPiece vocabulary to what occurs, so that the embedding table shrinks with it.

WordPiece takes the longest piece that fits. A text whose pieces are all kept is therefore cut as before, whatever
else is dropped; only words with a dropped piece are cut finer. Single characters all stay, so that no word that was
known becomes unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from clinspan.codepoints import Ints
from clinspan.exceptions import RecipeError
from clinspan.inference.tokenizer import SubwordTokenizer

_UNUSED: Final = re.compile(r"\[unused\d+\]")
CONTINUES: Final = "##"  # what a piece that goes on with a word begins with
_PROCESSORS: Final = ("TemplateProcessing", "BertProcessing")
_PROCESSOR_TOKENS: Final = frozenset({"sep", "cls"})  # of BertProcessing, each a piece and its id
_TEXTS_AT_ONCE: Final = 1000


def kept_pieces(tokenizer: SubwordTokenizer, texts: Iterable[str], size: int) -> Ints:
    """Choose the pieces to keep.

    Those are the special ones, the single characters, the pieces that occur in the texts, and then the first ones of
    the rest (a vocabulary is sorted by frequency).

    Args:
        tokenizer: with the whole vocabulary.
        texts: what the pieces shall cover.
        size: how many to keep; more if more occur.

    Returns:
        Their ids, increasing.
    """
    vocabulary = tokenizer.tokenizer.get_vocab()
    kept = np.zeros(len(vocabulary), dtype=np.bool_)
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _TEXTS_AT_ONCE:
            _mark(kept, tokenizer, batch)
            batch = []
    _mark(kept, tokenizer, batch)
    kept[[*tokenizer.tokenizer.get_added_tokens_decoder()]] = True
    kept[[i for piece, i in vocabulary.items() if len(piece.removeprefix(CONTINUES)) == 1]] = True
    unused = [i for piece, i in vocabulary.items() if _UNUSED.fullmatch(piece)]
    rest = np.setdiff1d(np.flatnonzero(~kept), unused)
    kept[rest[: max(0, size - int(kept.sum()))]] = True
    return np.flatnonzero(kept)


def _mark(kept: np.ndarray[Any, np.dtype[np.bool_]], tokenizer: SubwordTokenizer, texts: list[str]) -> None:
    for encoding in tokenizer.tokenizer.encode_batch(texts, add_special_tokens=False):
        kept[encoding.ids] = True


def trimmed_tokenizer(path: Path, kept: Ints) -> str:
    """Return `tokenizer.json` with only the pieces kept, renumbered in order.

    Raises:
        RecipeError: if it is no WordPiece tokenizer as BERT has them.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    processor = raw["post_processor"] or {}
    if raw["model"]["type"] != "WordPiece" or processor.get("type") not in _PROCESSORS:
        msg = f"Only a WordPiece vocabulary of a BERT can be trimmed, not that of {path}; remove [vocabulary]."
        raise RecipeError(msg)
    new = {old: i for i, old in enumerate(kept.tolist())}
    raw["model"]["vocab"] = {piece: new[i] for piece, i in raw["model"]["vocab"].items() if i in new}
    raw["added_tokens"] = [{**token, "id": new[token["id"]]} for token in raw["added_tokens"]]
    for token in processor.get("special_tokens", {}).values():
        token["ids"] = [new[i] for i in token["ids"]]
    for name in _PROCESSOR_TOKENS & set(processor):
        processor[name][1] = new[processor[name][1]]
    raw["truncation"] = raw["padding"] = None
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"))


def trim_embeddings(encoder: Any, kept: Ints) -> None:
    """Keep only some rows of an encoder's embedding table."""
    weight = encoder.get_input_embeddings().weight.detach()[torch.from_numpy(kept)]
    encoder.set_input_embeddings(nn.Embedding(len(kept), weight.shape[1], padding_idx=0, _weight=weight))
    encoder.config.vocab_size = len(kept)
