"""What stages read from a frame and drop from it, and Spark NLP's words for what they do not find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from clinspan.annotators.base import Annotator
from clinspan.exceptions import MissingInputError


class InputColsError(MissingInputError, TypeError):
    """A stage does not find its columns: in Spark NLP a kind of ValueError, but a TypeError from a LightPipeline."""

    @classmethod
    def from_uid(
        cls, uid: str, stage: Annotator, available: Mapping[str, str], columns: Sequence[str]
    ) -> InputColsError:
        """Name the stage, the columns it is to read, those there are, and the types it needs."""
        listed = "\n".join(_described(name, available) for name in dict.fromkeys((*columns, *available)))
        return cls(
            f"requirement failed: Wrong or missing inputCols annotators in {uid}.\n\n"
            f"Current inputCols: {','.join(stage.input_cols)}. Dataset's columns:\n{listed}.\n"
            "Make sure such annotators exist in your pipeline, with the right output names and that they have "
            f"following annotator types: {', '.join((*stage.input_types, *stage.optional_types))}"
        )


def _described(name: str, available: Mapping[str, str]) -> str:
    kind = f"true,type={available[name]}" if name in available else "false"
    return f"(column_name={name},is_nlp_annotator={kind})"


@dataclass(frozen=True)
class Wiring:
    """What a chain of stages does with the columns of a frame.

    Attributes:
        read: annotation columns of the frame that stages read, and their types.
        dropped: columns that are gone at some place in the chain.
    """

    read: Mapping[str, str]
    dropped: frozenset[str]


def wired(
    stages: Sequence[Annotator], kinds: Mapping[str, str | None], columns: Sequence[str], uids: Sequence[str] = ()
) -> Wiring:
    """Check that each stage finds its inputs in a frame or among what earlier stages write.

    Args:
        stages: in order.
        kinds: annotation columns of the frame and their types. One without any annotation, whose type is "" or None,
            counts as what the first stage that reads it wants.
        columns: all columns of the frame, for messages.
        uids: what messages call the stages; by default their names.

    Raises:
        InputColsError: if one does not.
        MissingColumnError: if a Finisher does not.
    """
    read: dict[str, str] = {}
    dropped: set[str] = set()
    own = dict(kinds)  # what is left of the frame's columns
    available = {name: kind for name, kind in kinds.items() if kind is not None}
    for stage, uid in zip(stages, uids or [stage.name for stage in stages], strict=True):
        available |= _types_of_empty(stage, available, own)
        _check(stage, uid, available, columns)
        read |= {name: available[name] for name in stage.input_cols if name in own}
        after = stage.columns_after(available)
        dropped |= available.keys() - after.keys()
        own = {name: kind for name, kind in own.items() if name not in dropped and name not in stage.outputs()}
        available = after
    return Wiring(read, frozenset(dropped))


def _types_of_empty(stage: Annotator, available: Mapping[str, str], own: Mapping[str, str | None]) -> dict[str, str]:
    """Return types for the columns without annotations that a stage reads: what it wants and has not yet."""
    empty = [name for name in stage.input_cols if name in own and not available.get(name)]
    found = {available.get(name) for name in stage.input_cols}
    wanted = (kind for kind in (*stage.input_types, *stage.optional_types) if kind not in found)
    return dict(zip(empty, chain(wanted, _any_type(stage)), strict=False))


def _any_type(stage: Annotator) -> Iterator[str]:
    """Yield, for ever, the type of further columns of a stage that takes any number."""
    return repeat(stage.input_types[-1] if stage.input_types else "")


def _check(stage: Annotator, uid: str, available: Mapping[str, str], columns: Sequence[str]) -> None:
    """Check that a stage finds its inputs, those too that it could do without: Spark NLP's needs all of them."""
    try:
        found = stage.inputs(available)
    except MissingInputError:
        raise InputColsError.from_uid(uid, stage, available, columns) from None
    if not set(stage.optional_types) <= found.keys():
        raise InputColsError.from_uid(uid, stage, available, columns)
