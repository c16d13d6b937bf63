"""Which blobs a new pack takes along."""

import pytest

from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import blobs, noise


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


@pytest.mark.parametrize("most", [1, 2, 5])
def test_a_new_pack_takes_the_smallest_along(most):
    policy = Policy(carry_bytes=0, field_limit=256, max_packs=most)
    store, _, state, bag = spread(policy, 12)
    assert len(packs(bag, store)) <= most
    forget()
    assert Statebag(store, policy=policy).open(bag) == state


def test_nothing_moves_where_no_pack_is_written():
    wide = Policy(carry_bytes=0, field_limit=256, max_packs=50)
    store, _, state, bag = spread(wide, 12)
    assert len(packs(bag, store)) == 12
    narrow = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256, max_packs=2))
    with usage.measured() as cost:
        assert narrow.seal(state, scope="m") == bag
    assert cost.puts == 0
    changed = narrow.seal({**state, "new": noise(1500, 99)}, scope="m")
    assert len(packs(changed, store)) == 2


def test_what_is_not_opened_stays_where_it_is():
    wide = Policy(carry_bytes=0, field_limit=256, max_packs=50)
    store, _, state, bag = spread(wide, 12)
    forget()
    narrow = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256, max_packs=2))
    part = narrow.open(bag, only=["f1", "f2", "f3"])
    part["new"] = noise(1500, 99)
    with usage.measured() as cost:
        changed = narrow.seal(part, scope="m")
    assert cost.gets == 0
    assert len(packs(changed, store)) == 10
    assert narrow.open(changed) == {**state, "new": noise(1500, 99)}


def test_little_that_is_new_moves_no_large_packs():
    wide = Policy(carry_bytes=0, field_limit=256, max_packs=50, cache_bytes=10**9)
    store, sb, state, bag = spread(wide, 4, size=400_000)
    narrow = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256, max_packs=1))
    with usage.measured() as cost:
        changed = narrow.seal({**state, "new": noise(1500, 99)}, scope="m")
    assert cost.bytes_put < 10_000
    assert len(packs(changed, store)) == 5
    assert sb.open(bag) == state
