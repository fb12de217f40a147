"""What goes through the model at once: passages of sentences, and windows over those that are too long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clinspan.codepoints import Ints
from clinspan.schema import starts_of


@dataclass(frozen=True)
class Windows:
    """Half-open ranges of sub-words that go through the model, each within one passage.

    Attributes:
        starts: first sub-word the model sees, shape [windows].
        stops: one past the last it sees.
        keep_starts: first sub-word whose result counts; the kept ranges partition all sub-words.
        keep_stops: one past the last whose result counts.
    """

    starts: Ints
    stops: Ints
    keep_starts: Ints
    keep_stops: Ints

    def __len__(self) -> int:
        return len(self.starts)


def pack_passages(sentence_starts: Ints, documents: Ints, *, size: int) -> Ints:
    """Put neighbouring sentences of a document together, as many as fit, so that each is read with its context.

    What is put together depends on the document alone.

    Args:
        sentence_starts: first sub-word of each sentence and the end of the last, shape [sentences + 1].
        documents: the document of each sentence, non-decreasing, shape [sentences].
        size: most sub-words in a passage of several sentences; 0 leaves every sentence by itself.

    Returns:
        First sub-word of each passage and the end of the last, shape [passages + 1].
    """
    if not size or not len(documents):
        return sentence_starts
    ends = np.searchsorted(documents, documents, "right")  # one past the document's last sentence
    reach = np.searchsorted(sentence_starts, sentence_starts[:-1] + size, "right") - 1
    following = np.maximum(np.minimum(reach, ends), np.arange(len(documents)) + 1).tolist()
    first, passages = 0, [0]
    while (first := following[first]) < len(following):
        passages.append(first)
    return sentence_starts[[*passages, len(following)]]


def split_windows(passage_starts: Ints, *, size: int, overlap: int) -> Windows:
    """Cut passages into windows.

    A passage of at most `size` sub-words is one window. A longer one gets as few windows as overlap
    allows, evenly spread, the last flush with its end; where two overlap, each result is taken from the
    window in which it lies further from the edge (the earlier one up to the middle of the overlap).

    Args:
        passage_starts: first sub-word of each passage and the end of the last, shape [passages + 1].
        size: most sub-words in a window.
        overlap: fewest sub-words two neighbouring windows share.
    """
    first, lengths = passage_starts[:-1], np.diff(passage_starts)
    first, lengths = first[lengths > 0], lengths[lengths > 0]
    overlap = min(overlap, size - 1)
    counts = np.maximum(1, -(-(lengths - overlap) // (size - overlap)))
    index = np.arange(counts.sum()) - np.repeat(starts_of(counts)[:-1], counts)
    span, count, base = (np.repeat(a, counts) for a in (lengths, counts, first))
    starts = base + index * np.maximum(span - size, 0) // np.maximum(count - 1, 1)
    stops = np.minimum(starts + size, base + span)
    middles = (starts[1:] + stops[:-1]) // 2
    keep_starts = np.where(index == 0, starts, np.append(0, middles)[: len(starts)])
    keep_stops = np.where(index == count - 1, stops, np.append(middles, 0)[: len(starts)])
    return Windows(starts, stops, keep_starts, keep_stops)
