"""What Spark's workers do with files of text; the rest needs a session and is tested in `tests/spark`."""

import pyarrow as pa

from clinspan.io.spark import decoded


def batch(*contents):
    paths = [str(i) for i in range(len(contents))]
    return pa.RecordBatch.from_arrays(
        [pa.array(paths, pa.string()), pa.array(contents, pa.binary())], names=["path", "content"]
    )


def test_files_that_are_not_utf_8_are_errors():
    (found,) = decoded([batch(b"The kidney.", b"\xff", b"")])
    assert found.to_pylist() == [
        {"id": "0", "text": "The kidney.", "error": None},
        {"id": "1", "text": None, "error": "not UTF-8 at byte 0; convert the source to UTF-8"},
        {"id": "2", "text": "", "error": None},
    ]


def test_a_batch_may_be_empty():
    first, second = decoded([batch(), batch(b"x")])
    assert (first.num_rows, second.num_rows) == (0, 1)
    assert first.schema == second.schema
