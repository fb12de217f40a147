"""PassThrough: a stage that has nothing to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from clinspan.annotators.base import Annotator


@dataclass(frozen=True, kw_only=True)
class PassThrough(Annotator):
    """Leave everything as it is, in the place of a stage that other libraries need.

    Attributes:
        input_cols, output_col: not read and not written.
    """

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch."""
        return batch

    def outputs(self) -> Mapping[str, str]:
        """Return no columns."""
        return {}
