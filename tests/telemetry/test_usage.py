import threading
from contextvars import copy_context

from statebag import Policy, Statebag
from statebag.format.json_text import encode
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import noise, payload_bytes


def test_a_seal_and_an_open_are_counted():
    forget()
    store = MemoryStore()
    state = {"a": noise(40_000), "b": "x" * 40_000, "c": 1}
    with usage.measured() as cost:
        bag = Statebag(store, policy=Policy(carry_bytes=1000)).seal(state, scope="m")
    (info,) = store.list()
    assert cost.puts == 1
    assert cost.bytes_put == info.size
    assert (cost.blobs_stored, cost.blobs_carried) == (1, 1)
    assert (cost.seals, cost.opens, cost.gets) == (1, 0, 0)
    assert cost.plain_bytes == len(encode(state))
    assert cost.bag_bytes == payload_bytes(bag)
    assert cost.seal_ns > 0
    forget()
    sb = Statebag(store, policy=Policy())
    with usage.measured() as cost:
        sb.open(bag)
    assert (cost.gets, cost.blobs_read, cost.cache_hits, cost.opens) == (1, 1, 0, 1)
    assert 0 < cost.bytes_got < info.size
    with usage.measured() as cost:
        sb.open(bag)
    assert (cost.gets, cost.blobs_read, cost.cache_hits) == (0, 0, 1)


def test_blocks_nest_and_end():
    with usage.measured() as outer:
        usage.add(puts=1)
        with usage.measured() as inner:
            usage.add(puts=2)
            usage.peak(bag_bytes=7)
            usage.peak(bag_bytes=5)
        usage.peak(bag_bytes=6)
    usage.add(puts=4)
    assert (outer.puts, inner.puts) == (3, 2)
    assert (outer.bag_bytes, inner.bag_bytes) == (7, 7)
    assert not usage.is_measured()
    assert outer.as_dict()["puts"] == 3


def test_threads_that_work_for_a_block_are_counted_without_loss():
    with usage.measured() as cost:
        threads = [
            threading.Thread(
                target=copy_context().run,
                args=(lambda: [usage.add(gets=1) for _ in range(2000)],),
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert cost.gets == 8000


def test_what_passes_unread_counts_with_its_size():
    forget()
    store = MemoryStore()
    state = {"a": noise(40_000), "b": {"x": 1}}
    sb = Statebag(store, policy=Policy())
    bag = sb.seal(state, scope="m")
    with usage.measured() as cost:
        sb.seal(sb.open(bag, only=["b"]), scope="m")
    assert abs(cost.plain_bytes - len(encode(state))) <= 8  # the name that stands for it: null
