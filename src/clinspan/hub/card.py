"""The model card: README.md beside the weights, written from the manifest and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from clinspan.hub.manifest import Head, Manifest

CARD: Final = "README.md"
_MICRO: Final = "micro"


def write_card(manifest: Manifest, folder: Path) -> None:
    """Write the card into a model folder."""
    (folder / CARD).write_text(card_text(manifest), encoding="utf-8")


def card_text(manifest: Manifest) -> str:
    """Return the card as Markdown."""
    facts = {
        "Version": manifest.version,
        "Languages": ", ".join(manifest.languages) or "not stated",
        "Architecture": f"{manifest.architecture}, {manifest.precision} ONNX",
        "Size": f"{manifest.size / 1e6:.1f} MB",
        "Reads": _reading(manifest),
        "Tags": "words and punctuation marks" if manifest.unit == "word" else "whitespace-separated tokens",
        "Licence of the weights": manifest.licence or "not stated",
    }
    lines = [
        f"# {manifest.name}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {k} | {v} |" for k, v in facts.items()),
        "",
    ]
    for head in manifest.heads:
        lines += _head_lines(head)
    return "\n".join(lines)


def _reading(manifest: Manifest) -> str:
    several = f"passages of up to {manifest.context} sub-words" if manifest.context else "sentences"
    windows = f"longer sentences in windows of {manifest.max_length}, {manifest.overlap} shared"
    return f"{several}; {windows}; nothing is cut off"


def _head_lines(head: Head) -> Iterator[str]:
    yield f"## {head.name}"
    yield ""
    if head.description:
        yield f"{head.description}."
        yield ""
    if head.aliases:
        yield f"Also known as {', '.join(f'`{alias}`' for alias in head.aliases)}. The weights are clinspan's own."
        yield ""
    yield f"Labels: {', '.join(f'`{label}`' for label in head.labels)}"
    yield ""
    yield from _training_lines(head)
    for name, scores in head.scores.items():
        yield from _score_lines(name, scores)


def _training_lines(head: Head) -> Iterator[str]:
    if not head.training:
        return
    yield from ("### Training data", "", "| corpus | licence | label changes |", "|---|---|---|")
    for corpus in head.training:
        changes = ", ".join(f"{old} → {new or 'dropped'}" for old, new in corpus.get("label_map", {}).items())
        name = f"[{corpus['name']}]({corpus['url']})" if corpus.get("url") else corpus["name"]
        yield f"| {name} | {corpus.get('licence') or 'not stated'} | {changes or '–'} |"
    yield ""


def _score_lines(name: str, scores: Mapping[str, Any]) -> Iterator[str]:
    """Return strict scores by label as a table; intervals are from 1,000 bootstrap samples of documents."""
    yield from (f"### Strict entity scores on {name}", "")
    yield from (
        "| label | precision | recall | F1 | 95 % interval | support |",
        "|---|---:|---:|---:|---:|---:|",
    )
    for label, s in scores.items():
        shown = f"**{label}**" if label == _MICRO else label
        yield (
            f"| {shown} | {s['precision']:.3f} | {s['recall']:.3f} | {s['f1']:.3f} "
            f"| {s['low']:.3f}–{s['high']:.3f} | {s['support']} |"
        )
    yield ""
