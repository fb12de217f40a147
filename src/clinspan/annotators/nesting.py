"""Which annotation lies in which: tokens in sentences, chunks in sentences."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.codepoints import Bools, Ints
from clinspan.schema import Annotations, index_strings


def owners(parents: Annotations, children: Annotations) -> Ints:
    """Return, for each child annotation, the parent (sentence) that it lies in, at least in part; -1 for none.

    The metadata key `sentence` decides where it is the running index of the parents and the child lies in the one it
    names; else the parent that begins last at or before the child, or the first that begins within it.
    """
    if not len(parents):
        return np.full(len(children), -1, dtype=np.int64)
    stride = int(max(parents.stops.max(initial=0), children.stops.max(initial=0))) + 1
    begins = parents.rows * stride + parents.starts
    found = np.searchsorted(begins, children.rows * stride + children.starts, "right") - 1
    numbers = children.values("sentence")
    if len(children) and not numbers.null_count and _numbered(parents):
        named = parents.row_starts[children.rows] + pc.cast(numbers, pa.int64()).to_numpy()
        inside = named < parents.row_starts[children.rows + 1]
        named = np.where(inside, named, found)
        inside &= (parents.starts[named] <= children.starts) & (children.stops <= parents.stops[named])
        found = np.where(inside, named, found)
    after = np.where(_touch(parents, children, found + 1), found + 1, -1)
    return np.where(_touch(parents, children, found), found, after)


def lying_in(parents: Annotations, children: Annotations) -> tuple[Ints, Ints]:
    """Return the numbers of the children that lie in a parent, at least in part, and the parent of each."""
    found = owners(parents, children)
    kept = np.flatnonzero(found >= 0)
    return kept, found[kept]


def _touch(parents: Annotations, children: Annotations, at: Ints) -> Bools:
    """Whether each child has a character in common with the parent of that number, if there is one."""
    there = (at >= 0) & (at < len(parents))
    at = np.where(there, at, 0)
    apart = (children.starts >= parents.stops[at]) | (children.stops <= parents.starts[at])
    return there & (parents.rows[at] == children.rows) & ~apart


def _numbered(parents: Annotations) -> bool:
    numbers = parents.values("sentence")
    running = np.arange(len(parents)) - parents.row_starts[parents.rows]
    return not numbers.null_count and bool(pc.all(pc.equal(numbers, index_strings(running))).as_py())
