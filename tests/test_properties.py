"""The promises, for every state: exact, bounded, repeatable, movable; with all memory off too."""

import json
from contextlib import nullcontext

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from statebag import BagTooLarge, Policy, Statebag
from statebag.format.escape import escape
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.opening.process_memory import nothing_remembered
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.strategies import STATES, VALUES


@pytest.fixture(
    params=[nullcontext, nothing_remembered],
    ids=["remembering", "nothing remembered"],
    scope="module",
    autouse=True,
)
def memory(request):
    with request.param():
        yield


POLICIES = st.builds(
    Policy,
    max_bag_bytes=st.sampled_from([2048, 4096, 16_384, 98_304]),
    field_limit=st.sampled_from([256, 600, 4096, 30_720]),
    carry_bytes=st.sampled_from([0, 700, 4096, 32_768]),
    piece_bytes=st.sampled_from([1024, 2048, 24_576]),
    look_into_depth=st.integers(1, 4),
    max_packs=st.sampled_from([1, 3, 8]),
    cache_bytes=st.sampled_from([0, 3000, 200_000, 64 * 1024 * 1024]),
    recheck_seconds=st.sampled_from([0.0, 60.0]),
    strict=st.booleans(),
    preview_bytes=st.sampled_from([0, 0, 7, 200]),
    control=st.sampled_from([(), ("$.current_state.status",), ("extra", "state_history[0].n")]),
)


def payload_bytes(bag):
    return max(len(encode(bag)), len(json.dumps(bag)))


def sealed(sb, state, **arguments):
    """A bag, or None where control fields alone pass the bound, which is said."""
    try:
        return sb.seal(state, scope="machine/run", **arguments)
    except BagTooLarge:
        control = {
            key for key in state if any(path[0] == key for path in sb.policy.control_paths())
        }
        plain = payload_bytes(escape({key: state[key] for key in control}))
        assert plain + 600 + 400 * len(control) > sb.policy.max_bag_bytes
        return None


@settings(max_examples=400, deadline=None)
@given(STATES, POLICIES)
def test_what_is_opened_has_the_text_of_what_was_sealed_and_the_bag_keeps_its_bound(state, policy):
    forget()
    store = MemoryStore()
    text = encode(state)
    sb = Statebag(store, policy=policy)
    bag = sealed(sb, state)
    assert encode(state) == text, "seal changed its argument"
    if bag is None:
        return
    assert payload_bytes(bag) <= policy.max_bag_bytes
    travelled = json.loads(json.dumps(bag))
    assert encode(sb.open(travelled, scope="machine/run")) == text
    forget()
    cold = Statebag(store, policy=policy)
    opened = cold.open(travelled, scope="machine/run")
    assert encode(opened) == text
    again = cold.seal(opened, scope="machine/run")
    assert payload_bytes(again) <= policy.max_bag_bytes
    assert encode(cold.open(again)) == text


@settings(max_examples=150, deadline=None)
@given(st.one_of(VALUES, STATES), POLICIES)
def test_any_json_value_can_be_sealed_not_only_objects(value, policy):
    sb = Statebag(MemoryStore(), policy=policy)
    try:
        bag = sb.seal(value, scope="machine/run")
    except BagTooLarge:
        assert isinstance(value, dict)
        return
    assert encode(sb.open(bag)) == encode(value)


@settings(max_examples=100, deadline=None)
@given(STATES, POLICIES)
def test_a_retried_seal_writes_the_same_names_and_bytes(state, policy):
    stores = [MemoryStore(), MemoryStore()]
    bags = []
    for store in stores:
        forget()
        bags.append(sealed(Statebag(store, policy=policy), state))
    assert bags[0] == bags[1]
    first, second = ({one.name: store.get(one.name) for one in store.list()} for store in stores)
    assert first == second


def stubs_in(value):
    if isinstance(value, dict):
        if KEY in value:
            yield value
            if "escaped" in value[KEY]:
                return
        for member in value.values():
            yield from stubs_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from stubs_in(member)


@settings(max_examples=100, deadline=None)
@given(
    STATES,
    POLICIES,
    st.lists(st.one_of(st.integers(0, 3), st.sampled_from(["a", "b c"])), max_size=5),
)
def test_a_stub_opens_wherever_it_is_put(state, policy, way):
    forget()
    store = MemoryStore()
    bag = sealed(Statebag(store, policy=policy), state)
    for stub in stubs_in(bag):
        here = Statebag(store, policy=policy).open(stub)
        elsewhere = stub
        for part in way:
            elsewhere = {part: elsewhere} if isinstance(part, str) else [0] * part + [elsewhere]
        forget()
        opened = Statebag(store, policy=policy).open(elsewhere)
        for part in way[::-1]:
            opened = opened[part]
        assert encode(opened) == encode(here)


@settings(max_examples=200, deadline=None)
@given(
    STATES,
    POLICIES,
    st.lists(
        st.sampled_from(["status", "state_history", "current_state", "extra", "big"]), max_size=3
    ),
)
def test_what_was_not_opened_passes_through_unread(state, policy, only):
    forget()
    store = MemoryStore()
    bag = sealed(Statebag(store, policy=policy), state)
    if bag is None:
        return
    forget()
    sb = Statebag(store, policy=policy)
    part = sb.open(bag, only=[(name,) for name in only])
    for name in only:
        if isinstance(state, dict) and name in state:
            assert encode(part[name]) == encode(state[name])
    again = sb.seal(part, scope="machine/run")
    assert payload_bytes(again) <= policy.max_bag_bytes
    forget()
    assert encode(Statebag(store, policy=policy).open(again)) == encode(state)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(VALUES, max_size=12), max_size=8), POLICIES, st.booleans())
@example([[[]]], Policy(), False)
def test_append_is_what_a_list_does(batches, policy, cold):
    forget()
    store = MemoryStore()
    sb = Statebag(store, policy=policy)
    bag = sb.seal({"log": []}, scope="machine/run")
    for batch in batches:
        bag = sb.append(bag, "log", batch, scope="machine/run")
        assert payload_bytes(bag) <= policy.max_bag_bytes
        if cold:
            forget()
            sb = Statebag(store, policy=policy)
    everything = [item for batch in batches for item in batch]
    assert encode(sb.open(bag)) == encode({"log": everything})
