from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from statebag.errors import ConfigurationError
from statebag.local import run
from tests.local.interpreter.events import types
from tests.local.machines import chain


def waited(execution):
    times = {event["type"]: event["timestamp"] for event in execution.history}
    return (times["WaitStateExited"] - times["WaitStateEntered"]).total_seconds()


@pytest.mark.parametrize(
    "fields", [{"Seconds": 86_400}, {"SecondsPath": "$.s"}, {"InputPath": "$", "Seconds": 86_400}]
)
def test_a_day_passes_at_once(fields):
    execution = run(chain(("W", {"Type": "Wait", **fields})), input={"s": 86_400})
    assert waited(execution) == pytest.approx(86_400, abs=3_000)  # besides, real time passes
    assert execution.output == {"s": 86_400}


@pytest.mark.parametrize("field", ["Timestamp", "TimestampPath"])
def test_a_wait_until_a_time(field):
    until = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    value = "$.at" if field == "TimestampPath" else until
    execution = run(chain(("W", {"Type": "Wait", field: value})), input={"at": until})
    assert waited(execution) == pytest.approx(5 * 3600, abs=3_000)  # besides, real time passes


def test_a_time_that_is_over_is_not_waited_for():
    execution = run(chain(("W", {"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z"})))
    assert waited(execution) == pytest.approx(0, abs=3_000)  # besides, real time passes


def test_states_after_a_wait_see_the_later_time():
    state = {"Type": "Pass", "Parameters": {"at.$": "$$.State.EnteredTime"}}
    execution = run(chain(("W", {"Type": "Wait", "Seconds": 7200}), ("P", state)))
    at = datetime.fromisoformat(execution.output["at"])
    assert at - datetime.now(UTC) > timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "error", "cause"),
    [
        ({"Error": "E", "Cause": "c"}, "E", "c"),
        ({}, None, None),
        ({"ErrorPath": "$.e", "CausePath": "States.Format('for {}', $.e)"}, "Mine", "for Mine"),
    ],
)
def test_a_fail_state(fields, error, cause):
    execution = run(chain(("F", {"Type": "Fail", **fields})), input={"e": "Mine"})
    assert (execution.status, execution.error, execution.cause) == ("FAILED", error, cause)
    assert types(execution) == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]


def test_a_fail_state_whose_error_is_no_text():
    execution = run(chain(("F", {"Type": "Fail", "ErrorPath": "$.e"})), input={"e": 3})
    assert execution.error == "States.Runtime"


def test_a_fail_state_takes_no_function_that_gives_no_text():
    with pytest.raises(ConfigurationError, match=r"States\.MathAdd") as caught:
        run(chain(("F", {"Type": "Fail", "CausePath": "States.MathAdd(1, 2)"})))
    assert caught.value.path == "$.States.F.CausePath"


def test_a_pass_gives_its_result_also_where_it_is_null():
    assert run(chain(("P", {"Type": "Pass", "Result": None})), input={"a": 1}).output is None
    result = {"a.$": "kept as it is"}
    assert run(chain(("P", {"Type": "Pass", "Result": result}))).output == result


def test_succeed_ends_a_machine():
    execution = run(chain(("S", {"Type": "Succeed", "OutputPath": "$.a"})), input={"a": [1]})
    assert execution.output == [1]
    assert types(execution)[1:3] == ["SucceedStateEntered", "SucceedStateExited"]
