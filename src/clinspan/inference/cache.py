"""An exact cache of window results, bounded in bytes.

Sound because a window's result depends on its sub-word ids alone: each goes through the model
unpadded and by itself. Clinical notes are full of copied-forward text, so it pays.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt

Outputs = dict[str, npt.NDArray[np.float32]]
DEFAULT_BYTES: Final = 64 * 2**20
_OVERHEAD: Final = 300  # of a key, an entry and its arrays, in bytes


class WindowCache:
    """Least recently used results by sub-word ids; safe to share between threads."""

    def __init__(self, capacity: int = DEFAULT_BYTES) -> None:
        self.capacity = capacity
        self.size = 0
        self.hits = 0
        self._entries: OrderedDict[bytes, Outputs] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Outputs | None:
        """Return the stored outputs, None if there are none."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
                self.hits += 1
            return found

    def put(self, key: bytes, outputs: Outputs) -> None:
        """Store outputs and drop the oldest beyond the capacity; what alone is beyond it is not stored."""
        cost = _cost(key, outputs)
        with self._lock:
            if key in self._entries or cost > self.capacity:
                return
            self._entries[key] = outputs
            self.size += cost
            while self.size > self.capacity:
                self.size -= _cost(*self._entries.popitem(last=False))

    def __len__(self) -> int:
        return len(self._entries)


def _cost(key: bytes, outputs: Outputs) -> int:
    return _OVERHEAD + len(key) + sum(array.nbytes for array in outputs.values())
