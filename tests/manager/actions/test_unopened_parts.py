"""Stand-ins in a value: all are opened in one read, each in its place."""

import pytest

from statebag import Policy, Unopened
from statebag.format import json_text
from statebag.format.unopened import Grown
from statebag.manager.actions.unopened_parts import as_one, with_all_opened
from tests.manager.actions.calls import SCOPE, START, filler


@pytest.fixture
def client(sb):
    return sb.with_policy(Policy(carry_bytes=0))


def test_each_is_opened_in_its_place_with_one_read(client):
    state = {**START, "a": filler(200_000, 1), "b": filler(200_000, 2)}
    found = client.open(client.seal(state, scope=SCOPE), only=["$.execution_id"])
    a, b = found["a"], found["b"]
    assert isinstance(a, Unopened)
    asked = []

    def read(stand_ins):
        asked.append(len(stand_ins))
        return client.open(list(stand_ins), scope=SCOPE, embedded=False)

    value = {"x": [b, 1, {"y": a}], "z": b}
    expected = {"x": [state["b"], 1, {"y": state["a"]}], "z": state["b"]}
    assert with_all_opened(value, read) == expected
    assert asked == [3]
    assert value["z"] is b


def test_a_list_that_grew_is_one_list():
    items = as_one(b"[1,2]", 2, "array")
    grown = Grown(items, [3, {"n": 4}])
    assert with_all_opened({"items": grown}, lambda _: [[1, 2]]) == {"items": [1, 2, 3, {"n": 4}]}


def test_a_value_without_stand_ins_is_not_copied():
    def read(_):
        raise AssertionError("nothing to read")

    value = {"a": [1, {"b": None}]}
    assert with_all_opened(value, read) is value


def test_a_large_value_is_sealed_as_one(client):
    value = {"rows": [filler(900, n) for n in range(300)]}
    text = json_text.encode(value)
    bag = client.seal({**START, "doc": as_one(text, 1)}, scope=SCOPE)
    assert len(json_text.encode(bag)) < 20_000
    assert client.open(bag, scope=SCOPE)["doc"] == value
