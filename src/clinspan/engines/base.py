"""What an engine is: it decides who calls the annotators on which batches, and cannot change a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import pyarrow as pa

from clinspan.annotators.base import Annotator

# what makes an annotated batch into what is kept of it
Finish: TypeAlias = Callable[[pa.RecordBatch], "pa.RecordBatch | pa.Table"]


class Engine(Protocol):
    """Runs a chain of annotators over batches."""

    def run(self, stages: Sequence[Annotator], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield each batch annotated by all stages, in order."""
        ...


def whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Keep all of a batch."""
    return batch


@dataclass(frozen=True)
class Selected:
    """Keeps some columns."""

    columns: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with those columns alone."""
        return batch.select(list(self.columns))
