"""Word vectors from a trained encoder: what it makes of a word, in the mean over the word's occurrences.

After Bommasani et al. 2020 (static from contextualised embeddings, the mean as pooling); of a word the state of its
first sub-word is read, as the heads do, and the main components are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.codepoints import Ints
from clinspan.exceptions import RecipeError, UnsupportedModelError
from clinspan.inference.decoding import Floats
from clinspan.inference.model import open_head
from clinspan.inference.session import available_threads
from clinspan.inference.tagger import Tagger
from clinspan.inference.vectors import folded
from clinspan.training.activations import opened
from clinspan.training.examples import Sentences, token_units
from clinspan.training.quantization import head_nodes, name_nodes, products, prune

_SPREAD: Final = 0.2  # standard deviation of the numbers, about that of skip-gram vectors
Sums = npt.NDArray[np.float64]


def frequent_words(sentences: Iterable[Sequence[str]], *, most: int, min_count: int) -> list[str]:
    """Return the words that occur often enough, the most frequent first."""
    counts = Counter(word for words in sentences for word in words)
    return [word for word, count in counts.most_common(most) if count >= min_count]


def contextual_vectors(teacher: str, words: pa.StringArray, texts: Iterable[Sequence[str]], dimension: int) -> Floats:
    """Return a vector for each word, zeros for one that does not occur; the signs of its numbers are arbitrary.

    Args:
        teacher: name or folder of a transformer.
        words: as `folded` gives them.
        texts: batches of documents.
        dimension: numbers of a vector.

    Returns:
        Shape [words, dimension].

    Raises:
        RecipeError: if no word occurs, or if the encoder has fewer numbers.
    """
    encoder = _Encoder.open(teacher)
    sums, counts = np.zeros((len(words), encoder.width)), np.zeros(len(words), dtype=np.int64)
    with ThreadPoolExecutor(available_threads()) as pool:
        for batch in texts:
            places, states = encoder.states(words, batch, pool)
            _add(sums, counts, places, states)
    if dimension > encoder.width or not counts.any():
        msg = f"{teacher} read {counts.sum()} known words and gives {encoder.width} numbers for each, not {dimension}."
        raise RecipeError(msg)
    return _main_components(sums, counts, dimension)


@dataclass(frozen=True)
class _Encoder:
    """A model that gives what its heads read.

    Attributes:
        tagger: with a graph whose only output are the states.
        output: name of that output.
        width: numbers of a state.
    """

    tagger: Tagger
    output: str
    width: int

    @classmethod
    def open(cls, teacher: str) -> _Encoder:
        """Open the part of a model's graph below its heads."""
        model = open_head(teacher, cache_bytes=0)
        written = onnx.load(model.folder / "model.onnx")
        graph = written.graph
        name_nodes(graph)
        last = set(head_nodes(graph, {model.head.output}))
        heads = [node for node in products(graph) if node.name in last]
        if len(heads) != 1:
            msg = f"The head {model.head.name} is not one product with a matrix; name another teacher."
            raise UnsupportedModelError(msg)
        states, matrix = heads[0].input[:2]
        width = next(tensor.dims[0] for tensor in graph.initializer if tensor.name == matrix)
        del graph.output[:]
        graph.output.append(onnx.helper.make_tensor_value_info(states, onnx.TensorProto.FLOAT, None))
        prune(graph)
        return cls(replace(model.tagger, session=opened(written)), states, width)

    def states(self, words: pa.StringArray, texts: Sequence[str], pool: Executor) -> tuple[Ints, Floats]:
        """Return the place among the words of each known token of some documents, and its state.

        Returns:
            Shape [known tokens] and [known tokens, width].
        """
        sentences = Sentences.from_texts(texts)
        units = token_units(sentences.texts)
        found = self.tagger.logits(sentences.texts, sentences.records, units, [self.output], pool)[self.output]
        places = pc.fill_null(pc.index_in(folded(units.texts), words), -1).to_numpy()
        known = (places >= 0) & ~np.isnan(found[:, 0])
        return places[known], found[known]


def _add(sums: Sums, counts: Ints, places: Ints, states: Floats) -> None:
    """Add states to the sums of their words, shape [words, hidden], and count them, shape [words]."""
    order = np.argsort(places, kind="stable")
    known, first, number = np.unique(places[order], return_index=True, return_counts=True)
    if len(known):
        sums[known] += np.add.reduceat(states[order], first, axis=0, dtype=np.float64)
        counts[known] += number


def _main_components(sums: Sums, counts: Ints, dimension: int) -> Floats:
    """Return the means in the directions in which they differ most, shape [words, dimension].

    A word counts by the logarithm of its occurrences: neither the many rare ones nor the few frequent ones decide.
    """
    means = sums / np.maximum(counts, 1)[:, None]
    weights = np.log1p(counts)[:, None]
    means = np.where(counts[:, None] > 0, means - (means * weights).sum(axis=0) / weights.sum(), 0.0)
    _, directions = np.linalg.eigh((means * weights).T @ means)
    found = means @ directions[:, ::-1][:, :dimension]
    return (found * (_SPREAD / max(found.std(), np.finfo(np.float32).tiny))).astype(np.float32)
