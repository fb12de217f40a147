"""The ways in which notes differ from edited text, made from texts with known sentences."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from clinspan.training.passages import Passage
from clinspan.training.recipes import SentencesRecipe

_NUMBERED: Final = ("{}. ", "{}. ", "{}) ", "({}) ", "{}.- ")
_BULLETS: Final = ("- ", "- ", "* ", "• ", "-")
_UNITS: Final = tuple(
    ["", "", "", "%"]
    + [
        f" {unit}"
        for unit in (
            "mg",
            "mg",
            "ml",
            "g/dl",
            "mmol/L",
            "mmHg",
            "%",
            "cm",
            "h",
            "kg",
            "U/L",
            "bpm",
            "mg q.d",
            "mg b.i.d",
        )
    ]
)


@dataclass(frozen=True)
class Variation:
    """Makes texts more like notes, each change in a share of them.

    Lower case throughout; sentences cut to their last words, ending in a measured value, below or after a heading,
    numbered or listed; lines wrapped; each sentence a line; full stops left out at line ends; a space forgotten between
    sentences; abbreviations of the language put before words and numbers.
    """

    recipe: SentencesRecipe
    rng: random.Random

    def __call__(self, passage: Passage) -> Passage:
        """Return a varied passage."""
        if passage.silver:
            return passage
        for share, change in (
            (self.recipe.lower, self._lower),
            (self.recipe.shorten, self._shorten),
            (self.recipe.measure, self._measure),
            (self.recipe.abbreviate, self._abbreviate),
            (self.recipe.number, self._number),
            (self.recipe.drop_stops, self._drop_stops),
            (self.recipe.break_lines, self._break_lines),
            (self.recipe.join, self._join),
            (self.recipe.wrap, self._wrap),
            (self.recipe.itemise, self._itemise),
            (self.recipe.headings, self._head),
        ):
            if self.rng.random() < share:
                passage = change(passage)
        return passage

    def _some(self, passage: Passage, change: Callable[[str], str], share: float = 0.5) -> Passage:
        """Change a share of the sentences."""
        sentences = (change(sentence) if self.rng.random() < share else sentence for sentence in passage.sentences)
        return replace(passage, sentences=tuple(sentences))

    def _lower(self, passage: Passage) -> Passage:
        return self._some(passage, str.lower, 1.0)

    def _shorten(self, passage: Passage) -> Passage:
        """Leave the last word of some sentences, or its first and its last, as in `Allergies: none`."""
        return self._some(passage, self._shortened)

    def _shortened(self, sentence: str) -> str:
        words = sentence.split(" ")
        first, last = words[0], words[-1]
        if not (first.isalpha() and last[:-1].isalpha() and last[-1] in ".!?"):
            return sentence
        form = self.rng.choice((f"{first}: {last}", f"{words[-2]} {last}" if len(words) > 1 else last, last))
        return _capitalised(form)

    def _measure(self, passage: Passage) -> Passage:
        """Let some sentences end in a value, as in `5 mg`."""
        return self._some(passage, self._measured)

    def _measured(self, sentence: str) -> str:
        before, _, last = sentence.rpartition(" ")
        if not before or not (last[:-1].isalpha() and last[-1] in ".!?"):
            return sentence
        whole = self.rng.randint(0, self.rng.choice((9, 99, 400)))
        value = self.rng.choice((f"{whole}", f"{whole}.{self.rng.randint(0, 9)}", f"{whole},{self.rng.randint(0, 9)}"))
        return f"{before} {value}{self.rng.choice(_UNITS)}{last[-1]}"

    def _abbreviate(self, passage: Passage) -> Passage:
        known = self.recipe.abbreviations.get(passage.language)
        if not known:
            return passage
        sentences = list(passage.sentences)
        i = self.rng.randrange(len(sentences))
        sentences[i] = self._abbreviated(sentences[i], f"{self.rng.choice(known)}.")
        return replace(passage, sentences=tuple(sentences))

    def _abbreviated(self, sentence: str, abbreviation: str) -> str:
        words = sentence.split(" ")
        if self.rng.random() < 0.3:  # with a number of its own, also at the end: `art. 6.`
            abbreviation += f" {self.rng.randint(1, 500)}"
            if self.rng.random() < 0.5 and words[-1][:-1].isalpha() and sentence[-1] in ".;":
                return f"{sentence[:-1]} {abbreviation}{sentence[-1]}"
        telling = [at for at, word in enumerate(words) if at and (word[:1].isupper() or word[:1].isdigit())]
        words.insert(self.rng.choice(telling or range(len(words))), abbreviation)
        return " ".join(words)

    def _number(self, passage: Passage) -> Passage:
        """Number some sentences; the number belongs to the sentence after it."""
        form, number = self.rng.choice(_NUMBERED), self.rng.choice((1, 1, self.rng.randint(2, 1500)))
        letters = self.rng.random() < 0.2
        sentences = []
        for sentence in passage.sentences:
            numbered = self.rng.random() < 0.7 and not sentence[0].isdigit()
            label = string.ascii_letters[number % 52 - 1] if letters else number
            sentences.append(form.format(label) + sentence if numbered else sentence)
            number += numbered
        return replace(passage, sentences=tuple(sentences))

    def _itemise(self, passage: Passage) -> Passage:
        """Make a list of the sentences, an item a line."""
        mark = self.rng.choice((*_BULLETS, *_BULLETS, "{}) ", "{}. "))
        lower, stops = self.rng.random() < 0.5, self.rng.random() < 0.3
        sentences = [mark.format(i) + s for i, s in enumerate(passage.sentences, start=1)]
        if lower:
            sentences = [s.lower() for s in sentences]
        if not stops:
            sentences = [s.rstrip(".") for s in sentences]
        return replace(passage, sentences=tuple(sentences), gaps=("\n",) * len(passage.gaps))

    def _head(self, passage: Passage) -> Passage:
        """Put headings above or before some sentences."""
        sentences, gaps = [], []
        for sentence, gap in zip(passage.sentences, (*passage.gaps, " "), strict=True):
            heading, below = self._heading(sentence), self.rng.choice(("", "\n", "\n", "\n\n"))
            if not heading or self.rng.random() < 0.6:
                sentences.append(sentence)
            elif not below:
                sentences.append(f"{heading}: {sentence}")
            else:
                sentences += [heading + ("" if self.rng.random() < 0.3 else ":"), sentence]
                gaps.append(below)
            gaps.append(gap)
        return replace(passage, sentences=tuple(sentences), gaps=tuple(gaps[:-1]))

    def _heading(self, sentence: str) -> str:
        words = sentence.split(" ")
        first = self.rng.randrange(len(words))
        taken = words[first : first + self.rng.randint(1, 3)]
        if not all(word.isalpha() for word in taken):
            return ""
        heading = _capitalised(" ".join(taken))
        return heading.upper() if self.rng.random() < 0.3 else heading

    def _drop_stops(self, passage: Passage) -> Passage:
        sentences, gaps = list(passage.sentences), list(passage.gaps)
        for i, gap in enumerate(gaps):
            if sentences[i].endswith(".") and len(sentences[i]) > 1 and self.rng.random() < 0.5:
                sentences[i] = sentences[i].rstrip(". ")
                gaps[i] = gap if "\n" in gap else self.rng.choice(("\n", "\n\n", " "))
        return replace(passage, sentences=tuple(sentences), gaps=tuple(gaps))

    def _break_lines(self, passage: Passage) -> Passage:
        gaps = (self.rng.choice(("\n", "\n", "\n\n", " \n")) for _ in passage.gaps)
        return replace(passage, gaps=tuple(gaps))

    def _join(self, passage: Passage) -> Passage:
        gaps = list(passage.gaps)
        for i, (before, after) in enumerate(zip(passage.sentences, passage.sentences[1:], strict=False)):
            if before[-1:] in ".?!" and after[:1].isupper() and self.rng.random() < 0.5:
                gaps[i] = ""
        return replace(passage, gaps=tuple(gaps))

    def _wrap(self, passage: Passage) -> Passage:
        """Turn spaces into line breaks so that no line is longer than a width."""
        width, column = self.rng.randint(40, 110), 0
        sentences, gaps = [], []
        for sentence, gap in zip(passage.sentences, (*passage.gaps, ""), strict=True):
            lines: list[str] = []
            for word in sentence.split(" "):
                column += len(word) + 1
                if lines and column > width:
                    lines.append("\n")
                    column = len(word) + 1
                elif lines:
                    lines.append(" ")
                lines.append(word)
            sentences.append("".join(lines))
            full = gap == " " and column > width * 0.9
            gaps.append("\n" if full else gap)
            column = 0 if full or "\n" in gap else column
        return replace(passage, sentences=tuple(sentences), gaps=tuple(gaps[:-1]))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
