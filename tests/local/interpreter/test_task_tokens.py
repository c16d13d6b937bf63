from __future__ import annotations

import threading
import time

import boto3
import pytest

from statebag.errors import ConfigurationError
from statebag.local import run, tokens
from statebag.local.execution import Observer
from tests.local.interpreter.events import types
from tests.local.machines import chain


def ask(**fields):
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
        **fields,
    }


def client():
    return boto3.client("stepfunctions", region_name="us-east-1")


def test_a_function_answers_before_the_task_waits():
    def work(event, _context):
        client().send_task_success(taskToken=event["token"], output='{"n": 1}')

    execution = run(chain(("T", ask())), functions={"ask": work})
    assert execution.output == {"n": 1}
    assert types(execution)[2:6] == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded",
    ]  # fmt: skip


def test_a_failure_without_error_and_cause_has_neither():
    def work(event, _context):
        client().send_task_failure(taskToken=event["token"])

    state = ask(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "C"}])
    execution = run(chain(("T", state), ("C", {"Type": "Pass"})), functions={"ask": work})
    assert execution.output == {"Error": None, "Cause": None}


def test_a_thread_of_a_function_answers_later_and_keeps_the_task_alive():
    def work(event, _context):
        engine = client()

        def later():
            for _ in range(13):
                time.sleep(0.5)  # all of them are longer than one heartbeat may be
                engine.send_task_heartbeat(taskToken=event["token"])
            engine.send_task_success(taskToken=event["token"], output='"late"')

        threading.Thread(target=later).start()

    execution = run(chain(("T", ask(HeartbeatSeconds=6))), functions={"ask": work})
    assert execution.output == "late"


def test_a_later_state_of_another_branch_answers():
    seen = []

    def work(event, _context):
        seen.append(event["token"])

    def answer(_event, _context):
        client().send_task_success(taskToken=seen[0], output="7")

    other = chain(
        ("W", {"Type": "Wait", "Seconds": 100}),
        ("A", {"Type": "Task", "Resource": "answer"}),
    )
    state = {"Type": "Parallel", "Branches": [chain(("T", ask(TimeoutSeconds=1000))), other]}
    execution = run(chain(("P", state)), functions={"ask": work, "answer": answer})
    assert execution.output == [7, None]


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({"TimeoutSeconds": 3600}, "States.Timeout"),
        ({"HeartbeatSeconds": 600}, "States.HeartbeatTimeout"),
        ({"TimeoutSeconds": 3600, "HeartbeatSeconds": 600}, "States.Timeout"),
    ],
)
def test_nobody_answers_in_time(limits, wanted):
    state = ask(Catch=[{"ErrorEquals": [wanted], "Next": "C"}], **limits)
    definition = chain(("T", state), ("C", {"Type": "Pass"}))
    execution = run(definition, functions={"ask": lambda *_: None})
    assert execution.output == {"Error": "States.Timeout", "Cause": ""}


def test_a_wait_without_end_is_named():
    with pytest.raises(ConfigurationError, match="T waits for an answer") as caught:
        run(chain(("T", ask())), functions={"ask": lambda *_: None})
    assert "mock" in caught.value.hint
    assert run(chain(("T", ask())), mocks={"T": {"Return": 1}}).output == 1


def test_another_process_answers_through_a_folder(tmp_path):
    class Person(Observer):
        def waiting_for_token(self, token, state):
            assert state == "T"
            threading.Timer(0.2, tokens.answer, (tmp_path, token, {"from": "outside"})).start()

    execution = run(
        chain(("T", ask(TimeoutSeconds=600))),
        functions={"ask": lambda *_: None}, token_dir=tmp_path, observer=Person(),
    )  # fmt: skip
    assert execution.output == {"from": "outside"}
    assert tokens.waiting_tokens(tmp_path) == []


def test_a_task_of_the_workflow_answers_another():
    answering = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess",
        "Parameters": {"TaskToken.$": "$", "Output": {"n": 5}},
        "Catch": [{"ErrorEquals": ["Sfn.InvalidTokenException"], "Next": "C"}],
    }
    definition = chain(("S", answering), ("C", {"Type": "Pass"}))
    execution = run(definition, input="none")
    assert execution.output["Error"] == "Sfn.InvalidTokenException"
    assert execution.output["Cause"].startswith("Invalid Token: 'Invalid token' (Service: Sfn")


def test_an_answer_after_the_end_is_refused():
    refused = []

    def late(event, _context):
        exceptions = client().exceptions
        try:
            client().send_task_success(taskToken=event["Cause"] or seen[0], output="1")
        except exceptions.TaskTimedOut as error:
            refused.append(error.response["Error"]["Code"])

    seen = []
    state = ask(TimeoutSeconds=5, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "L"}])
    definition = chain(("T", state), ("L", {"Type": "Task", "Resource": "late"}))
    functions = {"ask": lambda event, _: seen.append(event["token"]), "late": late}
    assert run(definition, functions=functions).status == "SUCCEEDED"
    assert refused == ["TaskTimedOut"]
