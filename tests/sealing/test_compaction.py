"""Which blobs a new pack takes along."""

import pytest

from statebag import Policy, Statebag
from statebag.format.stub import Pieces
from statebag.sealing.compaction import which_move
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


def once(held):
    """One request for each pack."""
    return dict.fromkeys(held, 1)


class TestWhichPacks:
    """The smallest; as many as write least for the cube of the requests that they send."""

    @pytest.mark.parametrize(
        ("held", "moving"),
        [
            ({}, ""),
            ({"a": 1, "b": 1, "c": 1}, ""),  # with the new one, four
            # All of one size become one: 500 bytes for 4 * 4 * 4 are fewer than 200 for 1.
            ({"a": 100, "b": 100, "c": 100, "d": 100}, "abcd"),
            # 300 for 8 are fewer than 200 for 1, and than 10,300 for 27.
            ({"a": 100, "b": 100, "c": 10_000, "d": 50_000}, "ab"),
            ({"a": 100, "b": 10_000, "c": 20_000, "d": 40_000}, "a"),
            # As many as are too many, even if fewer would write less for each.
            ({"a": 100, "b": 4_000, "c": 50_000, "d": 60_000, "e": 70_000}, "ab"),
        ],
    )
    def test_those_that_write_least_for_what_they_spare(self, held, moving):
        assert which_move(held, 100, once(held), 4) == set(moving)

    def test_no_step_pays_for_many(self):
        held = dict.fromkeys("abcd", 600_000)
        assert which_move(held, 1500, once(held), 4) == set()
        assert which_move(held, 40_000, once(held), 4) == set("abcd")

    def test_where_a_step_would_pay_for_many_those_move_that_double(self):
        held = dict.fromkeys("uvwxyz", 2_000_000)
        assert which_move({**held, "a": 1500, "b": 3000}, 1500, once([*held, "a", "b"]), 4) == {
            *"ab"
        }
        assert which_move({**held, "a": 1501, "b": 9000}, 1500, once([*held, "a", "b"]), 4) == set()

    def test_packs_that_cannot_move_send_requests_all_the_same(self):
        held = {"a": 100, "b": 200}
        assert which_move(held, 100, once("abx"), 4) == set()
        assert which_move(held, 100, once("abxy"), 4) == set("ab")
        assert which_move(held, 100, once("abxyzuvw"), 4) == set("ab")

    @pytest.mark.parametrize(("most", "own"), [(1, 1), (2, 2), (3, 2), (5, 3), (8, 4)])
    @pytest.mark.parametrize("others", [0, 4, 8, 100])
    def test_packs_that_cannot_move_leave_room_for_those_that_can(self, others, most, own):
        more = {str(n): 1 for n in range(others)}
        room = max(most - others, own)
        held = {"abcdefghijk"[n]: 100 for n in range(room)}
        assert which_move(held, 100, {**once(held), **more}, most)
        held.popitem()
        assert which_move(held, 100, {**once(held), **more}, most) == set()

    def test_no_more_move_than_may_be_read(self):
        held = dict.fromkeys("abcdef", 100)
        assert which_move(held, 100, once(held), 2) == set("abcdef")
        assert len(which_move(held, 100, once(held), 2, 4)) == 4
        assert len(which_move(held, 100, dict.fromkeys(held, 2), 2, 4)) == 2

    def test_a_pack_that_is_read_in_two_places_sends_two_requests(self):
        held = {"a": 100, "b": 250, "c": 10_000}
        assert which_move(held, 100, {**once(held), "c": 2}, 4) == set("ab")
        assert which_move(held, 100, {**once(held), "b": 2}, 4) == set("ab")
        assert which_move({**held, "c": 700}, 100, {**once(held), "c": 2}, 4) == set("abc")


@pytest.mark.parametrize("most", [1, 2, 4, 7])
def test_never_more_packs_than_the_policy_says(most):
    store, _, state, bag = spread(Policy(**FIELDS, max_packs=most), 40)
    assert len(packs(bag, store)) <= most
    forget()
    assert Statebag(store).open(bag) == state


# The least that must be written to keep equal pieces of which none dies on so many packs, as
# multiples of all pieces: `benchmarks.least_merging.least` of such a trace.
@pytest.mark.parametrize(("most", "least"), [(4, 3.0), (5, 2.5)])
def test_what_merging_writes_is_near_the_least(most, least):
    with usage.measured() as apart:
        spread(APART, 52)
    with usage.measured() as cost:
        spread(Policy(**FIELDS, max_packs=most), 52)
    assert cost.bytes_put <= 1.5 * least * apart.bytes_put


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


def test_packs_that_may_not_be_read_at_once_are_merged_step_by_step():
    store, _, state, bag = spread(APART, 20)
    left, few = 20, Policy(**FIELDS, max_packs=1, max_open_requests=6)
    for n in range(3):
        forget()
        merging = Statebag(store, policy=few)
        part = merging.open(bag, only=[])
        part[f"new{n}"] = state[f"new{n}"] = noise(1500, 100 + n)
        with usage.measured() as cost:
            bag = merging.seal(part, scope="m")
        assert cost.gets <= 6
        assert len(packs(bag, store)) <= left - 5
        left = len(packs(bag, store))
    forget()
    assert Statebag(store).open(bag) == state


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


@pytest.mark.parametrize("others", [3, 4, 8])
def test_packs_of_another_scope_do_not_let_each_seal_write_all_again(others):
    def written(others):
        store, _, _, bag = spread(APART, others) if others else (MemoryStore(), None, None, {})
        merging = Statebag(store, policy=MERGED)
        total = 0
        for n in range(40):
            forget()
            part = merging.open(bag, only=[], scope="m/branch")
            part[f"own{n}"] = noise(1500, 100 + n)
            with usage.measured() as cost:
                bag = merging.seal(part, scope="m/branch")
            total += cost.bytes_put
        assert len([name for name in packs(bag, store) if "branch" in name]) <= MERGED.max_packs
        return total

    assert written(others) < 2 * written(0)


@pytest.mark.parametrize("size", [40_000, 150_000, 1_200_000])
def test_after_large_steps_small_ones_do_not_write_large_packs_each_time(size):
    store, _, state, bag = spread(Policy(**FIELDS), 5, size)
    merging = Statebag(store, policy=MERGED)
    with usage.measured() as cost:
        for n in range(30):
            state[f"small{n}"] = noise(1500, 100 + n)
            bag = merging.seal(state, scope="m")
    assert cost.bytes_put < 5 * size + 30 * 1500 * 5
    forget()
    assert Statebag(store, policy=MERGED).open(bag, scope="m") == state
