"""Word vectors from unlabelled text: of a trained encoder, or by skip-gram (Mikolov et al. 2013), by gensim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import track

from clinspan.folders import complete
from clinspan.hub.card import write_card
from clinspan.hub.manifest import WORD_VECTORS, Manifest
from clinspan.inference.decoding import Floats
from clinspan.inference.units import TOKEN_UNIT
from clinspan.inference.vectors import VECTORS_FILE, WordVectors, folded
from clinspan.training.contextual import contextual_vectors, frequent_words
from clinspan.training.data import DataFolders
from clinspan.training.examples import Sentences, token_units
from clinspan.training.publish import single_manifest
from clinspan.training.recipes import VectorsRecipe
from clinspan.training.teacher import where_taught

_OUTPUT: Final = "vectors"
_CHARACTERS_AT_ONCE: Final = 400_000


def train_vectors(recipe: VectorsRecipe, *, data: DataFolders, runs: Path, output: Path, console: Console) -> Manifest:
    """Make vectors of the recipe's texts and write a model folder."""
    if recipe.teacher:
        words, numbers = _of_teacher(recipe, data, runs, console)
    else:
        words, numbers = _skip_gram(recipe, data)
    console.print(f"{len(words)} words of {numbers.shape[1]} numbers", highlight=False)
    vectors = WordVectors.from_floats(words, numbers)
    with complete(output) as folder:
        vectors.write(folder / VECTORS_FILE)
        manifest = _manifest(recipe, vectors, folder)
        manifest.write(folder)
        write_card(manifest, folder)
    return manifest


def _of_teacher(
    recipe: VectorsRecipe, data: DataFolders, runs: Path, console: Console
) -> tuple[pa.StringArray, Floats]:
    """Read the texts twice: for the words, and for their vectors."""
    chosen = frequent_words(_sentences(recipe, data), most=recipe.words, min_count=recipe.min_count)
    words, teacher = pa.array(chosen, pa.string()), where_taught(recipe.teacher, runs)
    batches = track(_batches(data.texts(recipe.texts)), f"reading with {recipe.teacher}", console=console)
    return words, contextual_vectors(teacher, words, batches, recipe.dimension)


def _skip_gram(recipe: VectorsRecipe, data: DataFolders) -> tuple[pa.StringArray, Floats]:
    """Train by negative sampling, in one thread, so that the same seed gives the same vectors."""
    from gensim.models import Word2Vec  # which vectors of a teacher do not need

    model = Word2Vec(
        list(_sentences(recipe, data)),
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


def _sentences(recipe: VectorsRecipe, data: DataFolders) -> Iterator[list[str]]:
    return (tokens for texts in _batches(data.texts(recipe.texts)) for tokens in tokenized(texts))


def tokenized(texts: Sequence[str]) -> list[list[str]]:
    """Return the tokens of each sentence of some texts, in the form that vectors are looked up by."""
    units = token_units(Sentences.from_texts(texts).texts)
    bounds = pa.array(units.sentence_starts, pa.int32())
    found: list[list[str]] = pa.ListArray.from_arrays(bounds, folded(units.texts)).to_pylist()
    return [tokens for tokens in found if tokens]


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Put texts together up to a number of characters."""
    batch, size = list[str](), 0
    for text in texts:
        if batch and size + len(text) > _CHARACTERS_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
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
