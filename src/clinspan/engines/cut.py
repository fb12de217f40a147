"""Cutting batches by characters, so that memory is bounded by them and not by the number of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from clinspan.codepoints import Ints
from clinspan.texts import BATCH_CHARACTERS


def cut(batch: pa.RecordBatch, characters: Ints) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a batch in parts of about `BATCH_CHARACTERS`; a row is never divided.

    Args:
        batch: what to cut.
        characters: how many each row has, shape [rows].
    """
    cuts = np.flatnonzero(np.diff(np.cumsum(characters) // BATCH_CHARACTERS)) + 1
    for start, stop in zip([0, *cuts], [*cuts, batch.num_rows], strict=True):
        yield batch.slice(start, stop - start)
