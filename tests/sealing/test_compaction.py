"""Which blobs a new pack takes along."""

from math import log2

import pytest

from statebag import Policy, Statebag
from statebag.format.stub import Pieces
from statebag.sealing.compaction import _smallest
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import blobs, noise, stubs

FIELDS = {"carry_bytes": 0, "field_limit": 256}
APART = Policy(**FIELDS, max_packs=1000)  # nothing is merged
MERGED = Policy(**FIELDS)


def spread(policy, count, size=1500):
    """A bag whose fields lie in a pack each, as far as the policy allows, and its store."""
    forget()
    store = MemoryStore()
    sb = Statebag(store, policy=policy)
    state, bag = {}, None
    for n in range(count):
        state[f"f{n}"] = noise(size, n)
        bag = sb.seal(state, scope="m")
    return store, sb, state, bag


def packs(bag, store):
    return {blob.at for blob in blobs(bag, store)}


class TestWhichPacks:
    """By size: the smallest, up to the last that is no larger than all that gathers before it."""

    @pytest.mark.parametrize(
        ("held", "new", "moving"),
        [
            ({"a": 100}, 100, "a"),
            ({"a": 101}, 100, ""),
            ({"a": 100, "b": 200, "c": 400}, 100, "abc"),
            ({"a": 100, "b": 201, "c": 500}, 100, "a"),
            # A gap is closed where enough lies behind it: three of one size are worth one pack.
            ({"a": 150, "b": 150, "c": 150}, 100, "abc"),
            ({"a": 150, "b": 251}, 100, ""),
            ({}, 100, ""),
        ],
    )
    def test_up_to_the_last_that_is_no_larger_than_what_gathers(self, held, new, moving):
        assert _smallest(held, new, {}, 0) == set(moving)

    def test_no_step_pays_for_many(self):
        assert _smallest(dict.fromkeys("abcd", 400_000), 1500, {}, 0) == set()
        assert _smallest(dict.fromkeys("abcd", 60_000), 1500, {}, 0) == set("abcd")
        assert _smallest(dict.fromkeys("abcd", 400_000), 40_000, {}, 0) == set("abcd")

    def test_packs_are_read_until_an_open_of_all_sends_few_requests(self):
        held = {"a": 200, "b": 500, "c": 800, "d": 3000, "e": 9000}
        once = dict.fromkeys(held, 1)
        assert _smallest(held, 100, once, 4) == {"a"}
        assert _smallest(held, 100, {**once, "e": 2}, 4) == {"a", "b"}
        assert _smallest(held, 1000, once, 4) == {"a", "b", "c"}
        assert _smallest({**held, "a": 500_000}, 100, once, 0) == set("bcde")


@pytest.mark.parametrize("count", [3, 12, 40])
def test_as_many_packs_as_the_size_has_doublings(count):
    store, _, state, bag = spread(MERGED, count)
    assert len(packs(bag, store)) <= log2(count) + 2
    forget()
    assert Statebag(store, policy=MERGED).open(bag) == state


def test_each_byte_is_written_as_often_as_the_size_has_doublings():
    with usage.measured() as once:
        spread(APART, 40)
    with usage.measured() as cost:
        spread(MERGED, 40)
    assert cost.bytes_put <= (log2(40) + 1) * once.bytes_put


@pytest.mark.parametrize("most", [1, 2, 5])
def test_few_packs_stay_as_they_are(most):
    policy = Policy(**FIELDS, max_packs=most)
    store, _, _, bag = spread(policy, most)
    assert len(packs(bag, store)) == most
    store, _, _, bag = spread(policy, most + 1)
    assert len(packs(bag, store)) <= most


def chunks(bag, store):
    return {blob.sha256 for blob in blobs({"rows": bag["rows"]}, store)}


@pytest.mark.parametrize("carried", [0, 12_000])
@pytest.mark.parametrize("opened", [True, False])
def test_what_moves_is_stored_in_the_chunks_of_a_value_that_is_written_anew(opened, carried):
    """Its newest chunks too, one by one; and nothing of it comes back into the bag."""
    small = {"field_limit": 256, "piece_bytes": 1024}
    rows = [noise(200, n) for n in range(40)]
    store = MemoryStore()
    forget()
    Statebag(store, policy=Policy(**small, carry_bytes=0)).seal({"rows": rows}, scope="m")
    sb = Statebag(store, policy=Policy(**small, carry_bytes=carried, max_packs=1))
    rows[-6:] = [noise(190, 100 + n) for n in range(6)]
    bag = sb.seal({"rows": rows}, scope="m")
    if opened:
        forget()
        sb.open(bag, scope="m")
    state = {"rows": rows, "more": noise(60_000, 1), "and": noise(60_000, 2)}
    bag = sb.seal(state, scope="m")
    assert len(packs(bag, store)) == 1
    stub = next(one for one in stubs(bag) if one.kind == "array")
    assert isinstance(stub, Pieces)
    assert stub.simple is None or stub.simple.in_store
    assert sb.open(bag, scope="m") == state
    forget()
    anew = MemoryStore()
    written = Statebag(anew, policy=Policy(**small, carry_bytes=0)).seal(state, scope="m")
    assert chunks(bag, store) == chunks(written, anew)
    forget()
    assert Statebag(store).open(bag, scope="m") == state


def test_nothing_moves_where_no_pack_is_written():
    store, _, state, bag = spread(APART, 12)
    merging = Statebag(store, policy=MERGED)
    with usage.measured() as cost:
        assert merging.seal(state, scope="m") == bag
    assert cost.puts == 0
    changed = merging.seal({**state, "new": noise(1500, 99)}, scope="m")
    assert len(packs(changed, store)) == 1


def test_packs_are_not_read_where_no_pack_is_written():
    store, _, _, bag = spread(APART, 12)
    forget()
    merging = Statebag(store, policy=MERGED)
    part = merging.open(bag, only=["f1"])
    with usage.measured() as cost:
        assert merging.seal(part, scope="m") == bag
    assert (cost.puts, cost.gets) == (0, 0)


def test_what_was_not_opened_is_read_once_to_be_merged():
    store, _, state, bag = spread(APART, 12)
    forget()
    merging = Statebag(store, policy=MERGED)
    part = merging.open(bag, only=["f1", "f2", "f3"])
    part["new"] = noise(1500, 99)
    with usage.measured() as cost:
        changed = merging.seal(part, scope="m")
    assert cost.gets == 9
    assert len(packs(changed, store)) == 1
    part = merging.open(changed, only=["f1"])
    part["more"] = noise(1500, 100)
    with usage.measured() as cost:
        merging.seal(part, scope="m")
    assert cost.gets == 0
    forget()
    expected = {**state, "new": noise(1500, 99)}
    assert merging.open(changed) == expected


def test_what_cannot_be_read_is_handed_on_as_it_came():
    store, _, state, bag = spread(APART, 12)
    (lost,) = packs({"f7": bag["f7"]}, store)
    store.delete(lost)
    forget()
    merging = Statebag(store, policy=MERGED)
    part = merging.open(bag, only=["f1"])
    part["new"] = noise(1500, 99)
    changed = merging.seal(part, scope="m")
    assert changed["f7"] == bag["f7"]
    forget()
    others = [name for name in (*state, "new") if name != "f7"]
    opened = merging.open(changed, only=others)
    assert {name: opened[name] for name in others if name != "new"} == {
        name: value for name, value in state.items() if name != "f7"
    }


def test_packs_of_another_scope_are_not_read():
    store, _, _, bag = spread(APART, 12)
    forget()
    merging = Statebag(store, policy=MERGED)
    part = merging.open(bag, only=["f1"], scope="m/branch")
    part["new"] = noise(1500, 99)
    with usage.measured() as cost:
        changed = merging.seal(part, scope="m/branch")
    assert cost.gets == 0
    assert {name: changed[name] for name in ("f0", "f2")} == {n: bag[n] for n in ("f0", "f2")}
