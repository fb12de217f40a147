"""Rows that could not be annotated: reported, and blank in the result."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.codepoints import Bools
from clinspan.exceptions import RowWarning
from clinspan.schema import row_mask

ROW: Final = "_clinspan_row"  # the column of row numbers that goes with texts; a stage may repeat or drop rows
_SHOWN: Final = 5


def describe_rows(errors: Mapping[int, str]) -> str:
    """Name the rows in error and what is wrong with the first few; never their text."""
    shown = "; ".join(f"row {row}: {errors[row]}" for row in sorted(errors)[:_SHOWN])
    more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    rows = "row" if len(errors) == 1 else "rows"
    return f"{len(errors)} {rows} could not be annotated: {shown}{more}"


def warn_of_rows(errors: Mapping[int, str]) -> None:
    """Warn once of all rows in error, if there are any."""
    if errors:
        warnings.warn(describe_rows(errors), RowWarning, stacklevel=3)


def blanked(
    batches: Iterable[pa.RecordBatch], errors: Mapping[int, str], columns: Sequence[str]
) -> list[pa.RecordBatch]:
    """Return the batches with null in the given columns of rows in error.

    Args:
        batches: with the column `ROW`.
        errors: what is wrong with a row, by row number.
        columns: those to blank.
    """
    if not errors:
        return list(batches)
    bad = pa.array(sorted(errors), pa.int64())
    return [_blanked(batch, ~np.asarray(pc.is_in(batch.column(ROW), bad)), columns) for batch in batches]


def _blanked(batch: pa.RecordBatch, keep: Bools, columns: Sequence[str]) -> pa.RecordBatch:
    for name in columns:
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, batch.schema.field(at), row_mask(batch.column(at), keep))
    return batch
