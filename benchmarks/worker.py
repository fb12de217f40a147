"""One process for each contender, so that neither threads nor memory of one touch another."""

from __future__ import annotations

import os
import re
import resource
import sys
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.contenders import Contender, Run, Task

MIB: Final = 2**20


class Turn(NamedTuple):
    """One run over the corpus.

    Attributes:
        seconds: how long it took.
        others: how many CPUs other processes kept busy meanwhile; above a few hundredths the figure misleads.
    """

    seconds: float
    others: float


class Worker:
    """A contender in a process of its own, opened and waiting."""

    def __init__(self, contender: Contender, task: Task) -> None:
        context = get_context("spawn")
        self.name = contender.name
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, contender, task), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def run(self) -> Turn:
        """Do one run over the corpus."""
        self._connection.send("run")
        return Turn(*self._receive())

    def close(self) -> float:
        """End the process and return the memory it took at its peak beyond Python and the corpus, in MiB."""
        self._connection.send("close")
        peak = float(self._receive())
        self._process.join()
        return peak

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except EOFError:
            msg = f"{self.name} ended early; its message is above."
            raise SystemExit(msg) from None


def _serve(connection: Connection, contender: Contender, task: Task) -> None:
    before = memory("VmRSS")
    run = contender.open(task)
    connection.send("open")
    while connection.recv() == "run":
        connection.send(_timed(run))
    connection.send((memory("VmHWM") - before) / MIB)


def _timed(run: Run) -> Turn:
    start, own, all_processes = time.perf_counter(), time.process_time(), busy_seconds()
    run()
    seconds = time.perf_counter() - start
    others = busy_seconds() - all_processes - (time.process_time() - own)
    return Turn(seconds, max(0.0, others / seconds))


def busy_seconds() -> float:
    """Return the CPU time that all processes of the machine have used; 0 off Linux, where nothing tells."""
    statistics = Path("/proc/stat")
    if not statistics.is_file():
        return 0.0
    user, nice, system, _idle, _wait, *others = map(int, statistics.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(others)) / os.sysconf("SC_CLK_TCK")


def memory(field: str) -> int:
    """Return `VmRSS` or `VmHWM` (its peak) of this process in bytes; off Linux always the peak."""
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(rf"^{field}:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
