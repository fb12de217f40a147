"""Vocabularies as Spark NLP keeps them, checked, and made into tokenizers that cut text the Hugging Face way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from clinspan.exceptions import DamagedModelError
from clinspan.hub.importers.java_objects import read_object
from clinspan.hub.importers.sequence_file import read_records
from clinspan.hub.importers.untrusted import read_table

Merge = tuple[str, str]

_MOST: Final = 1 << 20  # entries; the largest vocabularies in use have a quarter of that
_PART: Final = re.compile(r"part-\d{5}")
_VERSION: Final = "#version:"  # how the first line of merges.txt begins
_CAPITAL: Final = re.compile("[A-Z]")
_SPECIAL: Final = re.compile(r"\[.*\]", re.DOTALL)


def read_lines(folder: Path, name: str) -> list[str]:
    """Return the lines of a text file, in which only a line feed ends a line.

    Raises:
        DamagedModelError: if it is absent or not UTF-8.
    """
    try:
        lines = read_table(folder, name).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        msg = f"{folder / name} is damaged: it is not UTF-8 text."
        raise DamagedModelError(msg) from None
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def read_map(folder: Path, name: str) -> dict[Any, int]:
    """Return a map that Spark wrote: the pairs of all its part files.

    Args:
        folder: of the saved annotator.
        name: of the map, as a path in the folder.

    Raises:
        DamagedModelError: if it is absent, cut short, or no map to numbers.
        UnsupportedModelError: if it holds anything but strings and numbers.
    """
    parts = sorted(path.name for path in (folder / name).glob("part-*") if _PART.fullmatch(path.name))
    if not parts:
        msg = f"{folder / name} has no part-00000; a map saved by Spark NLP is needed there."
        raise DamagedModelError(msg)
    found: dict[Any, int] = {}
    for part in parts:
        where = str(folder / name / part)
        for record in read_records(read_table(folder, f"{name}/{part}"), where):
            _add(found, read_object(record, where), where)
    return found


def _add(found: dict[Any, int], pairs: Any, where: str) -> None:
    if type(pairs) is not list or not all(map(_is_entry, pairs)):
        msg = f"{where} is damaged: it holds something else than strings with their numbers."
        raise DamagedModelError(msg)
    before = len(found)
    found.update(pairs)
    if len(found) != before + len(pairs) or len(found) > _MOST:
        msg = f"{where} is damaged: an entry occurs twice, or there are more than {_MOST:,}."
        raise DamagedModelError(msg)


def _is_entry(pair: Any) -> bool:
    """Whether it is a pair of a string, or of two strings, and a number."""
    return type(pair) is tuple and type(pair[1]) is int and (_is_text(pair[0]) or _is_merge(pair[0]))


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_merge(value: Any) -> bool:
    return type(value) is tuple and all(map(_is_text, value))


def vocabulary_of(entries: Mapping[Any, int], where: Path) -> dict[str, int]:
    """Check that a map numbers words.

    Raises:
        DamagedModelError: if it does not.
    """
    ids = set(entries.values())
    if not all(map(_is_text, entries)) or len(ids) != len(entries) or not all(0 <= i < _MOST for i in ids):
        msg = f"{where} is damaged: it does not give every word a number of its own, from 0 on."
        raise DamagedModelError(msg)
    return dict(entries)


def tags_of(entries: Mapping[Any, int], where: Path) -> tuple[str, ...]:
    """Return labels in the order of their numbers.

    Raises:
        DamagedModelError: if they are not numbered from 0 without a gap.
    """
    labels = vocabulary_of(entries, where)
    if not labels or max(labels.values()) != len(labels) - 1 or not all(labels):
        msg = f"{where} is damaged: it does not number labels from 0 without a gap."
        raise DamagedModelError(msg)
    return tuple(sorted(labels, key=labels.__getitem__))


def merges_of(entries: Mapping[Any, int], where: Path) -> list[Merge]:
    """Return merges in the order of their ranks.

    Raises:
        DamagedModelError: if they are no pairs.
    """
    if not all(map(_is_merge, entries)):
        msg = f"{where} is damaged: a merge is of two sub-words."
        raise DamagedModelError(msg)
    return [merge for merge in sorted(entries, key=entries.__getitem__) if merge[0] != _VERSION]


def merges_of_lines(lines: Iterable[str]) -> list[Merge]:
    """Return the merges of merges.txt; lines of anything but two words are passed over, as Spark NLP does."""
    split = (line.split(" ") for line in lines if not line.startswith(_VERSION))
    return [(words[0], words[1]) for words in split if len(words) == 2]


def is_cased(vocabulary: Iterable[str], merges: Sequence[Merge] | None) -> bool:
    """Whether a vocabulary tells capital letters, special words such as `[CLS]` aside; one with merges does."""
    return merges is not None or any(_CAPITAL.search(word) and not _SPECIAL.fullmatch(word) for word in vocabulary)


def tokenizer_of(vocabulary: dict[str, int], merges: Sequence[Merge] | None, *, cased: bool, where: Path) -> Any:
    """Return the tokenizer of RoBERTa if there are merges, else that of BERT and DistilBERT.

    Args:
        vocabulary: the words with their ids.
        merges: in the order of their ranks; None for BERT and DistilBERT.
        cased: whether capital letters make a difference.
        where: the vocabulary, for messages.

    Raises:
        DamagedModelError: if the vocabulary lacks a special word, or what a merge is made of or gives.
    """
    if merges is None:
        return _wordpiece(vocabulary, cased=cased, where=where)
    return _byte_pairs(vocabulary, merges, cased=cased, where=where)


def _wordpiece(vocabulary: dict[str, int], *, cased: bool, where: Path) -> Any:
    first, last, _ = _special(vocabulary, ("[CLS]", "[SEP]", "[UNK]"), where)
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - a piece of text
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not cased)  # accents go with capitals
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(last, first)
    return tokenizer


def _byte_pairs(vocabulary: dict[str, int], merges: Sequence[Merge], *, cased: bool, where: Path) -> Any:
    """Return a tokenizer to which a sentence begins like any word after a space."""
    first, last, _ = _special(vocabulary, ("<s>", "</s>", "<unk>"), where)
    known = (a in vocabulary and b in vocabulary and a + b in vocabulary for a, b in merges)
    if not all(known):
        msg = f"{where} is damaged: it lacks what its merges are made of or give."
        raise DamagedModelError(msg)
    tokenizer = Tokenizer(models.BPE(vocabulary, list(merges), unk_token="<unk>"))  # noqa: S106 - a piece of text
    if not cased:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.RobertaProcessing(last, first)
    return tokenizer


def _special(vocabulary: Mapping[str, int], words: Sequence[str], where: Path) -> list[tuple[str, int]]:
    if lacking := [word for word in words if word not in vocabulary]:
        msg = f"{where} is damaged: the vocabulary lacks {', '.join(lacking)}."
        raise DamagedModelError(msg)
    return [(word, vocabulary[word]) for word in words]
