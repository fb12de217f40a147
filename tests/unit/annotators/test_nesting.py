"""Which annotation lies in which."""

import pytest

from clinspan.annotators.nesting import owners
from clinspan.schema import DOCUMENT, TOKEN, Annotations
from helpers import annotations


def parents(*given):
    """Sentences by row; each (start, stop), numbered in its row."""
    return Annotations.from_column(
        annotations(DOCUMENT, *([(a, b, "", {"sentence": str(i)}) for i, (a, b) in enumerate(r)] for r in given))
    )


def children(*given):
    """Tokens by row; each (start, stop, sentence number or None)."""
    return Annotations.from_column(
        annotations(TOKEN, *([(a, b, "", {} if s is None else {"sentence": str(s)}) for a, b, s in r] for r in given))
    )


TWO_ROWS = [[(0, 3), (4, 9)], [(0, 5)]]


@pytest.mark.parametrize(
    ("sentences", "tokens", "wanted"),
    [
        pytest.param(TWO_ROWS, [[(0, 3, 0), (4, 6, 1)], [(2, 5, 0)]], [0, 1, 2], id="numbered"),
        pytest.param(TWO_ROWS, [[(0, 3, None), (4, 6, None)], [(2, 5, None)]], [0, 1, 2], id="by place"),
        pytest.param([[(0, 3), (0, 9)]], [[(0, 2, 0), (0, 2, 1)]], [0, 1], id="array document"),
        pytest.param([[(0, 9)], [(0, 5)]], [[(0, 3, 0), (4, 6, 1)], [(0, 2, 0)]], [0, 0, 1], id="finer numbers"),
        pytest.param([[(0, 9)], [(0, 9)]], [[(5, 6, 1)], [(0, 2, 0)]], [0, 1], id="number beyond the row"),
        pytest.param([[(0, 3), (4, 9)]], [[(0, 3, 0), (4, 6, 0)]], [0, 1], id="number of another sentence"),
        pytest.param([[], [(0, 5)]], [[], [(0, 5, 0)]], [0], id="row without sentences"),
        pytest.param([[(0, 3)]], [[]], [], id="no tokens"),
        pytest.param([[(1, 7)]], [[(0, 6, 0)]], [0], id="begins before its sentence"),
        pytest.param([[(0, 9), (11, 17)]], [[(3, 10, 0), (10, 17, 0), (9, 11, 0)]], [0, 1, -1], id="between sentences"),
        pytest.param([[(0, 9)]], [[(0, 5, 0), (12, 14, 0)]], [0, -1], id="after the last sentence"),
    ],
)
def test_owners(sentences, tokens, wanted):
    assert owners(parents(*sentences), children(*tokens)).tolist() == wanted


@pytest.mark.parametrize("number", [0, 1, None])
@pytest.mark.parametrize("sentences", [[[(0, 5)], []], [[(0, 5)], [(3, 5)]], [[], []]])
def test_no_row_s_child_belongs_to_another_row(sentences, number):
    assert owners(parents(*sentences), children([], [(0, 2, number)])).tolist() == [-1]
