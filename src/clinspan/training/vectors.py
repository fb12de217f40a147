"""Word vectors from unlabelled text: of a trained encoder, or by skip-gram (Mikolov et al. 2013), by gensim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from gensim.models import Word2Vec
from rich.console import Console
from rich.progress import track

from clinspan.annotators.sentence_rules import sentence_spans
from clinspan.annotators.token import Tokenizer
from clinspan.codepoints import CodePoints
from clinspan.hub.card import write_card
from clinspan.hub.manifest import WORD_VECTORS, Manifest
from clinspan.inference.decoding import Floats
from clinspan.inference.units import TOKEN_UNIT
from clinspan.inference.vectors import VECTORS_FILE, WordVectors, folded
from clinspan.schema import starts_of
from clinspan.training.contextual import contextual_vectors, frequent_words
from clinspan.training.data import DataFolders
from clinspan.training.publish import single_manifest
from clinspan.training.recipes import VectorsRecipe
from clinspan.training.teacher import trained

_OUTPUT: Final = "vectors"
_TEXTS_AT_ONCE: Final = 200


def train_vectors(recipe: VectorsRecipe, *, data: DataFolders, runs: Path, output: Path, console: Console) -> Manifest:
    """Make vectors of the recipe's texts and write a model folder."""
    sentences = [tokens for texts in _batches(data.texts(recipe.texts)) for tokens in tokenized(texts)]
    console.print(f"{len(sentences)} sentences, {sum(map(len, sentences))} tokens", highlight=False)
    if recipe.teacher:
        words, numbers = _of_teacher(recipe, sentences, data, runs, console)
    else:
        words, numbers = _skip_gram(recipe, sentences)
    console.print(f"{len(words)} words of {recipe.dimension} numbers", highlight=False)
    output.mkdir(parents=True, exist_ok=True)
    vectors = WordVectors.from_floats(words, numbers)
    vectors.write(output / VECTORS_FILE)
    manifest = _manifest(recipe, vectors, output)
    manifest.write(output)
    write_card(manifest, output)
    return manifest


def _of_teacher(
    recipe: VectorsRecipe, sentences: Sequence[Sequence[str]], data: DataFolders, runs: Path, console: Console
) -> tuple[pa.StringArray, Floats]:
    words = pa.array(frequent_words(sentences, most=recipe.words, min_count=recipe.min_count), pa.string())
    teacher = trained(recipe.teacher, runs) or recipe.teacher
    batches = list(_batches(data.texts(recipe.texts)))
    shown = track(batches, f"reading with {recipe.teacher}", console=console, transient=True)
    return words, contextual_vectors(teacher, words, shown, recipe.dimension)


def _skip_gram(recipe: VectorsRecipe, sentences: Sequence[Sequence[str]]) -> tuple[pa.StringArray, Floats]:
    """Train by negative sampling, in one thread, so that the same seed gives the same vectors."""
    model = Word2Vec(
        sentences,
        vector_size=recipe.dimension,
        window=recipe.window,
        min_count=recipe.min_count,
        max_final_vocab=recipe.words,
        sg=1,
        negative=10,
        sample=1e-4,
        epochs=recipe.epochs,
        seed=recipe.seed,
        workers=1,
    )
    return pa.array(model.wv.index_to_key, pa.string()), np.asarray(model.wv.vectors, np.float32)


def tokenized(texts: Sequence[str]) -> list[list[str]]:
    """Return the tokens of each sentence of some texts, in the form that vectors are looked up by."""
    sentences = [text[span.start : span.stop] for text in texts for span in sentence_spans(text)]
    points = CodePoints.from_arrow(pa.array(sentences, pa.string()))
    starts, stops = Tokenizer().spans(points)
    rows = np.searchsorted(points.row_starts, starts, "right") - 1
    bounds = pa.array(starts_of(np.bincount(rows, minlength=len(sentences))), pa.int32())
    found: list[list[str]] = pa.ListArray.from_arrays(bounds, folded(points.slices(starts, stops))).to_pylist()
    return [tokens for tokens in found if tokens]


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _TEXTS_AT_ONCE:
            yield batch
            batch = []
    yield batch


def _manifest(recipe: VectorsRecipe, vectors: WordVectors, folder: Path) -> Manifest:
    return single_manifest(
        recipe,
        folder,
        (VECTORS_FILE,),
        output=_OUTPUT,
        training=[{"name": name, "use": "training"} for name in recipe.texts],
        architecture=WORD_VECTORS,
        unit=TOKEN_UNIT,
        precision="int8",
        parameters=vectors.codes.size,
        cased=False,
    )
