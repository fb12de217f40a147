"""Threads on this machine.

Batches are worked on by as many threads as there are CPUs, a few ahead of the consumer at most; the
windows inside a batch are shared among the same number of threads, so that one long note uses
them all. The model runs outside Python's lock, so threads are enough.
"""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.annotators.bilstm_tagger import BiLstmTagger
from clinspan.annotators.token_classifier import FusedTokenClassifiers, TokenClassifier
from clinspan.exceptions import InputError
from clinspan.inference.session import available_threads

_LARGE_BATCH: Final = 500_000  # bytes of text


@dataclass(frozen=True)
class LocalEngine:
    """Runs annotators in threads.

    Attributes:
        threads: how many; by default as many as the CPUs this process may use.

    Raises:
        InputError: if there are to be none.
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            msg = f"threads is {self.threads}; give 1 or more, or None for as many as there are CPUs."
            raise InputError(msg)

    def run(self, stages: Sequence[Annotator], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield each batch annotated by all stages, in order."""
        threads = self.threads or available_threads()
        if threads == 1:
            yield from (annotated(stages, batch) for batch in batches)
            return
        with ExitStack() as stack:
            inner = stack.enter_context(ThreadPoolExecutor(threads, "clinspan-window"))
            outer = stack.enter_context(ThreadPoolExecutor(threads, "clinspan-batch"))
            shared = [with_pool(stage, inner) for stage in stages]
            yield from _in_order(outer, shared, batches, ahead=2 * threads)


def annotated(stages: Sequence[Annotator], batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch after all stages."""
    large = batch.nbytes >= _LARGE_BATCH
    for stage in stages:
        batch = stage.annotate(batch)
    if large:
        release_memory()
    return batch


def release_memory() -> None:
    """Give what allocators keep for later back to the system: a long note leaves hundreds of megabytes."""
    pa.default_memory_pool().release_unused()
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has no need of it
        if trim is not None:
            trim(0)


def with_pool(stage: Annotator, pool: Executor) -> Annotator:
    """Return the stage with threads for its windows, if it runs a model."""
    if isinstance(stage, TokenClassifier | BiLstmTagger):
        return replace(stage, pool=pool)
    if isinstance(stage, FusedTokenClassifiers):
        return replace(stage, stages=tuple(replace(s, pool=pool) for s in stage.stages))
    return stage


def _in_order(
    pool: Executor, stages: Sequence[Annotator], batches: Iterable[pa.RecordBatch], *, ahead: int
) -> Iterator[pa.RecordBatch]:
    pending: deque[Future[pa.RecordBatch]] = deque()
    source = iter(batches)
    failure: Exception | None = None
    try:
        while True:
            try:
                batch = next(source, None)
            except Exception as error:  # noqa: BLE001 - raised below; what came before is handed on first
                failure = error
                break
            if batch is None:
                break
            pending.append(pool.submit(annotated, stages, batch))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        if failure is not None:
            raise failure
    finally:
        for future in pending:
            future.cancel()
