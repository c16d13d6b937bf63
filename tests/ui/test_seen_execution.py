"""One execution as the page sees it."""

import pytest

from statebag.errors import InvalidState
from statebag.opening.inspection import inspect
from statebag.ui.seen_execution import is_of_state


def test_transitions_and_status(good, bad):
    snapshot = good.snapshot()
    assert snapshot.stands.status == "SUCCEEDED"
    assert [one.state for one in snapshot.made] == ["Load", "Map", "Each", "Each", "Each", "Change"]
    assert bad.snapshot().stands.error == "ValueError"
    assert good.snapshot() is snapshot, "nothing was written since"


def test_payloads_are_read_one_by_one(good):
    newest = good.payload_event()
    assert good.snapshot().history.event(newest).type == "ExecutionSucceeded"
    assert good.payload_event(33) == 33  # a task's request
    assert good.payload_event(34) == 33
    assert good.bag(newest)["status"] == "DONE"
    with pytest.raises(InvalidState, match="no event 99"):
        good.payload_event(99)
    with pytest.raises(InvalidState, match="event 34 has no payload"):
        good.bag(34)
    assert good.payload_event(34) == 33
    assert good.bag(33) is not None


def test_sizes_are_known_step_by_step(good):
    assert set(good.columns()[1]) == {-1}
    steps = 0
    while not good.measure(2):
        steps += 1
    assert steps > 3
    sealed, opened = good.columns()
    last = good.snapshot().made[-1]
    assert opened[-1] == inspect(good.bag(last.left)).root.size > 800_000
    assert good.largest() == max(sealed)
    assert good.measured(last.left).packs


def test_containers_say_where_a_state_stands(good):
    found = good.containers()
    each = next(one for one in good.snapshot().made if one.path == "Main/Map[0]/Each")
    assert found[each.entered] == "Main/Map[0]/"
    assert found[2] == ""


def test_which_payloads_are_states():
    assert is_of_state("TaskStateEntered")
    assert not is_of_state("TaskScheduled")
