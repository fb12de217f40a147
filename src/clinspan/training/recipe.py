"""The recipe of a tagger: one TOML file says all that a model was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from clinspan.corpora.jsonl import Reading
from clinspan.corpora.scheme import Rules, Scheme
from clinspan.exceptions import RecipeError
from clinspan.hub.manifest import UNITS
from clinspan.inference.units import WORD_UNIT
from clinspan.tagging import iob2_tags
from clinspan.training.hyperparameters import BiLstmRecipe, TrainingRecipe, VocabularyRecipe
from clinspan.training.tables import build, read_toml, refuse

SHORTEST: Final = 8  # least that a network may read at once: sub-words, or characters on a side


@dataclass(frozen=True, kw_only=True)
class HeadRecipe:
    """One tag set.

    Attributes:
        labels: in the order of the graph's output.
        languages: those in which it is offered, each under a name of its own; [] stands for all of the recipe.
        description: one line.
        aliases: further names; by language, if there are several.
        auxiliary: whether it only helps the encoder to learn and is not part of the model.
    """

    labels: list[str]
    languages: list[str] = field(default_factory=list)
    description: str = ""
    aliases: list[str] | dict[str, list[str]] = field(default_factory=list)
    auxiliary: bool = False

    def aliases_in(self, language: str) -> list[str]:
        """Return the further names in a language."""
        return self.aliases.get(language, []) if isinstance(self.aliases, dict) else self.aliases

    @property
    def tags(self) -> list[str]:
        """`O` and the IOB2 tags of the labels."""
        return iob2_tags(self.labels)


@dataclass(frozen=True, kw_only=True)
class TeachingRecipe(Scheme):
    """How a corpus teaches a head: the entries of `Scheme`, and these.

    Patterns of label maps may go by their names in the recipe's table `patterns`.

    Attributes:
        weight: factor on its loss.
        scored: whether the dev set of the corpus measures the head.
    """

    weight: float = 1.0
    scored: bool = True

    def with_patterns(self, patterns: Mapping[str, str]) -> TeachingRecipe:
        """Return it with names of patterns replaced by the patterns."""
        named = {label: _with_patterns(rules, patterns) for label, rules in self.label_map.items()}
        return replace(self, label_map=named)


def _with_patterns(rules: Rules, patterns: Mapping[str, str]) -> Rules:
    if isinstance(rules, str):
        return rules
    return [rule if isinstance(rule, str) else [_pattern(rule[0], patterns), *rule[1:]] for rule in rules]


def _pattern(given: str, patterns: Mapping[str, str]) -> str:
    """Return the pattern of a name, or a pattern as it is; names are written in capitals."""
    if given.isupper() and given.isidentifier() and given not in patterns:
        msg = f"[patterns] has no {given!r}; it has {', '.join(patterns) or 'none'}."
        raise RecipeError(msg)
    return patterns.get(given, given)


@dataclass(frozen=True, kw_only=True)
class CorpusRecipe:
    """A corpus: its files below the data folder, and the heads that it teaches.

    Attributes:
        name: as in the records' `source`.
        language: of its texts, where the recipe has several.
        qualifier, min_coverage: as in `Reading`.
        heads: how it teaches each head.
        train: path below the data folder; "" for a corpus that only measures.
        teacher: model that annotates the texts of `train`, by its name, its folder or the recipe that makes it, with
            `#head` behind it if it has several; "" where they are annotated.
        dev: path below the data folder; "" for none.
        judge: whether its dev set helps to choose the epoch.
        unseen: whether none of its texts is in any train set, nor in what the encoder read; for the card.
        passes: how often an epoch sees it; a fraction takes a random share.
        licence, url: for the card.
    """

    name: str
    heads: dict[str, TeachingRecipe]
    language: str = ""
    qualifier: str = ""
    min_coverage: float = 0.0
    train: str = ""
    teacher: str = ""
    dev: str = ""
    judge: bool = True
    unseen: bool = False
    passes: float = 1.0
    licence: str = ""
    url: str = ""

    @property
    def title(self) -> str:
        """The name, after the language if it is stated."""
        return f"{self.language} {self.name}".strip()

    @property
    def reading(self) -> Reading:
        """What the labels of its files show."""
        return Reading(self.qualifier, self.min_coverage)

    def measures(self, language: str) -> bool:
        """Whether its dev set says something about a head offered in a language."""
        return self.language in ("", language)

    def with_patterns(self, patterns: Mapping[str, str]) -> CorpusRecipe:
        """Return it with names of patterns replaced by the patterns."""
        return replace(self, heads={name: teaching.with_patterns(patterns) for name, teaching in self.heads.items()})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All of a recipe file.

    Attributes:
        name: folder name of the model.
        languages: ISO 639-1 codes.
        checkpoint: what to start from: `minilm`, the name of another recipe that was followed, a folder, or an
            installed model.
        heads: tag sets by output name.
        corpora: what to train on.
        training: hyper-parameters of a transformer.
        vocabulary: what the exported model keeps of the checkpoint's vocabulary; None: all.
        bilstm: what to train instead of a transformer; then there is one head.
        max_length, overlap, context: as in the manifest, in sub-words.
        patterns: by their names, which label maps may use.
    """

    name: str
    version: str
    languages: list[str]
    licence: str
    heads: dict[str, HeadRecipe]
    corpora: list[CorpusRecipe]
    training: TrainingRecipe = field(default_factory=TrainingRecipe)
    vocabulary: VocabularyRecipe | None = None
    bilstm: BiLstmRecipe | None = None
    checkpoint: str = "minilm"
    seed: int = 13
    max_length: int = 256
    overlap: int = 64
    context: int = 0
    unit: str = WORD_UNIT
    patterns: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a fine-tuning recipe.

        Raises:
            RecipeError: naming what is missing, unknown or wrong in it.
        """
        recipe = build(cls, read_toml(path), path.name)
        recipe = replace(recipe, corpora=[corpus.with_patterns(recipe.patterns) for corpus in recipe.corpora])
        for corpus in recipe.corpora:
            _check_heads(path.name, corpus, recipe.heads)
        _check_measures(path.name, recipe.corpora)
        _check_values(path.name, recipe)
        return recipe


def _check_heads(where: str, corpus: CorpusRecipe, heads: Mapping[str, HeadRecipe]) -> None:
    if not corpus.heads:
        msg = f"{where}: the corpus {corpus.name!r} has no heads; name those that it teaches or measures."
        raise RecipeError(msg)
    if unknown := sorted(set(corpus.heads) - set(heads)):
        msg = f"{where}: the corpus {corpus.name!r} teaches unknown heads: {', '.join(unknown)}."
        raise RecipeError(msg)
    for name, teaching in corpus.heads.items():
        if unknown := sorted(set(teaching.complete or ()) - set(heads[name].labels)):
            msg = f"{where}: complete of {corpus.name!r} names labels that {name!r} lacks: {', '.join(unknown)}."
            raise RecipeError(msg)


def _check_values(where: str, recipe: Recipe) -> None:
    """Refuse what no training could go on with."""
    training, bilstm = recipe.training, recipe.bilstm
    rounds = (bilstm.epochs, bilstm.batch_sentences) if bilstm else (training.epochs, training.batch_subwords)
    idle = [corpus.name for corpus in recipe.corpora if corpus.teacher and not corpus.train]
    problems = {
        f"a BiLSTM tagger has one head, not {len(recipe.heads)}": bilstm and len(recipe.heads) != 1,
        "languages names none": not recipe.languages,
        "checkpoint is its own name, and at the second time its own result": recipe.checkpoint == recipe.name,
        f"unit has to be {' or '.join(map(repr, UNITS))}, not {recipe.unit!r}": recipe.unit not in UNITS,
        "no corpus has a train file": not any(corpus.train for corpus in recipe.corpora),
        f"{', '.join(idle)}: a teacher needs a train file, whose texts it annotates": idle,
        "epochs, patience and the size of a batch have to be 1 or more": min(*rounds, training.patience) < 1,
        "mean_of_epochs has to be from 0 to epochs": not 0 <= training.mean_of_epochs <= training.epochs,
        f"max_length has to be {SHORTEST} or more": recipe.max_length < SHORTEST,
        "a label of a head is named twice": any(len({*h.labels}) < len(h.labels) for h in recipe.heads.values()),
    }
    refuse(where, problems)


def _check_measures(where: str, corpora: Iterable[CorpusRecipe]) -> None:
    """Refuse two scores under one name."""
    measured = Counter(
        (corpus.title, name) for corpus in corpora if corpus.dev for name, head in corpus.heads.items() if head.scored
    )
    for (title, head), count in measured.items():
        if count > 1:
            msg = f"{where}: {count} corpora {title!r} measure the head {head!r}; leave dev in one of them."
            raise RecipeError(msg)
