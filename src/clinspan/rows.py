"""Rows that could not be annotated: reported, and blank in the result."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from clinspan.exceptions import RowWarning
from clinspan.schema import row_mask

_SHOWN = 5


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
    """Return the batches with null in the given columns of rows in error."""
    if not errors:
        return list(batches)
    found, first = [], 0
    bad = np.array(sorted(errors))
    for batch in batches:
        keep = ~np.isin(np.arange(first, first + batch.num_rows), bad)
        for name in columns:
            at = batch.schema.get_field_index(name)
            batch = batch.set_column(at, batch.schema.field(at), row_mask(batch.column(at), keep))
        found.append(batch)
        first += batch.num_rows
    return found
