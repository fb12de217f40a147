"""A new WordPiece vocabulary for an encoder, whose embeddings begin as those of the pieces it had.

A piece that the old vocabulary has keeps its embedding; another one begins as the mean of the old pieces that spell it
(after WECHSEL's and FOCUS's baselines, Minixhofer et al. 2022, Dobler & de Melo 2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn

from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.training.vocabulary import CONTINUES

_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def learnt_wordpiece(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn a WordPiece vocabulary; case is folded, accents are kept.

    Args:
        texts: to learn from.
        size: number of pieces.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 - the field's word for a piece of text
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUES)
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=list(_SPECIAL), continuing_subword_prefix=CONTINUES, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    sep, cls = ((token, _SPECIAL.index(token)) for token in ("[SEP]", "[CLS]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    return tokenizer


def transplant(encoder: Any, old: SubwordTokenizer, new: SubwordTokenizer) -> None:
    """Give an encoder the embeddings of a new vocabulary, in place."""
    table = encoder.get_input_embeddings().weight.detach()
    pieces = new.tokenizer.get_vocab()
    rows = torch.empty(len(pieces), table.shape[1])
    known = old.tokenizer.get_vocab()
    for piece, place in pieces.items():
        rows[place] = table[old_pieces(piece, old.tokenizer, known)].mean(dim=0)
    encoder.set_input_embeddings(nn.Embedding(len(rows), rows.shape[1], padding_idx=0, _weight=rows))
    encoder.config.vocab_size = len(rows)


def old_pieces(piece: str, old: Tokenizer, known: Mapping[str, int]) -> list[int]:
    """Return the ids of the old pieces that a new one begins from; the first goes on if the new one does."""
    if piece in known:
        return [known[piece]]
    ids = old.encode(piece.removeprefix(CONTINUES), add_special_tokens=False).ids or [known["[UNK]"]]
    if piece.startswith(CONTINUES):
        first = old.id_to_token(ids[0])
        ids[0] = known.get(f"{CONTINUES}{first}", ids[0])
    return list(ids)
