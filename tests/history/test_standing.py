"""Where an execution stands: what it waits for, or where it failed."""

import pytest

from statebag.history.events import history_of
from statebag.history.replay import transitions
from statebag.history.standing import standing
from tests.history.test_replay import ARN, entered, events

START = ("ExecutionStarted", {"input": "{}"})


def stands(*told, goes_on=None, is_local=False, failed_child=None):
    history = history_of(ARN, "Main", events(*told), goes_on=goes_on)
    made = transitions(history)
    return standing(history, made, is_local=is_local, failed_child=failed_child)


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


MAP_RUN_FAILED = (
    START,
    entered("Map", "Each"),
    ("MapStateStarted", {"length": 2}),
    ("MapRunStarted", {"mapRunArn": "arn:run"}),
    ("MapRunFailed", {"error": "States.ExceedToleratedFailureThreshold"}),
    ("ExecutionFailed", {"error": "States.ExceedToleratedFailureThreshold"}),
)


def test_a_map_run_that_failed_leads_to_its_first_failed_child():
    found = stands(*MAP_RUN_FAILED, is_local=True, failed_child={"arn:run": "arn:child"}.get)
    assert found.advice.splitlines()[0] == "Its first failed child: statebag log arn:child"
    assert f"statebag cat {ARN} --at 2" in found.advice
    assert "child" not in stands(*MAP_RUN_FAILED, is_local=True, failed_child=lambda _: None).advice
    assert "child" not in stands(*MAP_RUN_FAILED, is_local=True).advice


def test_on_aws_its_failed_children_are_listed():
    advice = stands(*MAP_RUN_FAILED).advice
    assert "list-executions --map-run-arn arn:run --status-filter FAILED" in advice


def test_a_fail_state_in_a_map_is_where_it_failed():
    """As recorded on AWS: the history names the error only at the end."""
    history = history_of(
        ARN,
        "Main",
        events(
            ("ExecutionStarted", {"input": "{}"}),
            ("MapStateEntered", {"name": "Each", "input": "[1]"}),
            ("MapStateStarted", {"length": 1}),
            ("MapIterationStarted", {"name": "Each", "index": 0}),
            ("FailStateEntered", {"name": "Stop", "input": "1"}),
            ("MapIterationFailed", {"name": "Each", "index": 0}),
            ("MapStateFailed", {"error": "Stopped"}),
            ("ExecutionFailed", {"error": "Stopped"}),
        ),
    )
    stands = standing(history, transitions(history))
    assert stands.state is not None
    assert stands.state.path == "Main/Each[0]/Stop"
