"""Retries of the store, and Catches that hide a lost state or drop the bag."""

import pytest

from statebag.asl.model import Definition
from statebag.lint.calls import ServiceCall
from statebag.lint.catch_checks import CatchChecks
from statebag.lint.shape import BoundedText

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:f"
CALL = ServiceCall("the function f", is_function=True, seals=True, result=BoundedText(2))


def found(*, seals=True, retry=(), catch=()):
    """The codes of what is found for a Task that a Succeed and a Fail follow."""
    task = {"Type": "Task", "Resource": ARN, "Next": "Done"}
    task |= {"Retry": list(retry), "Catch": list(catch)}
    states = {
        "Task": task,
        "Done": {"Type": "Succeed"},
        "Failed": {"Type": "Fail"},
    }
    definition = Definition({"StartAt": "Task", "States": states})
    said = []
    checks = CatchChecks(definition.states, lambda *one: said.append(one))
    checks.retry("$.States.Task", task, CALL)
    checks.catch("$.States.Task", task, seals=seals)
    return [(path.removeprefix("$.States.Task"), code) for path, code, *_ in said]


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        ([], [("", "SB301")]),
        (["States.Timeout"], [("", "SB301")]),
        (["StoreUnavailable"], []),
        (["States.ALL"], []),
        (["Other", "States.TaskFailed"], []),
    ],
)
def test_a_task_that_seals_tries_again(names, codes):
    assert found(retry=[{"ErrorEquals": names}] if names else []) == codes


RETRIED = [{"ErrorEquals": ["StoreUnavailable"]}]


def catches(*names, to="Done", **fields):
    return {"ErrorEquals": list(names), "Next": to, **fields}


def test_a_catch_that_goes_on_hides_a_lost_state_and_drops_the_bag():
    one = catches("States.ALL")
    assert found(retry=RETRIED, catch=[one]) == [(".Catch[0]", "SB302"), (".Catch[0]", "SB303")]
    assert found(retry=RETRIED, catch=[one], seals=False) == [(".Catch[0]", "SB303")]
    kept = catches("States.ALL", ResultPath="$.error")
    assert found(retry=RETRIED, catch=[kept]) == [(".Catch[0]", "SB302")]


def test_losses_that_were_caught_before_hide_nothing():
    losses = catches("BlobMissing", "BlobCorrupt", to="Failed")
    rest = catches("States.ALL", ResultPath="$.error")
    assert found(retry=RETRIED, catch=[losses, rest]) == []
    half = catches("BlobMissing", to="Failed")
    assert found(retry=RETRIED, catch=[half, rest]) == [(".Catch[1]", "SB302")]


def test_a_catch_that_ends_in_a_failure_is_none():
    assert found(retry=RETRIED, catch=[catches("States.ALL", to="Failed")]) == []
