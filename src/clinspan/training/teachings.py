"""What the corpora of a recipe teach, and what their dev sets measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clinspan.corpora import Record
from clinspan.exceptions import RecipeError
from clinspan.training.examples import Teaching
from clinspan.training.recipe import CorpusRecipe, Recipe


def teachings(recipe: Recipe, corpus: CorpusRecipe, records: Sequence[Record]) -> dict[str, Teaching]:
    """Return how a corpus teaches each of its heads.

    Raises:
        RecipeError: if its records have labels that a head lacks.
    """
    found = {}
    for name, teaching in corpus.heads.items():
        head = recipe.heads[name]
        unknown = {span.label for r in records for span in teaching.renamed(r).spans} - set(head.labels)
        if unknown:
            msg = (
                f"The corpus {corpus.name!r} has labels that the head {name!r} lacks: "
                f"{', '.join(sorted(unknown))}. Rename or drop them in its label_map."
            )
            raise RecipeError(msg)
        found[name] = Teaching(head.tags, teaching, teaching.weight)
    return found


def measuring(corpus: CorpusRecipe) -> CorpusRecipe:
    """Return the corpus with the heads for which its dev set helps to choose the epoch."""
    wanted = corpus.dev and corpus.judge
    return replace(corpus, heads={name: t for name, t in corpus.heads.items() if wanted and t.scored})
