import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from statebag.store.cache import BlobCache, _size


def key(number):
    return ("memory://x", f"scope/{number}.pack", (0, 10), "0" * 64)


def test_what_was_put_is_there_until_cleared():
    cache = BlobCache(100_000)
    assert cache.get(key(1)) is None
    cache.put(key(1), b"data")
    assert cache.get(key(1)) == b"data"
    cache.clear()
    assert cache.get(key(1)) is None
    assert cache.bytes_held == 0


def test_keys_count_as_well_as_data():
    cache = BlobCache(100_000)
    cache.put(key(1), b"x" * 1000)
    small = cache.bytes_held
    assert small > 1000 + sum(map(sys.getsizeof, key(1)))
    cache.put(("a" * 5000,), b"x" * 1000)
    assert cache.bytes_held - small > 6000


def test_the_bound_holds_and_the_least_recently_used_leaves():
    cache = BlobCache(20_000)
    for number in range(8):
        cache.put(key(number), b"x" * 1000)
        assert cache.get(key(0)) is not None, "what is used stays"
    for number in range(8, 100):
        cache.put(key(number), b"x" * 1000)
        assert cache.get(key(0)) is not None
        assert cache.bytes_held <= 20_000
    assert cache.get(key(1)) is None
    assert cache.get(key(99)) is not None


def test_many_tiny_entries_stay_within_the_bound():
    cache = BlobCache(50_000)
    for number in range(10_000):
        cache.put((number,), b"")
    assert cache.bytes_held <= 50_000
    assert sum(cache.get((number,)) is not None for number in range(10_000)) < 250


def test_an_item_over_half_the_bound_is_not_kept_and_drives_nothing_out():
    cache = BlobCache(10_000)
    cache.put(key(1), b"small")
    cache.put(key(2), b"x" * 5_000)
    assert cache.get(key(2)) is None
    assert cache.get(key(1)) == b"small"


def test_a_replaced_entry_is_counted_once():
    cache = BlobCache(10_000)
    cache.put(key(1), b"x" * 2000)
    held = cache.bytes_held
    cache.put(key(1), b"y" * 2000)
    assert cache.bytes_held == held
    assert cache.get(key(1)) == b"y" * 2000


def test_a_replacement_too_large_to_keep_leaves_no_stale_bytes():
    cache = BlobCache(10_000)
    cache.put(key(1), b"old")
    cache.put(key(1), b"x" * 9_000)
    assert cache.get(key(1)) is None
    assert cache.bytes_held == 0


def test_a_bound_of_zero_keeps_nothing():
    cache = BlobCache(0)
    cache.put(key(1), b"")
    assert cache.get(key(1)) is None


@pytest.mark.parametrize("data", [bytearray(b"x"), memoryview(b"x"), "x", None])
def test_only_immutable_bytes_are_taken(data):
    cache = BlobCache(10_000)
    with pytest.raises(TypeError):
        cache.put(key(1), data)
    assert cache.get(key(1)) is None


def test_threads_leave_the_count_right():
    cache = BlobCache(30_000)

    def work(seed):
        for number in range(300):
            cache.put(key((seed * 31 + number) % 40), b"x" * (number % 1500))
            cache.get(key(number % 40))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert 0 < cache.bytes_held <= 30_000
    assert cache.bytes_held == sum(_size(key, cache.get(key)) for key in cache.keys())  # noqa: SIM118
