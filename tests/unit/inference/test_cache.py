import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.inference.cache import WindowCache


def outputs(size, value=0.0):
    return {"logits": np.full(size, value, np.float32)}


def stored_bytes(cache, keys):
    """Payload that is still in the cache."""
    found = {key: cache.get(key) for key in keys}
    return sum(len(k) + sum(a.nbytes for a in v.values()) for k, v in found.items() if v is not None)


@given(st.lists(st.tuples(st.binary(max_size=3), st.integers(0, 2000)), max_size=30), st.integers(0, 20_000))
def test_never_holds_more_than_its_capacity(puts, capacity):
    cache = WindowCache(capacity)
    for key, size in puts:
        cache.put(key, outputs(size))
        assert stored_bytes(cache, {key for key, _ in puts}) <= cache.size <= capacity
    assert (cache.size == 0) == (len(cache) == 0)


def test_what_is_put_is_found():
    cache = WindowCache()
    given_outputs = outputs(3, 0.5)
    assert cache.get(b"a") is None
    cache.put(b"a", given_outputs)
    assert cache.get(b"a") is given_outputs
    assert cache.get(b"b") is None
    assert (cache.hits, len(cache)) == (1, 1)


def test_the_longest_unused_goes_first():
    cache = WindowCache(3 * 1500)
    for key in (b"a", b"b", b"c"):
        cache.put(key, outputs(250))
    cache.get(b"a")
    cache.put(b"d", outputs(250))
    assert [key for key in (b"a", b"b", b"c", b"d") if cache.get(key)] == [b"a", b"c", b"d"]


def test_a_result_put_twice_counts_once():
    cache = WindowCache()
    cache.put(b"a", outputs(10))
    size = cache.size
    cache.put(b"a", outputs(10))
    assert (cache.size, len(cache)) == (size, 1)


@pytest.mark.parametrize("capacity", [0, 1000])
def test_what_is_larger_than_the_cache_is_not_kept(capacity):
    cache = WindowCache(capacity)
    cache.put(b"a", outputs(1))
    before = [key for key in (b"a",) if cache.get(key)]
    cache.put(b"b", outputs(10_000))
    assert cache.get(b"b") is None
    assert [key for key in (b"a",) if cache.get(key)] == before


class Slow(bytes):
    """A key that lets other threads in while it is looked up."""

    def __hash__(self):
        time.sleep(0.002)
        return super().__hash__()


def test_a_result_that_threads_put_at_once_counts_once():
    cache, once = WindowCache(), WindowCache()
    once.put(b"a", outputs(10))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cache.put(Slow(b"a"), outputs(10)), range(8)))
    assert (cache.size, len(cache)) == (once.size, 1)
