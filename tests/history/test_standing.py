"""Where an execution stands: what it waits for, or where it failed."""

import pytest

from statebag.history.events import history_of
from statebag.history.replay import transitions
from statebag.history.standing import standing
from tests.history.test_replay import ARN, entered, events

START = ("ExecutionStarted", {"input": "{}"})


def stands(*told, goes_on=None, is_local=False):
    history = history_of(ARN, "Main", events(*told), goes_on=goes_on)
    return standing(history, transitions(history), is_local=is_local)


def test_without_events_it_runs():
    found = stands()
    assert (found.status, found.since, found.waiting) == ("RUNNING", None, ())
    assert "ask again" in found.advice


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("ExecutionSucceeded", "SUCCEEDED", None),
        ("ExecutionFailed", "FAILED", "E"),
        ("ExecutionTimedOut", "TIMED_OUT", "States.Timeout"),
        ("ExecutionAborted", "ABORTED", None),
    ],
)
def test_the_end_says_the_status(kind, status, error):
    details = {"error": "E"} if status == "FAILED" else {}
    found = stands(START, entered("Task", "A"), (kind, details))
    assert (found.status, found.error, found.event) == (status, error, 3)


def test_the_state_that_failed_is_the_innermost_with_the_error():
    found = stands(
        START,
        entered("Map", "Each"),
        ("MapStateStarted", {"length": 1}),
        ("MapIterationStarted", {"name": "Each", "index": 0}),
        entered("Task", "A"),
        ("TaskScheduled", {"resource": "invoke"}),
        ("TaskFailed", {"error": "E"}),
        ("MapIterationFailed", {"name": "Each", "index": 0}),
        ("MapStateFailed", {"error": "E"}),
        ("ExecutionFailed", {"error": "E"}),
    )
    assert found.state.path == "Main/Each[0]/A"
    assert f"--at {found.state.entered}" in found.advice


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([entered("Wait", "A")], "time"),
        (
            [
                entered("Task", "A"),
                ("TaskScheduled", {"resource": "invoke.waitForTaskToken"}),
                "TaskStarted",
                ("TaskSubmitted", {"output": "{}"}),
            ],
            "token",
        ),
        ([entered("Task", "A"), ("TaskScheduled", {"resource": "invoke"})], "function"),
        ([entered("Pass", "A")], "next"),
    ],
)
def test_what_an_open_state_waits_for(told, reason):
    found = stands(START, *told)
    assert (found.status, [one.reason for one in found.waiting]) == ("RUNNING", [reason])


def test_an_execution_whose_process_is_gone_is_lost():
    found = stands(START, entered("Wait", "A"), goes_on=False)
    assert (found.status, len(found.waiting)) == ("LOST", 1)
    assert "run it again" in found.advice
