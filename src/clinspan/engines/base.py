"""What an engine is: it decides who calls the annotators on which batches, and cannot change a result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from clinspan.annotators.base import Annotator


class Engine(Protocol):
    """Runs a chain of annotators over batches."""

    def run(self, stages: Sequence[Annotator], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield each batch annotated by all stages, in order."""
        ...
