"""The contenders, each opened in a process of its own; what one needs is imported there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.corpus import Corpus

Run = Callable[[], object]


@dataclass(frozen=True)
class Task:
    """What every contender is given.

    Attributes:
        model: name of the model.
        checkpoint: the same model as a Hugging Face folder.
        corpus: what each run goes over.
    """

    model: str
    checkpoint: Path
    corpus: Corpus


@dataclass(frozen=True)
class Contender:
    """A row of the table.

    Attributes:
        name: what it is called.
        open: loads it and returns one run over the corpus.
    """

    name: str
    open: Callable[[Task], Run]


def open_clinspan(task: Task, *, threads: int, cache: bool) -> Run:
    """Return a run of our engine over whole notes: sentences, sub-words, model, entities.

    With the cache on, each run begins with an empty one.
    """
    import clinspan
    from clinspan.engines.local import LocalEngine
    from clinspan.inference.cache import WindowCache

    model, engine = clinspan.open_head(task.model, cache_bytes=0), LocalEngine(threads)

    def run() -> object:
        fresh = replace(model.tagger, cache=WindowCache() if cache else None)
        documents = clinspan.EntityRecognizer((replace(model, tagger=fresh),), engine).pipe(task.corpus.texts)
        return [document.entities for document in documents]

    return run


def open_pipeline(task: Task, *, batch_size: int | None = None, passages: bool = False) -> Run:
    """Return a run of the Hugging Face pipeline over sentences or our passages; whole notes it would cut off."""
    from transformers import pipeline
    from transformers.utils import logging

    settings: Any = logging
    settings.set_verbosity_error()
    settings.disable_progress_bar()
    model: Any = str(task.checkpoint)
    classify: Any = pipeline("token-classification", model=model, aggregation_strategy="simple")
    options = {} if batch_size is None else {"batch_size": batch_size}
    parts = task.corpus.passages if passages else task.corpus.sentences
    return lambda: classify(parts, **options)


def open_bare(task: Task, *, threads: int) -> Run:
    """Return a loop of ONNX Runtime alone over windows ready tokenised: the least there is to do."""
    import onnxruntime

    from clinspan.hub.resolve import resolve

    found = resolve(task.model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = str(found.folder / "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    work = partial(session.run, [found.head.output])
    feeds = [_feeds(names, ids) for ids in task.corpus.windows]
    if threads == 1:
        return lambda: [work(feed) for feed in feeds]
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(work, feeds))


def _feeds(names: list[str], ids: Any) -> dict[str, Any]:
    import numpy as np

    whole = ids[None]
    known = {
        "input_ids": whole,
        "attention_mask": np.ones_like(whole),
        "token_type_ids": np.zeros_like(whole),
    }
    return {name: known[name] for name in names}


OURS: Final = "clinspan, 2 threads"
OURS_ONE: Final = "clinspan, 1 thread"
BARE: Final = "bare ORT loop, 2 threads"
BARE_ONE: Final = "bare ORT loop, 1 thread"
PIPELINE: Final = "HF pipeline, sentences"
PIPELINE_BATCHED: Final = "HF pipeline, sentences, batch 16"
PIPELINE_PASSAGES: Final = "HF pipeline, our passages"

CONTENDERS: Final = (
    Contender(OURS, partial(open_clinspan, threads=2, cache=False)),
    Contender(OURS_ONE, partial(open_clinspan, threads=1, cache=False)),
    Contender(BARE, partial(open_bare, threads=2)),
    Contender(BARE_ONE, partial(open_bare, threads=1)),
    Contender(PIPELINE, open_pipeline),
    Contender(PIPELINE_BATCHED, partial(open_pipeline, batch_size=16)),
    Contender(PIPELINE_PASSAGES, partial(open_pipeline, passages=True)),
    Contender("clinspan, cache, 2 threads", partial(open_clinspan, threads=2, cache=True)),
    Contender("clinspan, cache, 1 thread", partial(open_clinspan, threads=1, cache=True)),
)
