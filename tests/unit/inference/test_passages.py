"""Passages: neighbouring sentences of one document read together, depending on that document alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinspan.inference.windows import pack_passages
from clinspan.schema import starts_of

DOCUMENTS = st.lists(st.lists(st.integers(0, 40), max_size=8), max_size=6)
SIZES = st.integers(1, 60)


def passages(documents: list[list[int]], size: int) -> list[int]:
    lengths = [length for document in documents for length in document]
    owners = np.repeat(np.arange(len(documents)), [len(d) for d in documents])
    return pack_passages(starts_of(lengths), owners, size=size).tolist()


def slowly(document: list[int], size: int) -> list[int]:
    """Return the lengths of a document's passages, one sentence after another."""
    packed: list[int] = []
    for i, length in enumerate(document):
        if i and packed[-1] + length <= size:
            packed[-1] += length
        else:
            packed.append(length)
    return packed


@given(DOCUMENTS, SIZES)
def test_sentences_are_packed_greedily_and_never_across_documents(documents: list[list[int]], size: int) -> None:
    expected = [length for document in documents for length in slowly(document, size)]
    assert passages(documents, size) == starts_of(expected).tolist()


@given(DOCUMENTS)
def test_size_nought_leaves_every_sentence_by_itself(documents: list[list[int]]) -> None:
    lengths = [length for document in documents for length in document]
    assert passages(documents, 0) == starts_of(lengths).tolist()
