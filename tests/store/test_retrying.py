import contextvars
import random
from concurrent.futures import ThreadPoolExecutor
from math import inf

import pytest

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    Conflict,
    NotPermitted,
    StoreUnavailable,
)
from statebag.store.memory import MemoryStore
from statebag.store.retrying import RetryingStore, deadline, remaining_seconds
from statebag.telemetry.usage import measured
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.recording_store import RecordingStore


class Waits(list):
    """Stands for `sleep`: notes how long it was asked to wait."""

    def __call__(self, seconds):
        self.append(seconds)


def longest(low, high):
    assert low == 0
    return high


@pytest.fixture
def inner():
    store = MemoryStore()
    store.put("scope/a", b"0123456789")
    store.put("scope/b", b"b")
    store.put("scope/c", b"c")
    return store


CALLS = {
    "put": lambda store: store.put("scope/a", b"new"),
    "get": lambda store: store.get("scope/a"),
    "get_ranges": lambda store: store.get_ranges("scope/a", [(2, 3), (0, 1)]),
    "head": lambda store: store.head("scope/a").size,
    "list": lambda store: [info.name for info in store.list("scope")],
    "delete": lambda store: store.delete("scope/a"),
}


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("operation", CALLS)
def test_every_operation_outlives_two_failures(inner, operation, kind):
    call = CALLS[operation]
    twin = MemoryStore()
    for info in inner.list():
        twin.put(info.name, inner.get(info.name))
    waits = Waits()
    plan = [Fault(operation, 1, kind), Fault(operation, 2, kind)]
    with FaultyStore(inner, plan) as faulty, measured() as usage:
        answer = call(RetryingStore(faulty, sleep=waits))
    assert answer == call(twin)
    assert [info.name for info in inner.list()] == [info.name for info in twin.list()]
    assert len(waits) == usage.retries == 2


@pytest.mark.parametrize("operation", CALLS)
def test_it_gives_up_after_the_last_attempt_and_says_so(inner, operation):
    waits = Waits()
    with FaultyStore(inner, [Fault(operation, number) for number in (1, 2, 3)]) as faulty:
        store = RetryingStore(faulty, attempts=3, sleep=waits)
        with pytest.raises(StoreUnavailable, match=r"after 3 attempts$"):
            CALLS[operation](store)
    assert len(waits) == 2


def test_one_attempt_is_no_retry(inner):
    with (
        FaultyStore(inner, [Fault("get")]) as faulty,
        pytest.raises(StoreUnavailable, match=r"after 1 attempt$"),
    ):
        RetryingStore(faulty, attempts=1, sleep=Waits()).get("scope/a")


def test_the_same_store_with_another_number_of_attempts(inner):
    waits = Waits()
    plan = [Fault("get", number) for number in range(1, 5)]
    with FaultyStore(inner, plan) as faulty:
        store = RetryingStore(faulty, base_seconds=7, cap_seconds=9, sleep=waits, jitter=longest)
        assert store.with_attempts(5).get("scope/b") == b"b"
    assert waits == [7, 9, 9, 9]
    with pytest.raises(ConfigurationError):
        store.with_attempts(-1)


def test_place_object_and_hint_of_the_last_error_are_kept(inner):
    error = StoreUnavailable("no answer", path="$.a", object_name="scope/a", hint="Wait")
    with (
        FaultyStore(inner, [Fault("get", error=error)]) as faulty,
        pytest.raises(StoreUnavailable) as caught,
    ):
        RetryingStore(faulty, attempts=1).get("scope/a")
    assert (caught.value.path, caught.value.object_name, caught.value.hint) == (
        "$.a",
        "scope/a",
        "Wait",
    )
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("kind", [BlobMissing, BlobCorrupt, NotPermitted, ConfigurationError])
@pytest.mark.parametrize("operation", CALLS)
def test_what_cannot_pass_is_not_tried_again(inner, operation, kind):
    waits = Waits()
    error = kind("stays so")
    with (
        FaultyStore(inner, [Fault(operation, error=error)]) as faulty,
        pytest.raises(kind) as caught,
    ):
        CALLS[operation](RetryingStore(faulty, sleep=waits))
    assert caught.value is error
    assert waits == []


def test_waits_double_up_to_the_cap(inner):
    waits = Waits()
    with FaultyStore(inner, [Fault("get", number) for number in range(1, 7)]) as faulty:
        store = RetryingStore(
            faulty, attempts=7, base_seconds=0.1, cap_seconds=1.0, sleep=waits, jitter=longest
        )
        assert store.get("scope/a") == b"0123456789"
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_jitter_is_drawn_from_zero_to_the_longest_wait(inner):
    waits = Waits()
    plan = [Fault("get", number) for number in range(1, 200)]
    with FaultyStore(inner, plan) as faulty:
        store = RetryingStore(
            faulty,
            attempts=200,
            base_seconds=1,
            cap_seconds=1,
            sleep=waits,
            jitter=random.Random(1).uniform,
        )
        store.get("scope/a")
    assert 0 <= min(waits) < 0.05
    assert 0.95 < max(waits) <= 1


def test_thousands_of_attempts_do_not_overflow(inner):
    plan = [Fault("get", number) for number in range(1, 1500)]
    with FaultyStore(inner, plan) as faulty:
        store = RetryingStore(faulty, attempts=1500, sleep=Waits(), jitter=longest)
        assert store.get("scope/b") == b"b"


def test_a_wait_past_the_deadline_is_not_begun(inner):
    waits = Waits()
    with FaultyStore(inner, [Fault("get", 1), Fault("get", 2)]) as faulty:
        store = RetryingStore(
            faulty, attempts=9, base_seconds=50, cap_seconds=1000, sleep=waits, jitter=longest
        )
        with deadline(99), pytest.raises(StoreUnavailable, match="after 2 attempts; the deadline"):
            store.get("scope/a")
    assert waits == [50]


def test_nothing_is_sent_after_the_deadline(inner):
    recording = RecordingStore(inner)
    with deadline(-1), pytest.raises(StoreUnavailable, match="passed before attempt 1"):
        RetryingStore(recording).get("scope/a")
    assert recording.calls == []


def test_of_nested_deadlines_the_earlier_wins():
    assert remaining_seconds() is None
    with deadline(10_000):
        assert 5_000 < remaining_seconds() <= 10_000
        with deadline(100_000):
            assert 5_000 < remaining_seconds() <= 10_000
            with deadline(1_000):
                assert 0 < remaining_seconds() <= 1_000
        assert 5_000 < remaining_seconds() <= 10_000
    assert remaining_seconds() is None


def test_a_deadline_ends_with_its_block_also_after_an_error():
    with pytest.raises(KeyError), deadline(-5):
        raise KeyError
    assert remaining_seconds() is None


def test_a_thread_that_runs_in_a_copy_of_the_context_sees_the_deadline():
    with ThreadPoolExecutor(1) as threads, deadline(100):
        assert threads.submit(remaining_seconds).result() is None
        inside = threads.submit(contextvars.copy_context().run, remaining_seconds).result()
        assert 0 < inside <= 100


def test_usage_counts_what_came_through(inner):
    with FaultyStore(inner, [Fault("put", 1, "after")]) as faulty, measured() as usage:
        store = RetryingStore(faulty, sleep=Waits())
        store.put("scope/d", b"12345")
        store.get("scope/d")
        store.get_ranges("scope/a", [(0, 2), (5, 5)])
        store.head("scope/a")
    assert (usage.puts, usage.bytes_put) == (1, 5)
    assert (usage.gets, usage.bytes_got) == (2, 12)
    assert usage.retries == 1


def test_a_listing_that_breaks_off_is_resumed_without_gaps_or_doubles(inner):
    plan = [
        Fault("list", 1, "after"),
        Fault("list", 2, "before"),
        Fault("list", 3, "after"),
    ]
    with FaultyStore(inner, plan) as faulty:
        store = RetryingStore(faulty, attempts=4, sleep=Waits())
        assert [info.name for info in store.list()] == ["scope/a", "scope/b", "scope/c"]


def test_an_object_that_appears_behind_the_listing_is_not_taken_for_new(inner):
    with FaultyStore(inner, [Fault("list", 1, "after")]) as faulty:
        listing = RetryingStore(faulty, sleep=Waits()).list()
        assert next(listing).name == "scope/a"
        inner.put("scope/0", b"")
        inner.put("scope/z", b"")
        assert [info.name for info in listing] == ["scope/b", "scope/c", "scope/z"]


@pytest.mark.parametrize("bad", [{"attempts": -1}, {"base_seconds": -1}, {"cap_seconds": -0.1}])
def test_settings_without_sense_are_refused(inner, bad):
    with pytest.raises(ConfigurationError):
        RetryingStore(inner, **bad)


class Clock:
    """Stands for the time: it goes on by what was waited."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("statebag.store.bounded.monotonic", clock.monotonic)
    monkeypatch.setattr("statebag.store.retrying.time", clock)
    return clock


class Failing(MemoryStore):
    """A store that fails until a time, and counts the calls."""

    def __init__(self, clock, until, *, is_busy=True):
        super().__init__()
        self.clock, self.until, self.is_busy, self.calls = clock, until, is_busy, 0

    def put(self, name, data):
        self._fail()
        super().put(name, data)

    def get(self, name):
        self._fail()
        return super().get(name)

    def _fail(self):
        self.calls += 1
        if self.clock.now < self.until:
            error = StoreUnavailable("SlowDown", object_name="a")
            error.is_busy = self.is_busy
            raise error


@pytest.mark.parametrize("seed", range(20))
def test_a_store_that_throttles_is_outlived(clock, seed):
    store = Failing(clock, clock.now + 4)
    jitter = random.Random(seed).uniform
    with deadline(10):
        RetryingStore(store, sleep=clock.sleep, jitter=jitter).put("a", b"1")
    assert 1004 <= clock.now < 1010
    assert store.calls < 30


def test_a_store_that_throttles_on_is_asked_until_the_deadline(clock):
    store = Failing(clock, inf)
    with deadline(10), pytest.raises(StoreUnavailable, match="deadline leaves no time") as caught:
        RetryingStore(store, sleep=clock.sleep, jitter=random.Random(1).uniform).put("a", b"1")
    assert 1009.5 < clock.now < 1010
    assert caught.value.is_busy


def test_without_a_deadline_a_minute_is_the_end(clock):
    with pytest.raises(StoreUnavailable):
        RetryingStore(Failing(clock, inf), sleep=clock.sleep, jitter=longest).put("a", b"1")
    assert 1059 < clock.now <= 1060


def test_a_store_that_is_not_reached_is_given_up_sooner(clock):
    store = Failing(clock, inf, is_busy=False)
    with deadline(60), pytest.raises(StoreUnavailable, match=r"after 7 attempts "):
        RetryingStore(store, sleep=clock.sleep, jitter=longest).put("a", b"1")
    assert (store.calls, clock.now) == (7, pytest.approx(1000 + 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 2))


def test_a_number_of_attempts_is_never_passed(clock):
    store = Failing(clock, inf)
    with deadline(60), pytest.raises(StoreUnavailable, match=r"after 2 attempts"):
        RetryingStore(store, attempts=2, sleep=clock.sleep).put("a", b"1")
    assert store.calls == 2


def test_reads_leave_time_to_read_elsewhere(clock):
    store = RetryingStore(
        Failing(clock, inf), share_of_reads=0.5, sleep=clock.sleep, jitter=longest
    )
    with deadline(20):
        with pytest.raises(StoreUnavailable):
            store.get("a")
        assert clock.now == pytest.approx(1010, abs=0.2)
        with pytest.raises(StoreUnavailable):
            store.put("a", b"1")
        assert clock.now == pytest.approx(1020, abs=0.2)


@pytest.mark.parametrize("seed", range(20))
def test_a_store_that_throttles_on_is_asked_about_once_a_second(clock, seed):
    """The bound that stands for a `Retry-After`, which the storage client does not show."""
    store = Failing(clock, inf)
    jitter = random.Random(seed).uniform
    with deadline(50), pytest.raises(StoreUnavailable):
        RetryingStore(store, sleep=clock.sleep, jitter=jitter).put("a", b"1")
    assert 40 <= store.calls <= 80


class LostAnswer(MemoryStore):
    """A store whose first conditional delete fails, before or after it was done."""

    def __init__(self, *, is_done):
        super().__init__()
        self.is_done, self.is_first = is_done, True

    def delete_if(self, name, version):
        is_first, self.is_first = self.is_first, False
        if self.is_done or not is_first:
            super().delete_if(name, version)
        if is_first:
            raise StoreUnavailable("no answer", object_name=name)


def test_a_conditional_delete_whose_answer_was_lost_is_no_conflict():
    inner = LostAnswer(is_done=True)
    version = inner.put_if("scope/a", b"1", None)
    store = RetryingStore(inner, sleep=Waits())
    store.delete_if("scope/a", version)
    assert inner.head("scope/a") is None
    with pytest.raises(Conflict):
        store.delete_if("scope/a", version)


def test_a_conditional_delete_that_meets_a_newer_object_is_a_conflict():
    inner = LostAnswer(is_done=False)
    version = inner.put_if("scope/a", b"1", None)
    newer = inner.put_if("scope/a", b"2", version)
    with pytest.raises(Conflict):
        RetryingStore(inner, sleep=Waits()).delete_if("scope/a", version)
    assert inner.get_version("scope/a") == (b"2", newer)
