import collections
import datetime as dt

import pytest

from statebag import ConfigurationError, InvalidState, Statebag
from statebag.format.conversion import converted
from statebag.store.memory import MemoryStore


def test_what_is_json_is_returned_as_it_is():
    state = {"a": [1, {"b": None}]}
    assert converted(state, lambda _: pytest.fail("asked")) is state


def test_each_other_value_is_replaced_and_what_stands_for_it_too():
    day = dt.date(2026, 1, 1)
    state = {"a": [day, {1, 2}], "b": collections.OrderedDict(c=(day,))}

    def default(one):
        if isinstance(one, dt.date):
            return one.isoformat()
        return sorted(one) if isinstance(one, set) else list(one)

    assert converted(state, default) == {
        "a": ["2026-01-01", [1, 2]],
        "b": {"c": ["2026-01-01"]},
    }
    assert state["a"][0] is day


def test_a_seal_with_a_default_goes_one_way():
    sb = Statebag(MemoryStore())
    bag = sb.seal({"when": dt.date(2026, 1, 1), "t": (1,)}, default=str)
    assert sb.open(bag) == {"when": "2026-01-01", "t": "(1,)"}
    bag = sb.seal({"log": []}, append={"log": [1j]}, default=str)
    assert sb.open(bag) == {"log": ["1j"]}


def test_without_a_default_a_seal_stays_strict():
    with pytest.raises(InvalidState, match="tuple"):
        Statebag(MemoryStore()).seal({"t": (1,)})


def refuses(one):
    raise TypeError("secret")


@pytest.mark.parametrize("default", [refuses, lambda one: one])
def test_a_default_that_does_not_know_a_type(default):
    with pytest.raises(InvalidState, match=r"builtins\.complex") as caught:
        Statebag(MemoryStore()).seal({"a": [1j]}, default=default)
    assert caught.value.path == "$.a[0]"
    assert "secret" not in str(caught.value)


def test_another_error_of_a_default_is_the_callers():
    def fails(one):
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        Statebag(MemoryStore()).seal([1j], default=fails)


def test_a_default_without_an_end_is_refused():
    for default in (lambda _: [object()], lambda _: object()):
        with pytest.raises(InvalidState):
            Statebag(MemoryStore()).seal([1j], default=default)


def test_values_that_hold_themselves_end():
    ring = {"a": 1j}
    ring["ring"] = ring
    with pytest.raises(InvalidState, match="hold themselves"):
        Statebag(MemoryStore()).seal(ring, default=str)
    twice = [1j]
    for _ in range(200):
        twice = [twice, twice]
    converted(twice, str)


@pytest.mark.parametrize("default", ["str", 5, [str]])
def test_a_default_must_be_a_function(default):
    with pytest.raises(ConfigurationError, match="must be a function, not"):
        Statebag(MemoryStore()).seal([], default=default)


def test_a_key_is_not_given_to_a_default():
    with pytest.raises(InvalidState, match="a key must be a string in JSON, not int"):
        Statebag(MemoryStore()).seal({1: 2}, default=str)
