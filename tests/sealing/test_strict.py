"""Strict sealing: whatever no control path names leaves, however small it is."""

import os

import pytest

from statebag import Policy, Statebag
from statebag.errors import ConfigurationError
from statebag.format import json_text
from statebag.format.stub import KEY

NAMED = ("$.status", "$.data.current.segments", "$.items")


@pytest.fixture
def sb():
    return Statebag("memory://" + os.urandom(6).hex(), policy=Policy(strict=True, control=NAMED))


def test_small_fields_that_no_path_names_are_not_in_the_bag(sb):
    state = {
        "status": "RUNNING",
        "note": 1,
        "items": [{"id": 1}],
        "data": {"current": {"segments": [1, 2], "other": True}, "x": {}},
    }
    bag = sb.seal(state, scope="m/e")
    assert set(bag) == {KEY, "status", "items", "data"}
    assert set(bag["data"]) == {KEY, "current"}
    assert set(bag["data"]["current"]) == {KEY, "segments"}
    assert bag["data"]["current"]["segments"] == [1, 2]
    assert sb.open(bag, scope="m/e") == state


@pytest.mark.parametrize(
    "state",
    [
        {},
        5,
        "text",
        [1, {"a": 2}],
        {"a": 1},
        {"items": 1},
        {"data": {"current": [1]}},
        {"data": {"current": {"segments": []}}},
        {"data": 1, "items": None},
        {KEY: 1, "items": [KEY]},
        {"data": {KEY: {"v": 1}, "current": {"segments": [1]}}},
        {f"k{i}": i for i in range(3000)},
        {"text": "x" * 500_000, "items": [1], "data": {"current": {"rows": [[1, 2]] * 9000}}},
    ],
)
def test_every_state_comes_back_also_when_it_is_sealed_again_unread(sb, state):
    text = json_text.encode(state)
    bag = sb.seal(state, scope="m/e")
    assert json_text.encode(sb.open(bag)) == text
    again = sb.seal(sb.open(bag, only=[]), scope="m/e")
    assert json_text.encode(sb.open(again)) == text


def test_what_a_control_path_would_lead_through_leaves_if_it_is_not_an_object(sb):
    assert KEY in sb.seal({"data": {"current": [1]}}, scope="m/e")["data"]


def test_a_state_of_named_fields_alone_stays_as_it_is(sb):
    state = {"status": "RUNNING", "data": {"current": {"segments": [1]}}, "items": []}
    assert sb.seal(state, scope="m/e") == state


def test_small_and_large_states_have_bags_with_the_same_names(sb):
    def names(size):
        state = {"items": [1], "log": "x" * size, "n": size, "data": {"y": ["z" * size]}}
        return set(sb.seal(state, scope="m/e"))

    assert names(1) == names(100_000) == names(3_000_000)


def test_the_environment_turns_it_on(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://" + os.urandom(6).hex())
    for text, strict in (("1", True), ("TRUE", True), ("0", False), ("no", False), ("", False)):
        monkeypatch.setenv("STATEBAG_STRICT", text)
        assert Statebag().policy.strict is strict


@pytest.mark.parametrize("text", ["2", "on", "strict"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(monkeypatch, text):
    monkeypatch.setenv("STATEBAG_STRICT", text)
    with pytest.raises(ConfigurationError, match=r"STATEBAG_STRICT must be a switch .*, not"):
        Statebag("memory://x")


def test_a_policy_takes_no_other_value_for_it():
    with pytest.raises(ConfigurationError, match=r"Policy\.strict must be a bool, not int"):
        Policy(strict=1)


MOVED = ("$.rows", "$.data.current.log", "$.gone", "$.data.current.segments.inner")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("length", [1, 3_000, 400_000])
def test_a_movable_path_has_a_place_of_its_own_whatever_the_size(strict, length):
    policy = Policy(strict=strict, control=NAMED, movable=MOVED)
    sb = Statebag("memory://" + os.urandom(6).hex(), policy=policy)
    noise = [{"k": os.urandom(200).hex()} for _ in range(length // 400)]
    state = {
        "rows": [{"x": "y" * length}, *noise],
        **{f"small{i}": i for i in range(max(1, length // 100))},
        "data": {"current": {"log": {"big": noise, "n": 1}, "other": noise, "segments": [1]}},
    }
    bag = sb.seal(state, scope="m/e")
    assert "rows" in bag
    assert set(bag["data"]["current"]) >= {"log", "segments"}
    if strict:
        assert set(bag["rows"]) == set(bag["data"]["current"]["log"]) == {KEY}
    text = json_text.encode(state)
    assert json_text.encode(sb.open(bag)) == text
    moved = {"a": bag["rows"], "b": [bag["data"]["current"]["log"]]}
    assert sb.open(moved) == {"a": state["rows"], "b": [state["data"]["current"]["log"]]}
    again = sb.seal(sb.open(bag, only=[]), scope="m/e")
    assert "rows" in again
    assert json_text.encode(sb.open(again)) == text


def test_a_movable_path_that_is_a_control_path_too_stays_plain():
    sb = Statebag(
        "memory://" + os.urandom(6).hex(),
        policy=Policy(strict=True, control=("status",), movable=("status",)),
    )
    assert sb.seal({"status": "RUNNING", "n": 1}, scope="m/e")["status"] == "RUNNING"


@pytest.mark.parametrize("path", ["$", "$[0]", KEY])
def test_a_movable_path_names_a_field(path):
    with pytest.raises(ConfigurationError, match=r"Policy\.movable must name fields, not the"):
        Policy(movable=(path,))


@pytest.mark.parametrize("strict", [True, False])
def test_a_field_that_an_engine_puts_beside_a_root_is_merged(strict):
    policy = Policy(strict=strict, max_bag_bytes=2048)
    sb = Statebag("memory://" + os.urandom(6).hex(), policy=policy)
    state = {f"k{n}": os.urandom(300).hex() for n in range(40)}
    bag = sb.seal(state, scope="m/e")
    assert sb.open({**bag, "new": 1}, scope="m/e") == {**state, "new": 1}
