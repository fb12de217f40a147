"""Batches are cut by characters."""

import numpy as np
import pyarrow as pa
import pytest

from clinspan.engines.cut import cut
from clinspan.texts import BATCH_CHARACTERS as MOST


@pytest.mark.parametrize(
    ("characters", "rows"),
    [
        ([], [0]),
        ([5], [1]),
        ([0, 0, 0], [3]),
        ([MOST // 2] * 4, [1, 2, 1]),  # a part ends before the row that reaches the next multiple
        ([10, 5 * MOST, 10], [1, 2]),
        ([3 * MOST] * 3, [1, 1, 1]),
    ],
)
def test_rows_of_the_parts(characters, rows):
    batch = pa.RecordBatch.from_pydict({"n": list(range(len(characters)))})
    parts = list(cut(batch, np.array(characters, dtype=np.int64)))
    assert [part.num_rows for part in parts] == rows
    assert [n for part in parts for n in part.column("n").to_pylist()] == list(range(len(characters)))
