import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.inference.windows import split_windows
from clinspan.schema import starts_of

SENTENCES = st.lists(st.integers(0, 60), max_size=6)


def windows_of(*lengths, size, overlap):
    """(start, stop, keep start, keep stop) of each window."""
    found = split_windows(starts_of(lengths), size=size, overlap=overlap)
    return list(
        zip(*(a.tolist() for a in (found.starts, found.stops, found.keep_starts, found.keep_stops)), strict=True)
    )


@pytest.mark.parametrize(
    ("lengths", "size", "overlap", "wanted"),
    [
        ([], 8, 2, []),
        ([0, 0], 8, 2, []),
        ([8], 8, 2, [(0, 8, 0, 8)]),
        ([3, 0, 5], 8, 2, [(0, 3, 0, 3), (3, 8, 3, 8)]),
        ([10], 6, 2, [(0, 6, 0, 5), (4, 10, 5, 10)]),
        ([9], 6, 2, [(0, 6, 0, 4), (3, 9, 4, 9)]),
        ([2, 10], 6, 2, [(0, 2, 0, 2), (2, 8, 2, 7), (6, 12, 7, 12)]),
        ([3], 1, 0, [(0, 1, 0, 1), (1, 2, 1, 2), (2, 3, 2, 3)]),
        ([3], 2, 5, [(0, 2, 0, 1), (1, 3, 1, 3)]),
    ],
)
def test_windows(lengths, size, overlap, wanted):
    assert windows_of(*lengths, size=size, overlap=overlap) == wanted


@given(SENTENCES, st.integers(1, 20), st.integers(0, 25))
def test_kept_parts_partition_all_sub_words(lengths, size, overlap):
    kept = [i for _, _, a, b in windows_of(*lengths, size=size, overlap=overlap) for i in range(a, b)]
    assert kept == list(range(sum(lengths)))


@given(SENTENCES, st.integers(1, 20), st.integers(0, 25))
def test_windows_fit_and_stay_in_their_sentence(lengths, size, overlap):
    edges = starts_of(lengths)
    for start, stop, keep_start, keep_stop in windows_of(*lengths, size=size, overlap=overlap):
        assert start <= keep_start < keep_stop <= stop
        sentence = np.searchsorted(edges, start, "right") - 1
        assert stop <= edges[sentence + 1]
        assert stop - start == min(size, lengths[sentence])


@given(st.integers(1, 200), st.integers(2, 20), st.data())
def test_neighbours_overlap_and_results_come_from_the_middle(length, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    found = windows_of(length, size=size, overlap=overlap)
    assert (found[0][0], found[-1][1]) == (0, length)
    assert len(found) == 1 or len(found) == -(-(length - overlap) // (size - overlap))
    for i, (start, stop, keep_start, keep_stop) in enumerate(found):
        assert start == 0 or found[i - 1][1] - start >= overlap
        assert start == 0 or keep_start - start >= overlap // 2
        assert stop == length or stop - keep_stop >= overlap // 2
