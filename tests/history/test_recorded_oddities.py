"""Histories in the forms that AWS gives them, also where these are hard to read."""

import json

import pytest

from statebag.history.events import history_of
from statebag.history.replay import transitions
from tests.shared_data import files

STARTED = (1, 0, "ExecutionStarted", {"input": '{"a":1}'})
FAILED = "States.QueryEvaluationError"


def history(*told):
    return history_of(
        "arn",
        "M",
        [
            {
                "id": number,
                "previousEventId": previous,
                "type": kind,
                "timestamp": 1_700_000_000 + number,
                "xEventDetails": details,
            }
            for number, previous, kind, details in told
        ],
    )


def entered(number, previous, kind, name, text="{}"):
    return number, previous, f"{kind}StateEntered", {"name": name, "input": text}


def test_a_failed_expression_belongs_to_the_state_that_it_names():
    told = history(
        STARTED,
        entered(2, 0, "Pass", "A", '{"a":1}'),
        (3, 2, "PassStateExited", {"name": "A", "output": '{"b":1}'}),
        entered(4, 3, "Pass", "B", '{"b":1}'),
        (5, 3, "EvaluationFailed", {"state": "B", "error": FAILED}),
        (6, 5, "ExecutionFailed", {"error": FAILED}),
    )
    first, second = transitions(told)
    assert (first.status, first.failures) == ("left", ())
    assert (second.status, second.error) == ("failed", FAILED)
    assert [one.event for one in second.failures] == [5]
    assert told.payload_at(5).text == '{"b":1}'
    assert told.payload_at(6).text == '{"b":1}'


def test_one_that_is_tried_again_and_caught():
    told = history(
        STARTED,
        entered(2, 0, "Task", "A"),
        (3, 0, "EvaluationFailed", {"state": "A", "error": FAILED}),
        (4, 3, "TaskStateExited", {"name": "A", "output": "{}"}),
        entered(5, 4, "Succeed", "B"),
        (6, 5, "SucceedStateExited", {"name": "B", "output": "{}"}),
        (7, 6, "ExecutionSucceeded", {"output": "{}"}),
    )
    first, second = transitions(told)
    assert (first.status, first.error) == ("caught", FAILED)
    assert second.status == "left"


def test_one_in_an_iteration_is_not_that_of_another():
    told = history(
        STARTED,
        entered(2, 0, "Map", "Each"),
        (3, 2, "MapStateStarted", {"length": 2}),
        (4, 3, "MapIterationStarted", {"name": "Each", "index": 0}),
        entered(5, 4, "Pass", "P", "0"),
        (6, 3, "MapIterationStarted", {"name": "Each", "index": 1}),
        entered(7, 6, "Pass", "P", "1"),
        (8, 4, "EvaluationFailed", {"state": "P", "error": FAILED}),
    )
    _, first, second = transitions(told)
    assert [one.event for one in first.failures] == [8]
    assert second.failures == ()


def attempts(number, previous, kind="Map"):
    """A try of a container whose one state fails, from an event on."""
    started = (number, previous, f"{kind}StateStarted", {"length": 1})
    if kind == "Parallel":
        return [started, entered(number + 1, number, "Fail", "No")]
    return [
        started,
        (number + 1, number, "MapIterationStarted", {"name": "All", "index": 0}),
        entered(number + 2, number + 1, "Fail", "No"),
        (number + 3, number + 2, "MapIterationFailed", {"name": "All", "index": 0}),
    ]


@pytest.mark.parametrize(("kind", "inside"), [("Map", 5), ("Parallel", 4)])
def test_a_retry_is_an_attempt_of_the_container(kind, inside):
    first = attempts(3, 2, kind)
    again = first[-1][0] + 1
    second = attempts(again, inside, kind)
    last = second[-1][0]
    told = history(
        STARTED,
        entered(2, 0, kind, "All"),
        *first,
        *second,
        (last + 1, last, f"{kind}StateFailed", {}),
        (last + 2, last + 1, "ExecutionFailed", {"error": "Bad"}),
    )
    whole, one, other = transitions(told)
    assert (whole.attempts, whole.status, whole.error) == (2, "failed", "Bad")
    assert (one.attempts, other.attempts) == (0, 0)
    assert (one.status, other.status) == ("failed", "failed")


def test_a_map_in_an_iteration_of_a_map_is_begun_once():
    told = history(
        STARTED,
        entered(2, 0, "Map", "Outer"),
        (3, 2, "MapStateStarted", {"length": 1}),
        (4, 3, "MapIterationStarted", {"name": "Outer", "index": 0}),
        entered(5, 4, "Map", "Inner"),
        (6, 5, "MapStateStarted", {"length": 0}),
    )
    outer, inner = transitions(told)
    assert (outer.attempts, inner.attempts) == (1, 1)


def test_a_fail_state_without_an_error_has_failed():
    told = history(STARTED, entered(2, 0, "Fail", "No"), (3, 2, "ExecutionFailed", {}))
    assert [(one.status, one.error) for one in transitions(told)] == [("failed", None)]


def test_an_aborted_execution_shows_what_it_was_given():
    told = history(STARTED, entered(2, 0, "Wait", "W", '{"w":1}'), (3, 0, "ExecutionAborted", {}))
    assert told.payload_at(3).text == '{"w":1}'
    assert [one.status for one in transitions(told)] == ["given up"]
    only = history(STARTED, (2, 0, "ExecutionAborted", {}))
    assert only.payload_at(2).text == '{"a":1}'


def recordings():
    """The recorded histories; none without the shared data."""
    for file in files("aws-recordings/*.jsonl"):
        for line in file.read_text("utf-8").splitlines():
            one = json.loads(line)
            if one["events"]:
                yield one


def test_no_recorded_failure_is_given_up():
    """What failed is failed: an execution that was not aborted has nothing that was given up."""
    count = 0
    for one in recordings():
        events = [{**event, "timestamp": 1_700_000_000 + event["id"]} for event in one["events"]]
        made = transitions(history_of("arn", "M", events))
        count += 1
        failed = [state for state in made if state.status == "failed"]
        assert bool(failed) or one["status"] != "FAILED", one["id"]
    if not count:
        pytest.skip("the shared recordings are not here")
