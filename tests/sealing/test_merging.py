"""However long a state grows, all of it is opened with few requests, whoever wrote it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import Policy, Statebag
from statebag.format.stub import Patched, Pieces
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from tests.bags import blobs, noise, payload_bytes, stubs

SMALL = Policy(carry_bytes=2048, field_limit=512, piece_bytes=1024)
MOST_GETS = 6


def message(n, size=400):
    return {"n": n, "text": noise(size, n)}


def cold(store, policy=SMALL):
    """A client of a process that remembers nothing."""
    forget()
    return Statebag(store, policy=policy)


def gets_of_all(store, bag, expected):
    """The requests of a cold open of all, whose result is compared."""
    with usage.measured() as cost:
        assert cold(store).open(bag, scope="m") == expected
    return cost.gets


def opened_whole(store, bag, n):
    state = cold(store).open(bag, scope="m")
    state["messages"].append(message(n))
    state["fields"][f"f{n % 7}"] = noise(900, n)
    return Statebag(store, policy=SMALL).seal(state, scope="m")


def opened_in_part(store, bag, n):
    client = cold(store)
    state = client.open(bag, only=[f"$.fields.f{n % 7}"], scope="m")
    state["fields"][f"f{n % 7}"] = noise(900, n)
    return client.seal(state, scope="m", append={"$.messages": [message(n)]})


def appended(store, bag, n):
    return cold(store).append(bag, "$.messages", [message(n)], scope="m")


@pytest.mark.parametrize("step", [opened_whole, opened_in_part, appended])
def test_a_long_run_is_opened_with_few_requests(step):
    store = MemoryStore()
    fields = {f"f{n}": noise(900, 1000 + n) for n in range(7)}
    expected = {"messages": [message(0)], "fields": fields}
    bag = cold(store).seal(expected, scope="m")
    counts = []
    with usage.measured() as cost:
        for n in range(1, 301):
            bag = step(store, bag, n)
            expected["messages"].append(message(n))
            if step is not appended:
                expected["fields"][f"f{n % 7}"] = noise(900, n)
            if n % 50 == 0:
                counts.append(gets_of_all(store, bag, expected))
    assert max(counts) <= MOST_GETS
    change = 300 * (1300 if step is not appended else 400) * 0.6  # noise compresses to about that
    assert cost.bytes_put < 9 * change


def test_a_history_that_was_appended_before_packs_merged_heals():
    store = MemoryStore()
    apart = Policy(carry_bytes=2048, field_limit=512, piece_bytes=1024, max_packs=10_000)
    bag = cold(store, apart).seal({"messages": [message(0)]}, scope="m")
    for n in range(1, 150):
        bag = cold(store, apart).append(bag, "$.messages", [message(n)], scope="m")
    assert len({blob.at for blob in blobs(bag, store)}) > 20
    for n in range(150, 160):
        bag = cold(store).append(bag, "$.messages", [message(n)], scope="m")
    expected = {"messages": [message(n) for n in range(160)]}
    assert gets_of_all(store, bag, expected) <= MOST_GETS


def test_a_difference_that_was_not_opened_gets_its_base_in_another_pack():
    store = MemoryStore()
    policy = Policy(field_limit=512, piece_bytes=1024, carry_bytes=8192, max_packs=1)
    rows = [message(n, 300) for n in range(60)]
    whole = Policy(field_limit=512, piece_bytes=1024, carry_bytes=0)
    bag = cold(store, whole).seal({"rows": rows}, scope="m")
    client = cold(store, policy)
    state = client.open(bag, scope="m")
    state["rows"][7]["text"] = "edited"
    bag = client.seal(state, scope="m")
    assert any(isinstance(one, Patched) and one.base.entries for one in stubs(bag))
    before = {blob.at for blob in blobs(bag, store)}
    client = cold(store, policy)
    part = client.open(bag, only=["$.none"], scope="m")
    part.update({f"new{n}": noise(60_000, n) for n in range(3)})
    merged = client.seal(part, scope="m")
    after = {blob.at for blob in blobs(merged, store)}
    assert before.isdisjoint(after)
    assert any(isinstance(one, Patched) for one in stubs(merged))
    expected = {**state, **{f"new{n}": noise(60_000, n) for n in range(3)}}
    assert gets_of_all(store, merged, expected) <= MOST_GETS


@pytest.mark.parametrize("most", [1, 3])
def test_an_object_with_fields_next_to_its_stub_keeps_them(most):
    store = MemoryStore()
    settings = {"carry_bytes": 0, "field_limit": 256, "piece_bytes": 1024}
    apart = Policy(**settings, max_packs=10_000)
    forget()
    client, state, bag = Statebag(store, policy=apart), {}, None
    for n in range(9):
        small = {f"s{m}": noise(90, 100 * n + m) for m in range(6)}
        state[f"log{n}"] = {**small, "large": [noise(200, n)] * 9, "null": None}
        state[f"f{n}"] = noise(1500, n)
        bag = client.seal(state, scope="m")
    assert any(one.beside for one in stubs(bag))
    client = cold(store, Policy(**settings, max_packs=most))
    part = client.open(bag, only=["$.none"], scope="m")
    part["new"] = state["new"] = noise(20_000, 99)
    bag = client.seal(part, scope="m")
    gets_of_all(store, bag, state)


@pytest.mark.parametrize("kind", ["before", "after", "truncate"])
def test_a_merge_whose_reads_fail_leaves_the_bag_as_good_as_it_was(kind):
    inner = MemoryStore()
    apart = Policy(carry_bytes=0, field_limit=512, piece_bytes=1024, max_packs=10_000)
    bag = cold(inner, apart).seal({"messages": [message(0)]}, scope="m")
    for n in range(1, 40):
        bag = cold(inner, apart).append(bag, "$.messages", [message(n)], scope="m")
    expected = {"messages": [message(n) for n in range(41)]}
    for call in range(1, 6):
        store = FaultyStore(inner, [Fault("get_ranges", call, kind)])
        after = cold(store).append(bag, "$.messages", [message(40)], scope="m")
        forget()
        assert Statebag(inner).open(after, scope="m") == expected


SIZES = st.integers(20, 3000)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["whole", "part", "append"]), SIZES), max_size=25))
def test_any_mixture_of_writers_gives_the_state(steps):
    store = MemoryStore()
    expected = {"messages": [message(0)], "fields": {f"f{n}": noise(900, n) for n in range(7)}}
    bag = cold(store).seal(expected, scope="m")
    for n, (kind, size) in enumerate(steps, 1):
        client, one, name = cold(store), message(n, size), f"f{n % 7}"
        expected["messages"].append(one)
        if kind == "append":
            bag = client.append(bag, "$.messages", [one], scope="m")
            continue
        expected["fields"][name] = noise(size, n)
        state = client.open(bag, scope="m", only=None if kind == "whole" else [f"$.fields.{name}"])
        state["fields"][name] = noise(size, n)
        if kind == "whole":
            state["messages"].append(one)
            bag = client.seal(state, scope="m")
        else:
            bag = client.seal(state, scope="m", append={"$.messages": [one]})
    forget()
    assert cold(store).open(bag, scope="m") == expected


def test_an_array_whose_tail_was_not_read_is_not_remembered_as_a_whole():
    store = MemoryStore()
    tailed = Policy(carry_bytes=0, field_limit=256, piece_bytes=1024)
    bag = cold(store, tailed).seal({"log": [message(0, 90)]}, scope="m")
    for n in range(1, 40):
        client = cold(store, tailed)
        part = client.open(bag, only=["$.none"], scope="m")
        part["other"] = noise(700, n)
        bag = client.seal(part, scope="m", append={"$.log": [message(n, 90)]})
    expected = {"log": [message(n, 90) for n in range(40)], "other": noise(700, 39)}
    assert gets_of_all(store, bag, expected) <= MOST_GETS


@pytest.mark.parametrize("missing", [1, 50, 400])
def test_a_bag_that_is_full_keeps_its_prefetch_lists_and_more_leaves(missing):
    policy = Policy(carry_bytes=1024, field_limit=512, piece_bytes=1024, max_packs=1000)
    store, rows = MemoryStore(), [noise(300, n) for n in range(120)]
    plain = {f"p{n}": noise(200, n) for n in range(4)}
    state = {"plain": plain, "a": rows, "b": rows[::-1], "status": "new"}
    bag = cold(store, policy).seal(state, scope="m")
    for n in range(30):
        client = cold(store, policy)
        state = client.open(bag, scope="m")
        state["ab"[n % 2]][n * 3] = noise(300, 9000 + n)
        bag = client.seal(state, scope="m")
    state = cold(store, policy).open(bag, scope="m")
    state["status"] = "old"
    state["a"][50:] = [noise(300, 20_000 + n) for n in range(70)]
    forget()
    wide = cold(store, policy).seal(state, scope="m", parent=bag)
    budget = payload_bytes(wide) - missing
    full = cold(store, policy).seal(state, scope="m", parent=bag, budget=budget)
    assert payload_bytes(full) <= budget
    assert all(one.read.reads for one in stubs(full) if isinstance(one.read, Pieces))
    assert gets_of_all(store, full, state) <= gets_of_all(store, wide, state) + 1
