"""One process for each contender, so that neither threads nor memory of one touch another."""

from __future__ import annotations

import re
import resource
import sys
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.contenders import Contender, Task

MIB: Final = 2**20


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

    def run(self) -> float:
        """Do one run over the corpus and return its seconds."""
        self._connection.send("run")
        return self._receive()

    def close(self) -> float:
        """End the process and return the memory it took at its peak beyond Python and the corpus, in MiB."""
        self._connection.send("close")
        peak = self._receive()
        self._process.join()
        return peak

    def _receive(self) -> float:
        try:
            return float(self._connection.recv())
        except EOFError:
            msg = f"{self.name} ended early; its message is above."
            raise SystemExit(msg) from None


def _serve(connection: Connection, contender: Contender, task: Task) -> None:
    before = memory("VmRSS")
    run = contender.open(task)
    connection.send(0.0)
    while connection.recv() == "run":
        start = time.perf_counter()
        run()
        connection.send(time.perf_counter() - start)
    connection.send((memory("VmHWM") - before) / MIB)


def memory(field: str) -> int:
    """Return `VmRSS` or `VmHWM` (its peak) of this process in bytes; off Linux always the peak."""
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(rf"^{field}:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
