from __future__ import annotations

import os
import threading

import boto3
import pytest

from statebag.errors import ConfigurationError, InvalidState, StoreUnavailable
from statebag.local.execution import Observer
from statebag.telemetry.usage import add
from tests.deadlines import growing

from .machines import chain, invoke, run, task

ARN = "arn:aws:lambda:us-east-1:123456789012:function:work"


def test_every_form_of_a_lambda_task_calls_the_handler():
    def work(event, context):
        return {"n": event["n"] + 1, "name": context.function_name}

    forms = [
        task("work"),
        task(ARN),
        task(f"{ARN}:live"),
        invoke("work"),
        invoke("work:live"),
        invoke(ARN),
        invoke(f"{ARN}:$LATEST"),
    ]
    states = [(f"S{index}", form) for index, form in enumerate(forms)]
    execution = run(chain(*states), {"n": 0}, {"work": work})
    assert execution.status == "SUCCEEDED"
    assert execution.output == {"n": len(forms), "name": "work"}


def test_the_result_of_an_invocation_has_the_envelope_of_the_service():
    definition = chain(("S", invoke(OutputPath="$")))
    output = run(definition, {}, {"work": lambda _event, _context: [1]}).output
    assert output["Payload"] == [1]
    assert output["StatusCode"] == 200
    assert output["ExecutedVersion"] == "$LATEST"
    assert set(output) == {
        "ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode",
    }  # fmt: skip


def test_transitions_tell_what_each_state_cost():
    def work(event, _context):
        add(puts=2)
        return {"text": "é"}

    execution = run(chain(("P", {"Type": "Pass"}), ("T", task())), {"a": 1}, {"work": work})
    first, second = execution.transitions
    assert (first.number, first.state, first.kind, first.path) == (1, "P", "Pass", "Main/P")
    assert (first.input_bytes, first.output_bytes, first.usage) == (7, 7, None)
    assert (second.kind, second.path, second.error) == ("Task", "Main/T", None)
    assert (second.input_bytes, second.output_bytes) == (7, len('{"text":"é"}'.encode()))
    assert second.usage is not None
    assert second.usage.puts == 2
    assert [event["type"] for event in execution.history][-1] == "ExecutionSucceeded"


def test_attempts_add_up_in_the_usage_of_a_transition():
    calls = []

    def work(event, _context):
        calls.append(event)
        add(gets=1)
        if len(calls) < 3:
            raise StoreUnavailable("gone")
        return {}

    retry = [{"ErrorEquals": ["StoreUnavailable"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    execution = run(chain(("T", task(Retry=retry))), {}, {"work": work}, wait_scale=0)
    (transition,) = execution.transitions
    assert execution.status == "SUCCEEDED"
    assert (transition.attempts, transition.usage.gets) == (3, 3)


def test_nested_states_have_a_place():
    seen = []

    class Places(Observer):
        def state_entered(self, name, kind, path):
            seen.append(path)

    inner = chain(("Parse", {"Type": "Pass"}))
    definition = chain(
        ("Each", {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 1}),
        (
            "Both",
            {
                "Type": "Parallel",
                "Branches": [
                    chain(("Left", {"Type": "Pass"})),
                    chain(
                        ("Right", {"Type": "Map", "Iterator": chain(("Deep", {"Type": "Pass"}))})
                    ),
                ],
            },
        ),
    )
    execution = run(definition, [7, 8], name="Flow", observer=Places())
    assert execution.status == "SUCCEEDED"
    places = {transition.path for transition in execution.transitions}
    assert places == set(seen) == {
        "Flow/Each", "Flow/Each[0]/Parse", "Flow/Each[1]/Parse", "Flow/Both",
        "Flow/Both[0]/Left", "Flow/Both[1]/Right", "Flow/Both[1]/Right[0]/Deep",
        "Flow/Both[1]/Right[1]/Deep",
    }  # fmt: skip
    assert [t.number for t in execution.transitions] == list(range(1, 9))


def test_an_unknown_function_is_refused_before_the_run():
    called = []
    definition = chain(("A", task("here")), ("B", invoke("gone")))
    with pytest.raises(ConfigurationError) as caught:
        run(definition, {}, {"here": lambda event, _: called.append(event)})
    assert caught.value.path == "$.States.B.Parameters.FunctionName"
    assert "gone" in str(caught.value)
    assert "here" in str(caught.value)
    assert called == []


def test_a_function_that_the_definition_computes_is_missed_when_it_is_called():
    state = invoke(Parameters={"FunctionName.$": "$.name", "Payload.$": "$"})
    functions = {"work": lambda event, _: event}
    assert run(chain(("S", state)), {"name": "work"}, functions).output == {"name": "work"}
    execution = run(chain(("S", state)), {"name": "gone"}, functions)
    assert execution.error == "Lambda.ResourceNotFoundException"


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "\ud800"])
def test_an_input_that_is_no_json_is_refused(value):
    with pytest.raises(InvalidState):
        run(chain(("P", {"Type": "Pass"})), {"value": value})


@pytest.mark.parametrize("levels", [501, 900, 5_000])
def test_an_input_that_nests_too_deeply_is_refused(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    with pytest.raises(InvalidState):
        run(chain(("P", {"Type": "Pass"})), value)


def test_a_run_leaves_nothing_behind(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    before = dict(os.environ)
    found = []

    def work(event, context):
        client = boto3.client("s3", region_name="us-east-1")
        found.append(client.list_buckets()["Buckets"])
        client.create_bucket(Bucket="left")
        return event

    for _ in range(2):  # the same names again: nothing is left of the first run
        execution = run(chain(("T", task())), {}, {"work": work}, execution_name="same")
        assert execution.status == "SUCCEEDED"
    assert dict(os.environ) == before
    assert found == [[], []]


def test_credentials_of_the_environment_stay(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = []
    run(
        chain(("T", task())),
        {},
        {"work": lambda _event, _context: seen.append(os.environ["AWS_ACCESS_KEY_ID"])},
    )
    assert seen == ["mine"]


def test_a_mock_that_is_there_already_is_used_and_kept():
    from moto import mock_aws

    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="mine")
        execution = run(
            chain(("T", task())),
            {},
            {"work": lambda _event, _context: len(client.list_buckets()["Buckets"])},
        )
        assert execution.output == 1
        assert len(client.list_buckets()["Buckets"]) == 1


def test_what_an_observer_raises_ends_the_run():
    class Broken(Observer):
        def state_left(self, transition):
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        run(chain(("P", {"Type": "Pass"}), ("Q", {"Type": "Pass"})), observer=Broken())


def test_a_run_that_takes_too_long_is_timed_out():
    execution = run(chain(("W", {"Type": "Wait", "Seconds": 600})), timeout=0.2, wait_scale=1)
    assert execution.status == "TIMED_OUT"
    assert execution.history[-1]["type"] == "ExecutionTimedOut"


def test_the_timeout_of_the_definition_holds():
    definition = chain(("W", {"Type": "Wait", "Seconds": 600}), TimeoutSeconds=1)
    execution = run(definition)
    assert execution.status == "TIMED_OUT"


def test_no_value_of_a_state_is_logged(capfd, caplog):
    def work(_event, _context):
        raise RuntimeError("secret-in-error")

    execution = run(chain(("T", task())), {"key": "secret-in-state"}, {"work": work})
    assert execution.status == "FAILED"
    said = capfd.readouterr()
    assert "secret" not in said.out + said.err + caplog.text


def test_three_hundred_transitions_are_interpreted():
    definition = chain(
        ("Count", {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}}),
        ("Work", task(Next="More")),
        (
            "More",
            {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericLessThan": 100, "Next": "Count"}],
                "Default": "Done",
            },
        ),
        ("Done", {"Type": "Succeed"}),
    )
    execution = run(definition, {"n": 0}, {"work": lambda event, _: event})
    assert execution.output == {"n": 100}
    assert len(execution.transitions) == 301


def test_a_handler_that_never_returns_is_left_behind():
    go_on = threading.Event()

    def work(event, context):
        go_on.wait()
        return event

    run(chain(("P", {"Type": "Pass"})))  # what is imported takes no part of the time
    branches = [chain(("Stuck", task())), chain(("Rest", {"Type": "Wait", "Seconds": 600}))]
    definition = chain(("Both", {"Type": "Parallel", "Branches": branches}))
    try:
        for seconds in growing(1):
            execution = run(definition, {}, {"work": work}, timeout=seconds, wait_scale=1)
            if execution.threads_left:
                break
    finally:
        go_on.set()
    assert execution.status == "TIMED_OUT"
    assert execution.unfinished == ("Main/Both[0]/Stuck",)
    assert execution.threads_left
