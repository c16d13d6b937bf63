import pytest

from statebag.errors import BlobCorrupt, StoreUnavailable
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore


@pytest.fixture
def inner():
    store = MemoryStore()
    store.put("a", b"0123456789")
    return store


def test_before_means_that_nothing_happened(inner):
    with FaultyStore(inner, [Fault("put"), Fault("delete")]) as store:
        with pytest.raises(StoreUnavailable, match="call 1 of put"):
            store.put("b", b"data")
        with pytest.raises(StoreUnavailable):
            store.delete("a")
    assert inner.head("b") is None
    assert inner.head("a") is not None


def test_after_means_that_it_happened_and_the_answer_is_lost(inner):
    with FaultyStore(inner, [Fault("put", kind="after"), Fault("delete", kind="after")]) as store:
        with pytest.raises(StoreUnavailable):
            store.put("b", b"data")
        with pytest.raises(StoreUnavailable):
            store.delete("a")
    assert inner.get("b") == b"data"
    assert inner.head("a") is None


def test_truncate_shortens_without_an_error(inner):
    plan = [
        Fault("get", kind="truncate", keep_bytes=3),
        Fault("get_ranges", kind="truncate", keep_bytes=1),
        Fault("put", kind="truncate", keep_bytes=2),
    ]
    with FaultyStore(inner, plan) as store:
        assert store.get("a") == b"012"
        assert store.get_ranges("a", [(0, 2), (4, 3)]) == [b"01", b"4"]
        store.put("b", b"data")
    assert inner.get("b") == b"da"


def test_a_delay_comes_before_the_effect(inner):
    seen = []
    plan = [Fault("put", kind="delay", delay_seconds=7)]
    with FaultyStore(inner, plan, sleep=lambda s: seen.append((s, inner.head("b")))) as store:
        store.put("b", b"data")
    assert seen == [(7, None)]
    assert inner.get("b") == b"data"


def test_only_the_planned_call_fails(inner):
    with FaultyStore(inner, [Fault("get", 2, error=BlobCorrupt("planned"))]) as store:
        assert store.get("a") == b"0123456789"
        store.head("a")
        with pytest.raises(BlobCorrupt, match="planned"):
            store.get("a")
        assert store.get("a") == b"0123456789"


def test_a_listing_breaks_off_after_its_first_object(inner):
    inner.put("b", b"")
    with FaultyStore(inner, [Fault("list", kind="after")]) as store:
        listing = store.list()
        assert next(listing).name == "a"
        with pytest.raises(StoreUnavailable):
            next(listing)
        assert [info.name for info in store.list()] == ["a", "b"]


def test_a_fault_that_never_fired_fails_the_test(inner):
    store = FaultyStore(inner, [Fault("get", 1), Fault("get", 3), Fault("put", 1)])
    with pytest.raises(StoreUnavailable):
        store.get("a")
    with pytest.raises(AssertionError, match="call 3 of get, call 1 of put"), store:
        store.get("a")


def test_an_error_in_the_block_is_not_covered_up(inner):
    with pytest.raises(KeyError), FaultyStore(inner, [Fault("get")]):
        raise KeyError


@pytest.mark.parametrize(
    "plan",
    [
        lambda: [Fault("write")],
        lambda: [Fault("get", 0)],
        lambda: [Fault("head", kind="truncate")],
        lambda: [Fault("get", 1), Fault("get", 1, "after")],
    ],
)
def test_a_plan_without_sense_is_refused(inner, plan):
    with pytest.raises(ValueError):
        FaultyStore(inner, plan())
