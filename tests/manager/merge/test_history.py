"""Appending once, in order, and unread."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import InvalidState, Statebag
from statebag.format.json_text import encode
from statebag.format.unopened import Grown
from statebag.manager.merge.history import (
    append_id,
    append_once,
    deduplicate_history_logs,
    grown,
    logs_of,
)
from tests.strategies import VALUES

AT = {"execution_id": "m/e", "segment_to_run": 2, "loop_counter": 1}


def appended(state, result):
    entries = logs_of(result)
    return append_once(state, entries, append_id(result, state, entries))


def test_a_repeated_append_changes_nothing():
    result = {"new_history_logs": [{"n": 1}, {"n": 2}], "append_id": "a-1"}
    once = appended({**AT, "state_history": [0]}, result)
    assert once["state_history"] == [0, {"n": 1}, {"n": 2}]
    assert appended(once, result) == once
    other = {"new_history_logs": [{"n": 1}], "append_id": "a-2"}
    assert appended(once, other)["state_history"] == [0, {"n": 1}, {"n": 2}, {"n": 1}]


def test_without_an_id_execution_segment_and_loop_tell_appends_apart():
    result = {"new_history_logs": [{"n": 1}]}
    once = appended(AT, result)
    assert appended(once, result) == once
    for moved in ({"segment_to_run": 3}, {"loop_counter": 2}, {"execution_id": "m/other"}):
        assert len(appended({**once, **moved}, result)["state_history"]) == 2


def test_a_repeat_is_known_although_the_result_moved_the_state_on():
    result = {"new_history_logs": [{"n": 1}], "next_segment_to_run": 3, "loop_counter": 5}
    once = {**appended(AT, result), "segment_to_run": 3, "loop_counter": 5}
    assert appended(once, result) == once


def test_two_different_appends_of_one_segment_are_both_kept():
    once = appended(AT, {"new_history_logs": [{"at": "12:00:00", "n": 1}]})
    twice = appended(once, {"new_history_logs": [{"at": "12:00:00", "n": 2}]})
    assert [entry["n"] for entry in twice["state_history"]] == [1, 2]


def test_nothing_to_append_leaves_the_last_id():
    once = appended(AT, {"new_history_logs": [1], "append_id": "x"})
    assert appended(once, {"append_id": "y"}) == once
    assert appended(once, {"new_history_logs": [], "append_id": "y"}) == once


def test_an_id_of_any_length_takes_little_room():
    state = appended(AT, {"new_history_logs": [1], "append_id": "x" * 100_000})
    assert len(state["last_append_id"]) == 64
    for wrong in (True, 1.5, ["a"]):
        with pytest.raises(InvalidState):
            appended(AT, {"new_history_logs": [1], "append_id": wrong})


def test_a_history_that_was_not_opened_grows_unread():
    sb = Statebag("memory://grown-history")
    bag = sb.seal({"h": ["word " * 20_000 + str(n) for n in range(3)]}, scope="m/e")
    before = sb.open(bag, only=[])["h"]
    history = grown(grown(before, [1], "h"), [2], "h")
    assert isinstance(history, Grown)
    assert history.items == [1, 2]
    assert history.before is before


@pytest.mark.parametrize("before", ["text", {"a": 1}, 5])
def test_only_lists_grow(before):
    with pytest.raises(InvalidState, match="must be a list, not") as refused:
        grown(before, [1], "state_history")
    assert refused.value.path == "$.state_history"


@pytest.mark.parametrize("logs", ["text", {"a": 1}, 5])
def test_new_entries_are_a_list(logs):
    with pytest.raises(InvalidState):
        logs_of({"new_history_logs": logs})


@settings(deadline=None, max_examples=60)
@given(st.lists(VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_deduplication_keeps_what_was_there_and_each_new_entry_once(existing, new):
    joined = deduplicate_history_logs(existing, new)
    assert joined[: len(existing)] == existing
    added = [encode(entry) for entry in joined[len(existing) :]]
    before = {encode(entry) for entry in existing}
    assert len(set(added)) == len(added)
    assert before.isdisjoint(added)
    assert before | set(added) == before | {encode(entry) for entry in new}


def test_entries_that_differ_in_type_alone_are_different():
    assert deduplicate_history_logs([1, {"a": 1}], [True, 1.0, {"a": True}, 1]) == [
        1,
        {"a": 1},
        True,
        1.0,
        {"a": True},
    ]
