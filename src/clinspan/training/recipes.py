"""Recipes of every other kind, and reading whichever a file holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from clinspan.exceptions import RecipeError
from clinspan.hub.resolve import MANY
from clinspan.training.recipe import SHORTEST, Recipe
from clinspan.training.tables import build, read_toml, refuse


@dataclass(frozen=True, kw_only=True)
class PretrainRecipe:
    """Domain adaptation of an encoder before fine-tuning; a recipe file with the table `[pretrain]`.

    Attributes:
        name: folder of the run; the checkpoint is `RUNS/name/encoder`.
        checkpoint: as in `Recipe`.
        texts: JSON-lines files below the data folder, whose `text` is read; never dev files.
        passes: how often an epoch sees a file, where not once; a fraction takes a random share.
        skip_licences: records whose `licence` is one of these are passed over.
        without: files, such as dev sets, whose texts are passed over wherever they occur.
        vocabulary: size of a new WordPiece vocabulary, learnt from the texts; 0 keeps that of the checkpoint.
        length: sub-words in a sequence.
        epochs: passes over the text; may be a fraction.
        batch_sequences: sequences in a batch.
        dropout: share of features dropped; a few passes need none. Attention weights are never dropped.
        checkpoint_minutes: time between checkpoints.
    """

    name: str
    texts: list[str]
    checkpoint: str = "minilm"
    passes: dict[str, float] = field(default_factory=dict)
    skip_licences: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    vocabulary: int = 0
    seed: int = 13
    length: int = 128
    epochs: float = 1.0
    batch_sequences: int = 32
    dropout: float = 0.0
    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    warmup: float = 0.06
    checkpoint_minutes: float = 3.0


@dataclass(frozen=True, kw_only=True)
class SingleRecipe:
    """What the recipes of models with one head and no tags share.

    Attributes:
        name: folder name of the model.
        languages: ISO 639-1 codes.
        head: the part of the short name after the language.
        aliases: further names.
        description: one line.
    """

    name: str
    version: str
    languages: list[str]
    licence: str
    head: str
    aliases: list[str] = field(default_factory=list)
    description: str = ""
    seed: int = 13

    @property
    def short_name(self) -> str:
        """The name by which the model is opened: its language, `xx` for several, and the head."""
        language = self.languages[0] if len(self.languages) == 1 else MANY
        return f"{language}/{self.head}"


@dataclass(frozen=True, kw_only=True)
class VectorsRecipe(SingleRecipe):
    """Word vectors of unlabelled text; a recipe file with the table `[vectors]`.

    Attributes:
        texts: JSON-lines files below the data folder, whose `text` is read; never dev files.
        dimension: numbers of a vector.
        words: most words kept, the most frequent ones.
        min_count: occurrences a word needs.
        teacher: a transformer whose encoder gives the vectors (`clinspan.training.contextual`); "" trains them by
            skip-gram.
        window: of skip-gram, words on each side that are the context of one; a teacher does not need it.
        epochs: of skip-gram, passes over the text; a teacher does not need them.
    """

    texts: list[str]
    teacher: str = ""
    dimension: int = 200
    words: int = 20_000
    min_count: int = 3
    window: int = 5
    epochs: int = 5


@dataclass(frozen=True, kw_only=True)
class SentenceCorpusRecipe:
    """Texts with known sentences: JSON lines with `text` and `sentences`, half-open ranges.

    Attributes:
        train, dev: paths below the data folder; "" for none.
        held_out: share of the train file that measures, where there is no dev file.
        silver: the file has texts alone; the rules of `SentenceDetector` say where their sentences are.
        passes: how often an epoch sees it.
        licence, url: for the card.
    """

    name: str
    train: str = ""
    dev: str = ""
    held_out: float = 0.0
    silver: bool = False
    passes: float = 1.0
    licence: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class SentencesRecipe(SingleRecipe):
    """A model of sentence boundaries; a recipe file with the table `[sentences]`.

    Attributes:
        corpora: what to train on and measure with.
        min_count: occurrences around candidates that a character needs for an entry of its own.
        reach: characters read on either side of a candidate.
        dimension, filters, hidden: sizes of the embedding, of the convolutions and of the layer above them.
        batch_candidates: candidates in a batch.
        average: decay per step of the averaged weights that are kept.
        bias: added to the logits after training; chosen on dev sets.
        abbreviations: by language, words with a full stop that are put into texts, before words and numbers.
        lower, shorten, measure, abbreviate, number, drop_stops, break_lines, join, wrap, itemise, headings: shares of
            texts changed so in training; see `Variation`.
        stack: share of texts put below the one before.
    """

    corpora: list[SentenceCorpusRecipe]
    min_count: int = 500
    reach: int = 32
    dimension: int = 24
    filters: int = 48
    hidden: int = 64
    epochs: int = 8
    batch_candidates: int = 384
    learning_rate: float = 2e-3
    dropout: float = 0.2
    average: float = 0.999
    bias: float = 0.0
    abbreviations: dict[str, list[str]] = field(default_factory=dict)
    lower: float = 0.05
    shorten: float = 0.1
    measure: float = 0.03
    itemise: float = 0.03
    headings: float = 0.03
    number: float = 0.05
    stack: float = 0.1
    wrap: float = 0.15
    break_lines: float = 0.15
    drop_stops: float = 0.15
    join: float = 0.05
    abbreviate: float = 0.2

    @property
    def width(self) -> int:
        """Characters of a window: both sides and what stands at the candidate."""
        return 2 * self.reach + 1


AnyRecipe = Recipe | PretrainRecipe | VectorsRecipe | SentencesRecipe
_KINDS: Final[Mapping[str, type[PretrainRecipe | VectorsRecipe | SentencesRecipe]]] = {
    "pretrain": PretrainRecipe,
    "vectors": VectorsRecipe,
    "sentences": SentencesRecipe,
}


def read_recipe(path: Path) -> AnyRecipe:
    """Read a recipe of any kind; the tables `[pretrain]`, `[vectors]` and `[sentences]` tell them apart.

    Raises:
        RecipeError: naming what is missing, unknown or wrong in it.
    """
    raw = read_toml(path)
    kind = next((name for name in _KINDS if name in raw), None)
    if kind is None:
        return Recipe.read(path)
    if others := sorted(raw.keys() - {kind}):
        msg = f"{path.name}: unknown entries {', '.join(others)}; all of such a recipe stands below [{kind}]."
        raise RecipeError(msg)
    where = f"{path.name}: {kind}"
    recipe = build(_KINDS[kind], raw[kind], where)
    refuse(where, _problems(recipe))
    return recipe


def _problems(recipe: PretrainRecipe | VectorsRecipe | SentencesRecipe) -> dict[str, object]:
    """Return what no training could go on with, and whether it is there."""
    if isinstance(recipe, PretrainRecipe):
        unread = sorted(recipe.passes.keys() - {*recipe.texts})
        return {
            f"passes names files that texts does not: {', '.join(unread)}": unread,
            f"length has to be {SHORTEST} or more": recipe.length < SHORTEST,
            "batch_sequences has to be 1 or more, and epochs not below 0": recipe.batch_sequences < 1
            or recipe.epochs < 0,
        }
    if isinstance(recipe, VectorsRecipe):
        counts = (recipe.dimension, recipe.words, recipe.min_count, recipe.window, recipe.epochs)
        return {"dimension, words, min_count, window and epochs have to be 1 or more": min(counts) < 1}
    names = Counter(corpus.name for corpus in recipe.corpora)
    twice = sorted(name for name, count in names.items() if count > 1)
    return {
        f"more than one corpus is named {', '.join(twice)}; each needs a name of its own": twice,
        f"reach has to be {SHORTEST} or more": recipe.reach < SHORTEST,
        "epochs and batch_candidates have to be 1 or more": min(recipe.epochs, recipe.batch_candidates) < 1,
    }
