"""Runs that take turns, so that what else a machine does weighs on all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any


def in_turns(runs: Mapping[str, Callable[[], Any]], rounds: int) -> list[dict[str, float]]:
    """Return the seconds of each run in each counted round; one round before them warms up."""
    return [{name: _timed(run) for name, run in runs.items()} for _ in range(rounds + 1)][1:]


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
