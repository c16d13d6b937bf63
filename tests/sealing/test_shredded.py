"""Long strings and large values inside items: a small edit writes a small part of them."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import Patched
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import blobs, noise, payload_bytes, stubs

SMALL = Policy(carry_bytes=4096, field_limit=512, piece_bytes=1024)
# Little enough that the delta of a text of 3 MB is too long if it copies one passage after another.
LITTLE_INLINE = Policy(carry_bytes=4096)
SCOPE = "machine/run"


def rows(count, seed=1):
    return [{"n": n, "text": noise(200, seed * 10_000 + n)} for n in range(count)]


VALUES = {
    "a string": lambda: noise(60_000, 1),
    "an array in an item": lambda: [{"id": 1}, {"id": 2, "inner": rows(250)}],
    "an object six levels down": lambda: {"a": {"b": {"c": {"d": {"e": {"f": rows(250)}}}}}},
    "a string in an item": lambda: [{"log": noise(60_000, 1)}, 2],
}


def edited(value, n):
    """The value with a few bytes changed, at another place for each n."""
    if isinstance(value, str):
        place = n * 7919 % len(value)
        return f"{value[:place]}<{n}>{value[place + 2 :]}"
    if isinstance(value, list) and len(value) > 100:
        return [*value[: n * 37 % 250], {"n": n}, *value[n * 37 % 250 + 1 :]]
    if isinstance(value, list):
        return [edited(one, n) if isinstance(one, dict) else one for one in value]
    return {key: edited(one, n) if not isinstance(one, int) else one for key, one in value.items()}


def grown(value, n):
    if isinstance(value, str):
        return value + noise(150, n)
    if isinstance(value, list) and len(value) > 100:
        return [*value, {"n": n, "text": noise(120, n)}]
    if isinstance(value, list):
        return [grown(one, n) if isinstance(one, dict) else one for one in value]
    return {key: grown(one, n) if not isinstance(one, int) else one for key, one in value.items()}


def opening(client, bag, _):
    return client.open(bag, scope=SCOPE)["v"]


def sealing_only(_, __, value):
    return value


@pytest.mark.parametrize("take", [opening, sealing_only])
@pytest.mark.parametrize("change", [edited, grown])
@pytest.mark.parametrize("name", VALUES)
def test_a_long_run_writes_the_change_many_times_less_than_the_value(name, change, take):
    store = MemoryStore()
    forget()
    client, value = Statebag(store, policy=SMALL), VALUES[name]()
    bag = client.seal({"v": value, "n": 0}, scope=SCOPE)
    written = 0
    for n in range(1, 121):
        if take is opening:
            forget()
        value = change(take(client, bag, value), n)
        with usage.measured() as cost:
            bag = client.seal({"v": value, "n": n}, scope=SCOPE)
        written += cost.bytes_put
        assert payload_bytes(bag) < 12_000
    forget()
    assert encode(Statebag(store).open(bag, scope=SCOPE)) == encode({"v": value, "n": 120})
    frames = 30_000  # of the whole value, as noise compresses
    assert written < 12 * frames  # 120 times it, if each step wrote it


def repeating(size, passages, seed=1):
    """A text made of a few passages again and again, each cut anywhere."""
    random = Random(seed)
    source = noise(passages, seed)
    places = [random.randrange(passages - 1000) for _ in range(size // 1000)]
    return "".join([source[place : place + 1000] for place in places])


@pytest.mark.parametrize("take", [opening, sealing_only])
@pytest.mark.parametrize("passages", [5000, 20_000])
def test_an_edit_of_a_text_that_repeats_itself_writes_nothing(passages, take):
    store = MemoryStore()
    forget()
    client, value = Statebag(store, policy=LITTLE_INLINE), repeating(3_000_000, passages)
    bag = client.seal({"v": value}, scope=SCOPE)
    for n in range(1, 5):
        if take is opening:
            forget()
        value = edited(take(client, bag, value), n)
        with usage.measured() as cost:
            bag = client.seal({"v": value}, scope=SCOPE)
        assert cost.bytes_put == 0
    forget()
    assert Statebag(store).open(bag, scope=SCOPE) == {"v": value}


def test_a_text_that_repeats_itself_inside_an_item_is_written_in_part():
    store = MemoryStore()
    forget()
    client = Statebag(store, policy=LITTLE_INLINE)
    value = [{"id": 1}, {"log": repeating(3_000_000, 20_000)}]
    bag = client.seal({"v": value}, scope=SCOPE)
    forget()
    value = edited(client.open(bag, scope=SCOPE)["v"], 3)
    with usage.measured() as cost:
        bag = client.seal({"v": value}, scope=SCOPE)
    assert cost.bytes_put == 0
    forget()
    assert client.open(bag, scope=SCOPE) == {"v": value}


def test_a_value_beyond_the_cache_is_written_in_part():
    store = MemoryStore()
    policy = Policy(cache_bytes=30_000, carry_bytes=4096, field_limit=512, piece_bytes=1024)
    client, value = Statebag(store, policy=policy), noise(100_000, 1)
    bag = client.seal({"v": value}, scope=SCOPE)
    for n in range(10):
        forget()
        value = edited(client.open(bag, scope=SCOPE)["v"], n)
        with usage.measured() as cost:
            bag = client.seal({"v": value}, scope=SCOPE)
        assert cost.bytes_put < 20_000
    forget()
    assert client.open(bag, scope=SCOPE) == {"v": value}


def test_an_unchanged_value_writes_nothing():
    store = MemoryStore()
    forget()
    client = Statebag(store, policy=SMALL)
    bag = client.seal({"v": noise(60_000, 1), "n": 0}, scope=SCOPE)
    for n in range(5):
        forget()
        state = client.open(bag, scope=SCOPE)
        state["n"] = n
        with usage.measured() as cost:
            bag = client.seal(state, scope=SCOPE)
        assert cost.puts == 0
    part = client.open(bag, only=["n"], scope=SCOPE)
    with usage.measured() as cost:
        assert client.seal(part, scope=SCOPE) == bag
    assert cost.puts == 0


@pytest.mark.parametrize(
    "policy",
    [
        Policy(forms=1, field_limit=512, piece_bytes=1024, carry_bytes=4096),
        Policy(field_limit=512, piece_bytes=1024, carry_bytes=0),
        Policy(field_limit=512, piece_bytes=1024, carry_bytes=4096, max_open_bytes=200_000),
    ],
    ids=["older readers", "nothing inline", "little memory"],
)
def test_a_policy_that_has_no_room_for_a_delta_stores_one_blob(policy):
    store = MemoryStore()
    forget()
    value = noise(60_000, 1)
    bag = Statebag(store, policy=policy).seal({"v": value}, scope=SCOPE)
    assert len(blobs(bag, store)) == 1
    assert not any(isinstance(one, Patched) for one in stubs(bag))
    forget()
    assert Statebag(store, policy=policy).open(bag, scope=SCOPE) == {"v": value}


@pytest.mark.parametrize("budget", [1024, 1500, 2000, 4000, 20_000])
def test_many_long_strings_fit_any_budget(budget):
    store = MemoryStore()
    forget()
    state = {f"f{n}": noise(30_000 + n, n) for n in range(8)}
    client = Statebag(store, policy=SMALL)
    bag = client.seal(state, scope=SCOPE, budget=budget)
    assert payload_bytes(bag) <= budget
    for n in range(3):
        forget()
        state = client.open(bag, scope=SCOPE)
        state[f"f{n}"] = edited(state[f"f{n}"], n)
        bag = client.seal(state, scope=SCOPE, budget=budget)
        assert payload_bytes(bag) <= budget
    forget()
    assert client.open(bag, scope=SCOPE) == state


def test_shreds_move_when_packs_merge():
    store = MemoryStore()
    policy = Policy(carry_bytes=4096, field_limit=512, piece_bytes=1024, max_packs=1)
    forget()
    client = Statebag(store, policy=policy)
    state = {"v": noise(60_000, 1)}
    bag = client.seal(state, scope=SCOPE)
    before = {blob.at for blob in blobs(bag, store)}
    for opens in (True, False):
        forget()
        state = client.open(bag, only=None if opens else ["$.none"], scope=SCOPE)
        state[f"large{opens}"] = [noise(9000, n) for n in range(24 if opens else 80)]
        bag = client.seal(state, scope=SCOPE)
        after = {blob.at for blob in blobs(bag, store)}
        assert before.isdisjoint(after)
        before = after
    forget()
    assert client.open(bag, scope=SCOPE)["v"] == noise(60_000, 1)


def test_a_lost_pack_is_written_again():
    store = MemoryStore()
    forget()
    client, value = Statebag(store, policy=SMALL), noise(60_000, 1)
    bag = client.seal({"v": value}, scope=SCOPE)
    opened = client.open(bag, scope=SCOPE)
    for name in {blob.at for blob in blobs(bag, store)}:
        store.delete(name)
    bag = client.seal({**opened, "n": 1}, scope=SCOPE)
    forget()
    assert client.open(bag, scope=SCOPE) == {"v": value, "n": 1}


JSON = st.recursive(
    st.integers() | st.text(max_size=30) | st.builds(noise, st.integers(0, 9000)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON, min_size=1, max_size=5), st.booleans())
def test_any_values_one_after_another_come_back(values, cold):
    store = MemoryStore()
    policy = Policy(carry_bytes=4096, field_limit=256, piece_bytes=1024)
    forget()
    client = Statebag(store, policy=policy)
    bag = None
    for value in values:
        if cold:
            forget()
        state = {"v": value, "twice": [value, value]}
        bag = client.seal(state, scope=SCOPE, parent=bag)
        forget()
        assert encode(client.open(bag, scope=SCOPE)) == encode(state)


def test_a_state_that_fits_only_in_one_blob_is_stored_in_one():
    store = MemoryStore()
    policy = Policy(carry_bytes=4096, field_limit=512, piece_bytes=1024)
    for budget in range(1024, 1600, 48):
        forget()
        client = Statebag(store, policy=policy)
        state = {
            "log": [{"n": n, "text": noise(200, n)} for n in range(130)],
            "b": [{"n": n, "text": noise(200, 500 + n)} for n in range(130)],
            "status": noise(700, 1),
            "meta": {"step": 1},
            "long": noise(20_000, 3),
        }
        bag = client.seal(state, scope=SCOPE)
        forget()
        state = client.open(bag, scope=SCOPE)
        state["log"][3] = "edited"
        bag = client.seal(state, scope=SCOPE, budget=budget)
        assert payload_bytes(bag) <= budget
        forget()
        assert client.open(bag, scope=SCOPE) == state
