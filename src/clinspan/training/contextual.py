"""Word vectors from a trained encoder: what it makes of a word, in the mean over the word's occurrences.

After Bommasani et al. 2020 (static from contextualised embeddings, the mean as pooling); the main components are kept.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.sentence_rules import sentence_spans
from clinspan.annotators.token import Tokenizer
from clinspan.codepoints import CodePoints, Ints
from clinspan.inference.decoding import Floats
from clinspan.inference.model import open_head
from clinspan.inference.session import OnnxSession, available_threads
from clinspan.inference.tagger import Tagger
from clinspan.inference.units import Units
from clinspan.inference.vectors import folded
from clinspan.training.quantization import head_nodes, prune

_SPREAD: Final = 0.2  # standard deviation of the numbers, about that of skip-gram vectors
Sums = npt.NDArray[np.float64]


def frequent_words(sentences: Iterable[Sequence[str]], *, most: int, min_count: int) -> list[str]:
    """Return the words that occur often enough, the most frequent first."""
    counts = Counter(word for words in sentences for word in words)
    return [word for word, count in counts.most_common(most) if count >= min_count]


def contextual_vectors(teacher: str, words: pa.StringArray, texts: Iterable[Sequence[str]], dimension: int) -> Floats:
    """Return a vector for each word, zeros for one that does not occur.

    Args:
        teacher: name or folder of a transformer.
        words: as `folded` gives them.
        texts: batches of documents.
        dimension: numbers of a vector.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(available_threads()) as pool:
        tagger, output = _encoder(teacher, Path(folder))
        states = (_states(tagger, output, words, batch, pool) for batch in texts)
        sums, counts = _sums(states, len(words))
    return _main_components(sums, counts, dimension)


def _encoder(teacher: str, folder: Path) -> tuple[Tagger, str]:
    """Open the graph of a model with the states that its heads read as the only output, and that output's name."""
    model = open_head(teacher, cache_bytes=0)
    graph = onnx.load(model.folder / "model.onnx")
    last = set(head_nodes(graph.graph, {model.head.output}))
    states = next(node.input[0] for node in graph.graph.node if node.name in last and node.op_type == "MatMul")
    del graph.graph.output[:]
    graph.graph.output.append(onnx.helper.make_tensor_value_info(states, onnx.TensorProto.FLOAT, None))
    prune(graph.graph)
    onnx.save(graph, folder / "states.onnx")
    return replace(model.tagger, session=OnnxSession.open(folder / "states.onnx"), cache=None), states


def _sums(found: Iterable[tuple[Ints, Floats]], size: int) -> tuple[Sums, Ints]:
    """Return the sum of the states of each of `size` words, shape [words, hidden], and its number of occurrences."""
    total: Any = 0.0
    counts = np.zeros(size, dtype=np.int64)
    for places, states in found:
        order = np.argsort(places, kind="stable")
        known, first, number = np.unique(places[order], return_index=True, return_counts=True)
        sums = np.zeros((size, states.shape[1]))
        sums[known] = np.add.reduceat(states[order], first, axis=0, dtype=np.float64)
        total, counts[known] = total + sums, counts[known] + number
    return total, counts


def _states(
    tagger: Tagger, output: str, words: pa.StringArray, texts: Sequence[str], pool: Executor
) -> tuple[Ints, Floats]:
    """Return the place among the words of each known token of some documents, and its states."""
    spans = [sentence_spans(text) for text in texts]
    sentences = pa.array(
        [text[s.start : s.stop] for text, of in zip(texts, spans, strict=True) for s in of], pa.string()
    )
    points = CodePoints.from_arrow(sentences)
    starts, stops = Tokenizer().spans(points)
    units = Units(points, starts, stops, np.searchsorted(starts, points.row_starts))
    documents = np.repeat(np.arange(len(texts)), [len(of) for of in spans])
    states = tagger.logits(sentences, documents, units, [output], pool)[output]
    places = pc.fill_null(pc.index_in(folded(points.slices(starts, stops)), words), -1).to_numpy()
    known = (places >= 0) & ~np.isnan(states[:, 0])
    return places[known], states[known]


def _main_components(sums: Sums, counts: Ints, dimension: int) -> Floats:
    """Return the means in the directions in which they differ most, shape [words, dimension]."""
    means = sums / np.maximum(counts, 1)[:, None]
    weights = np.log1p(counts)[:, None]
    means = np.where(counts[:, None] > 0, means - (means * weights).sum(axis=0) / weights.sum(), 0.0)
    _, directions = np.linalg.eigh((means * weights).T @ means)
    found = means @ directions[:, ::-1][:, :dimension]
    return (found * (_SPREAD / found.std())).astype(np.float32)
