"""ONNX Runtime: one window per call, one thread per call, many calls at once.

An imported int8 model may take its activation scale over everything in the call, so that padding and company
change results. A window alone, unpadded, always gives the same, and on a CPU that is also the fastest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from clinspan.exceptions import UnsupportedModelError
from clinspan.inference.cache import Outputs, WindowCache

_TASK_SUBWORDS: Final = 256  # handed to a thread at once
_LOG_FATAL_ONLY: Final = 4  # errors are raised


@dataclass(frozen=True)
class OnnxSession:
    """A loaded graph whose outputs are read by name."""

    session: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> OnnxSession:
        """Load a graph for the CPU.

        Raises:
            UnsupportedModelError: if ONNX Runtime refuses it.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # memory goes back after a long note
        options.log_severity_level = _LOG_FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's errors share no public base
            msg = f"{path.name} in {path.parent} is no graph that ONNX Runtime can load."
            raise UnsupportedModelError(msg) from error
        names = tuple(i.name for i in session.get_inputs())
        return cls(session, names, tuple(o.name for o in session.get_outputs()))

    def run(self, ids: npt.NDArray[np.int64], outputs: Sequence[str]) -> Outputs:
        """Run one sequence.

        Args:
            ids: vocabulary ids with special tokens, shape [length].
            outputs: names of the outputs wanted.

        Returns:
            Each output without its batch axis, shape [length, tags].
        """
        feeds = {name: ids[None] if name == "input_ids" else _constant(name, len(ids)) for name in self.inputs}
        return {name: array[0] for name, array in self.feed(feeds, outputs).items()}

    def feed(self, feeds: Mapping[str, npt.NDArray[Any]], outputs: Sequence[str]) -> Outputs:
        """Run the graph on named inputs and return the outputs wanted, by name."""
        return dict(zip(outputs, self.session.run(list(outputs), dict(feeds)), strict=True))


@lru_cache(maxsize=1024)
def _constant(name: str, length: int) -> npt.NDArray[np.int64]:
    """Return an input that depends on the length alone: nothing is masked, and all is one segment."""
    return np.full((1, length), name == "attention_mask", dtype=np.int64)


def run_windows(
    session: OnnxSession,
    windows: Sequence[npt.NDArray[np.int64]],
    outputs: Sequence[str],
    *,
    pool: Executor | None = None,
    cache: WindowCache | None = None,
) -> list[Outputs]:
    """Run windows, each by itself, and return their outputs in order.

    Args:
        session: the graph.
        windows: vocabulary ids with special tokens, one array per window.
        outputs: names of the outputs wanted.
        pool: threads to share the work; None runs it in the caller's.
        cache: results to use and to add to.
    """
    heads = "\0".join(outputs).encode()

    def work(part: Sequence[npt.NDArray[np.int64]]) -> list[Outputs]:
        return [_run_cached(session, ids, outputs, heads, cache) for ids in part]

    if pool is None:
        return work(windows)
    return [result for part in pool.map(work, _tasks(windows)) for result in part]


def _run_cached(
    session: OnnxSession,
    ids: npt.NDArray[np.int64],
    outputs: Sequence[str],
    heads: bytes,
    cache: WindowCache | None,
) -> Outputs:
    if cache is None:
        return session.run(ids, outputs)
    key = heads + ids.astype(np.int32).tobytes()
    found = cache.get(key)
    if found is None:
        found = session.run(ids, outputs)
        cache.put(key, found)
    return found


def _tasks(windows: Sequence[npt.NDArray[np.int64]]) -> list[Sequence[npt.NDArray[np.int64]]]:
    tasks, first, size = [], 0, 0
    for i, ids in enumerate(windows):
        size += len(ids)
        if size >= _TASK_SUBWORDS:
            tasks.append(windows[first : i + 1])
            first, size = i + 1, 0
    return [*tasks, windows[first:]] if first < len(windows) else tasks


def available_threads() -> int:
    """Return how many CPUs this process may use, by affinity and by cgroup quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(affinity, _quota(Path("/sys/fs/cgroup/cpu.max")) or affinity))


def _quota(path: Path) -> int | None:
    try:
        quota, period = path.read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else max(1, int(quota) // int(period))
