"""The model card: README.md beside the weights, written from the manifest and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from clinspan.hub.manifest import BILSTM, SENTENCE_CNN, WORD_VECTORS, Head, Manifest

CARD: Final = "README.md"
_MICRO: Final = "micro"
MEASURE: Final = "measure"  # the use of a corpus that was not trained on
UNSEEN: Final = "unseen"  # of one that has none of its texts in any train set, nor read by the encoder


def write_card(manifest: Manifest, folder: Path) -> None:
    """Write the card into a model folder."""
    (folder / CARD).write_text(card_text(manifest), encoding="utf-8")


def card_text(manifest: Manifest) -> str:
    """Return the card as Markdown."""
    facts = {
        "Version": manifest.version,
        "Languages": ", ".join(manifest.languages) or "not stated",
        "Architecture": _architecture(manifest),
        "Size": f"{manifest.size / 1e6:.1f} MB",
        "Reads": _reading(manifest),
        "Tags": _tagging(manifest),
        "Licence of the weights": manifest.licence or "not stated",
    }
    lines = [
        f"# {manifest.name}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {k} | {v} |" for k, v in facts.items() if v),
        "",
    ]
    measure = "Sentence boundaries" if manifest.architecture == SENTENCE_CNN else "Strict entity scores"
    for head in manifest.heads:
        lines += _head_lines(head, measure)
    return "\n".join(lines)


def _architecture(manifest: Manifest) -> str:
    weights = f"{manifest.parameters / 1e6:.1f} million parameters" if manifest.parameters else ""
    cased = {None: "", True: "cased", False: "uncased"}[manifest.cased]
    file = manifest.precision if manifest.architecture == WORD_VECTORS else f"{manifest.precision} ONNX"
    return ", ".join(part for part in (manifest.architecture, weights, cased, file) if part)


def _tagging(manifest: Manifest) -> str:
    if manifest.architecture in (WORD_VECTORS, SENTENCE_CNN):
        return ""
    if manifest.architecture == BILSTM:
        return "tokens"
    return "words and punctuation marks" if manifest.unit == "word" else "whitespace-separated tokens"


def _reading(manifest: Manifest) -> str:
    if manifest.architecture == WORD_VECTORS:
        return "single words, whatever their case"
    if manifest.architecture == SENTENCE_CNN:
        return "texts of any length: the characters on either side of each place where a sentence may end"
    if manifest.architecture == BILSTM:
        return f"sentences of any length, through the word vectors {manifest.vectors}"
    several = f"passages of up to {manifest.context} sub-words" if manifest.context else "sentences"
    windows = f"longer sentences in windows of {manifest.max_length}, {manifest.overlap} shared"
    return f"{several}; {windows}; nothing is cut off"


def _head_lines(head: Head, measure: str) -> Iterator[str]:
    yield f"## {head.name}"
    yield ""
    if head.description:
        yield f"{head.description}."
        yield ""
    if head.aliases:
        yield f"Also known as {', '.join(f'`{alias}`' for alias in head.aliases)}. The weights are clinspan's own."
        yield ""
    if head.labels:
        yield f"Labels: {', '.join(f'`{label}`' for label in head.labels)}"
        yield ""
    yield from _training_lines(head)
    for name, scores in head.scores.items():
        yield from _score_lines(f"{measure} on {name}", scores, _unseen(head, name))
        if name in head.token_tables:
            yield from ("<details><summary>token level</summary>", "", "```", head.token_tables[name], "```", "")
            yield from ("</details>", "")


def _unseen(head: Head, data_set: str) -> bool:
    """Whether a data set is of a corpus that training has not seen."""
    names = {corpus["name"] for corpus in head.training if corpus.get("use") == UNSEEN}
    return data_set.removesuffix(" dev") in names


def _training_lines(head: Head) -> Iterator[str]:
    corpora = [corpus for corpus in head.training if corpus.get("use") not in (MEASURE, UNSEEN)]
    if not corpora:
        return
    yield from ("### Training data", "")
    if not any(corpus.get("licence") for corpus in corpora):
        yield ", ".join(corpus["name"] for corpus in corpora)
        yield ""
        return
    yield from ("| corpus | licence | labels |", "|---|---|---|")
    for corpus in corpora:
        name = f"[{corpus['name']}]({corpus['url']})" if corpus.get("url") else corpus["name"]
        name += f" ({corpus['language']})" if corpus.get("language") else ""
        yield f"| {name} | {corpus.get('licence') or 'not stated'} | {_reading_of_labels(corpus)} |"
    yield ""


def _reading_of_labels(corpus: Mapping[str, Any]) -> str:
    """Say how the labels of a corpus read in those of the head."""
    changes = [f"{old} → {_targets(rules)}" for old, rules in corpus.get("label_map", {}).items()]
    if corpus.get("complete") is not None:
        changes.append(f"marks throughout: {', '.join(corpus['complete']) or 'none'}")
    if corpus.get("mask"):
        changes.append(f"left out: {', '.join(corpus['mask'])}")
    if corpus.get("before"):
        changes.append("articles and possessives before a mention are added in training and not compared")
    if corpus.get("after"):
        changes.append(f"`{corpus['after']}` after a mention is added in training and not compared")
    return "; ".join(changes) or "as they are"


def _targets(rules: Any) -> str:
    if isinstance(rules, str):
        return rules or "dropped"
    names = [rule if isinstance(rule, str) else rule[1] for rule in rules]
    return f"{' or '.join(names)} by wording"


def _score_lines(title: str, scores: Mapping[str, Any], unseen: bool) -> Iterator[str]:
    """Return strict scores by label as a table; intervals are from 1,000 bootstrap samples of documents."""
    yield from (f"### {title}{', a corpus not used in training' if unseen else ''}", "")
    yield from (
        "| label | precision | recall | F1 | 95 % interval | support |",
        "|---|---:|---:|---:|---:|---:|",
    )
    for label, s in scores.items():
        shown = f"**{label}**" if label == _MICRO else label
        yield (
            f"| {shown} | {s['precision']:.3f} | {s['recall']:.3f} | {s['f1']:.3f} | {_interval(s)} | {s['support']} |"
        )
    yield ""


def _interval(score: Mapping[str, Any]) -> str:
    return "–" if score["low"] is None else f"{score['low']:.3f}–{score['high']:.3f}"
