"""States at the borders: of the policy, of numbers, of levels, of size."""

import copy
import json
import tracemalloc

import pytest

from statebag import BagTooLarge, InvalidState, LimitExceeded, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import forms, noise, payload_bytes, travelled

SCOPE = "machine/run"


@pytest.fixture
def sb():
    forget()
    return Statebag(MemoryStore(), policy=Policy())


def passes(state, policy=None, **arguments):
    """The bag of a state that was found to come back exactly, in this process and the next."""
    policy = policy or Policy()
    forget()
    store = MemoryStore()
    text = encode(state)
    sb = Statebag(store, policy=policy)
    bag = sb.seal(state, scope=SCOPE, **arguments)
    assert encode(state) == text
    assert payload_bytes(bag) <= arguments.get("budget", policy.max_bag_bytes)
    assert encode(sb.open(travelled(bag))) == text
    forget()
    assert encode(Statebag(store, policy=policy).open(travelled(bag), scope=SCOPE)) == text
    return bag


@pytest.mark.parametrize(("size", "leaves"), [(-1, False), (0, False), (1, True)])
def test_a_field_leaves_above_the_limit(size, leaves):
    limit = Policy().field_limit
    for text in ("x" * (limit - 2 + size), "é" * ((limit - 2) // 2) + "x" * size):
        if size < 0 and not text.isascii():
            continue
        state = {"a": text}
        assert len(encode(text)) == limit + size
        assert (passes(state)["a"] != text) is leaves


BOUND = 2048


@pytest.mark.parametrize("kind", ["x", "é", "\U0001f40e", "\n", '"', "\x00", "\x7f", "\u2028"])
def test_a_bag_at_its_bound_stays_and_beyond_it_something_leaves(kind):
    unit = payload_bytes(kind) - 2
    for over in (-1, 0, 1):
        rest = BOUND + over - payload_bytes({"a": "", "pad": ""})
        state = {"a": kind * (rest // unit), "pad": "y" * (rest % unit)}
        assert payload_bytes(state) == BOUND + over
        bag = passes(state, Policy(max_bag_bytes=BOUND))
        assert (bag == state) is (over <= 0)


@pytest.mark.parametrize("kind", ["x", "é", "\U0001f40e", "\n"])
def test_control_fields_at_the_bound_and_one_byte_beyond(sb, kind):
    sb = sb.with_control("status", "next_action")
    unit = payload_bytes(kind) - 2
    rest = BOUND - payload_bytes({"status": "", "next_action": ""})
    state = {"status": kind * (rest // unit), "next_action": "y" * (rest % unit)}
    assert sb.seal(state, budget=BOUND) == state
    state["next_action"] += "y"
    with pytest.raises(BagTooLarge) as caught:
        sb.seal(state, budget=BOUND)
    assert caught.value.path == "$.status"
    assert "$.status" in caught.value.message
    assert str(BOUND + 1) in caught.value.message
    assert kind * 3 not in str(caught.value)
    assert caught.value.hint


def test_every_bound_down_to_the_floor_is_kept_exactly():
    state = {
        "status": "RUNNING",
        "log": [{"n": n, "text": noise(100, n)} for n in range(40)],
        "text": "é\n" * 900,
        "current_state": {"a": noise(600), **{f"key {n}": n for n in range(50)}},
    }
    whole = payload_bytes(state)
    kept = 0
    for budget in range(700, whole + 2, 131):
        try:
            passes(state, budget=budget)
        except BagTooLarge:
            assert budget < 1024, "the floor of a bag"
        else:
            kept += 1
    assert kept > 30
    assert passes(state, budget=whole) == state
    assert passes(state, budget=whole - 1) != state


@pytest.mark.parametrize("count", [100, 300, 700])
@pytest.mark.parametrize("budget", [1024, 1500, 3000])
def test_small_fields_that_left_together_are_stored_where_they_do_not_fit(count, budget):
    inner = {"phase": "one", **{f"key {n}": [n, ""] for n in range(count)}}
    policy = Policy(control=("current_state.phase",))
    bag = passes({"status": "RUNNING", "current_state": inner}, policy, budget=budget)
    assert bag["current_state"]["phase"] == "one"


def nested(levels, kind=list):
    value = kind()
    for _ in range(levels - 1):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("kind", [list, dict])
def test_levels_at_the_limit_at_seal_and_at_open(sb, kind):
    passes(nested(500, kind))
    passes({"a": [nested(498, kind), noise(40_000)]})
    with pytest.raises(InvalidState):
        sb.seal(nested(501, kind))
    with pytest.raises(InvalidState):
        sb.append({"log": []}, "log", [nested(501, kind)])
    assert encode(sb.open(nested(500, kind))) == encode(nested(500, kind))
    with pytest.raises(LimitExceeded):
        sb.open(nested(501, kind))


@pytest.mark.parametrize("levels", [99, 100, 101, 102])
@pytest.mark.parametrize("kind", [list, dict])
def test_a_bag_is_never_deep(levels, kind):
    def depth(value):
        level, deepest = [value], 0
        while level := [one for one in level if isinstance(one, dict | list)]:
            deepest += 1
            level = [
                member
                for one in level
                for member in (one.values() if isinstance(one, dict) else one)
            ]
        return deepest

    for state in (nested(levels, kind), {"x": {"y": nested(levels, kind)}}):
        assert depth(passes(state)) <= 106


NUMBERS = [0, -0.0, 1, 1.0, 2**53 - 1, 2**53, 2**53 + 1, -(2**53), -(2**53) - 1, 1e16, 5e-324]


@pytest.mark.parametrize("number", [*NUMBERS, 10**4300 - 1, -(10**4299) + 1, 10**400], ids=str)
def test_numbers_come_back_and_what_an_engine_may_change_does_not_travel_plain(number):
    harmed = abs(number) > 2**53 or encode(number) == b"-0.0"
    for state in ({"n": number}, {"a": {"b": [{"n": number}]}}, [number], number):
        bag = passes(state)
        assert (KEY in json.dumps(bag)) is harmed


def test_numbers_and_flags_that_are_equal_in_python_stay_apart():
    passes({"a": [1, 1.0, True, 0, 0.0, False], "b": [True, 1.0, 1], "c": [False, -0.0, 0]})
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, field_limit=256))
    for value in ([1] * 300, [1.0] * 300, [True] * 300):
        assert encode(sb.open(sb.seal({"a": value}))) == encode({"a": value})


@pytest.mark.parametrize("value", [{}, [], "", 0, None, False, [[]], [{}], {"": {}}], ids=repr)
def test_the_smallest_states(value):
    assert passes(value) == value
    assert passes({"a": value}) == {"a": value}


@pytest.mark.parametrize(
    "key", ["", "'", '"', "a.b", "a[0]", "$", "\\", "\n", "é", "\u2028", "\x00", "*", "a b", KEY]
)
def test_odd_keys_can_be_stored_selected_and_found(key):
    state = {key: noise(3000), "in": {key: [noise(3000, 1), {key: 7}]}, "other": noise(3000, 2)}
    policy = Policy(field_limit=256, carry_bytes=0)
    bag = passes(state, policy)
    sb = Statebag(MemoryStore.named("odd keys"), policy=policy)
    bag = sb.seal(state, scope=SCOPE)
    assert sb.open(bag, only=[(key,)])[key] == state[key]
    assert sb.get(bag, ("in", key, 1, key)) == 7


def test_many_small_keys():
    state = {f"key {n}": n for n in range(100_000)}
    bag = passes({"status": "RUNNING", **state}, Policy(control=("status",)))
    assert bag["status"] == "RUNNING"
    assert "pieces of an object" in set(forms(bag))
    inner = passes({"current_state": state})
    assert "pieces of an object" in set(forms(inner))


def test_a_state_of_twenty_megabytes():
    passes({f"field {n}": noise(1_000_000, n) for n in range(20)})


def test_a_string_of_ten_megabytes():
    passes({"text": "naïve \n" * 1_500_000})


@pytest.mark.parametrize("item", [0, "", None, {"a": 1}, [], 2**60], ids=repr)
def test_a_hundred_thousand_items(item):
    passes({"items": [item] * 100_000})


def test_values_that_stand_in_several_places():
    shared = {"text": noise(40_000), "list": [1, 2]}
    state = {"a": shared, "b": [shared, shared], "c": shared["list"]}
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    opened = sb.open(sb.seal(state))
    assert opened == state
    opened["a"]["list"].append(3)
    opened["b"][0]["list"].append(4)
    assert opened["b"][1]["list"] == opened["c"] == [1, 2]


@pytest.mark.parametrize(
    "policy",
    [Policy(), Policy(carry_bytes=0, field_limit=256, piece_bytes=1024)],
    ids=["carried", "stored"],
)
def test_nothing_that_is_handed_out_is_an_alias(policy):
    forget()
    state = {
        "small": {"a": [1]},
        "escaped": {KEY: {"a": [1]}},
        "large": {"text": noise(2000), "list": [[n] for n in range(2000)]},
        "current_state": {"status": [1]},
    }
    exact = encode(state)
    sb = Statebag(MemoryStore(), policy=policy)

    def spoil(value):
        if isinstance(value, dict):
            for member in value.values():
                spoil(member)
            value["spoiled"] = True
        elif isinstance(value, list):
            for member in value:
                spoil(member)
            value.append("spoiled")

    given = copy.deepcopy(state)
    bag = sb.seal(given)
    whole = copy.deepcopy(bag)
    spoil(given)
    assert bag == whole
    for _ in range(2):
        opened = sb.open(bag)
        assert encode(opened) == exact
        spoil(opened)
        for path in ("$.escaped", "$.small", "$.large.list", "$.current_state.status", "$"):
            spoil(sb.get(bag, path))
        assert bag == whole
    part = sb.open(bag, only=["small"])
    again = sb.seal(part)
    spoil(part["small"])
    spoil(part["escaped"])
    assert bag == whole
    assert encode(sb.open(again)) == exact
    entries = [{"n": [1]}]
    grown = sb.append({"log": []}, "log", entries)
    spoil(entries)
    assert sb.open(grown) == {"log": [{"n": [1]}]}


LONG = "x" * 1_000_000


@pytest.mark.parametrize(
    "bag",
    [[LONG] * 20_000, [{LONG: n} for n in range(20_000)]],
    ids=["strings", "names"],
)
def test_a_bag_that_holds_one_string_in_many_places_is_opened_without_a_copy_of_each(bag):
    client = Statebag("memory://limits")
    tracemalloc.start()
    try:
        opened = client.open({"a": bag, "b": 1})
        is_same = opened == {"a": bag, "b": 1}
        assert is_same
        assert client.open({"a": bag, "b": 1}, only=["$.b"])["b"] == 1
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000_000
