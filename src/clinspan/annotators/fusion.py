"""Joining classifiers that share an encoder, so that it runs once for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from clinspan.annotators.base import Annotator
from clinspan.annotators.token_classifier import FusedTokenClassifiers, TokenClassifier


def fused(stages: Sequence[Annotator]) -> tuple[Annotator, ...]:
    """Join classifiers that share graph and inputs into one stage, at the place of the first.

    One that a stage in between would see, or would have changed for it, stays where it is.
    """
    groups: list[list[Annotator]] = []
    latest: dict[object, tuple[int, list[Annotator]]] = {}
    for i, stage in enumerate(stages):
        key = (id(stage.model.tagger), stage.input_cols) if isinstance(stage, TokenClassifier) else i
        first, group = latest.get(key, (i, []))
        if not group or any(_interferes(other, stage) for other in stages[first:i]):
            first, group = i, []
            groups.append(group)
        group.append(stage)
        latest[key] = first, group
    return tuple(_joined(group) for group in groups)


def _interferes(other: Annotator, stage: Annotator) -> bool:
    """Return whether `stage` may not run before `other`."""
    written = set(other.outputs())
    return stage.output_col in {*written, *other.input_cols} or not written.isdisjoint(stage.input_cols)


def _joined(group: Sequence[Annotator]) -> Annotator:
    classifiers = tuple(stage for stage in group if isinstance(stage, TokenClassifier))
    if len(group) == 1:
        return group[0]
    return FusedTokenClassifiers(stages=classifiers, input_cols=classifiers[0].input_cols)
