from __future__ import annotations

import json
import subprocess
import sys
import threading

import boto3
import pytest
from botocore.exceptions import ClientError

from statebag.errors import ConfigurationError
from statebag.local.execution import Observer
from statebag.local.tokens import answer, heartbeat, waiting_tokens
from tests.local.machines import LIMIT, chain, run, task, text_of


def waiting(**fields):
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
        **fields,
    }


def client(region="us-east-1"):
    return boto3.client("stepfunctions", region_name=region)


class OnWaiting(Observer):
    """Calls a function with the token, in a thread of its own, once a state waits."""

    def __init__(self, call):
        self._call = call
        self.states = []
        self.threads = []

    def waiting_for_token(self, token, state):
        self.states.append(state)
        thread = threading.Thread(target=self._call, args=(token,))
        self.threads.append(thread)
        thread.start()


@pytest.mark.parametrize("heartbeat_seconds", [None, 600])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_handler_answers_its_own_token(heartbeat_seconds, region):
    def ask(event, _context):
        api = client(region)
        if heartbeat_seconds:
            api.send_task_heartbeat(taskToken=event["token"])
        api.send_task_success(taskToken=event["token"], output='{"said": "yes"}')

    fields = {"HeartbeatSeconds": heartbeat_seconds} if heartbeat_seconds else {}
    execution = run(chain(("W", waiting(**fields))), {}, {"ask": ask})
    assert execution.output == {"said": "yes"}


def test_a_later_task_answers_the_token_of_an_earlier_one():
    kept = {}
    definition = chain(
        (
            "Both",
            {
                "Type": "Parallel",
                "Branches": [chain(("W", waiting())), chain(("A", task("reply")))],
            },
        )
    )
    asked = threading.Event()

    def ask(event, _context):
        kept.update(event)
        asked.set()

    def reply(_event, _context):
        assert asked.wait(60)
        client().send_task_success(taskToken=kept["token"], output="1")
        return 2

    assert run(definition, {}, {"ask": ask, "reply": reply}).output == [1, 2]


def test_a_failure_keeps_its_error_and_cause():
    def ask(event, _context):
        client().send_task_failure(taskToken=event["token"], error="Refused", cause="no budget")

    state = waiting(Catch=[{"ErrorEquals": ["Refused"], "Next": "R"}])
    execution = run(chain(("W", state), ("R", {"Type": "Pass"})), {}, {"ask": ask})
    assert execution.output == {"Error": "Refused", "Cause": "no budget"}


def test_each_attempt_has_its_own_token():
    tokens = []

    def ask(event, _context):
        tokens.append(event["token"])
        if len(tokens) == 1:
            client().send_task_failure(taskToken=event["token"], error="Busy")
        else:
            client().send_task_success(taskToken=event["token"], output="7")

    state = waiting(Retry=[{"ErrorEquals": ["Busy"]}])
    execution = run(chain(("W", state)), {}, {"ask": ask}, wait_scale=0)
    assert execution.output == 7
    assert len(set(tokens)) == 2


def codes_of(*calls):
    codes = []
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        codes.append(caught.value.response["Error"]["Code"])
    return codes


def test_what_aws_refuses_is_refused():
    seen = []

    def ask(event, _context):
        token = event["token"]
        api = client()
        seen.extend(
            codes_of(
                lambda: api.send_task_success(taskToken="unknown", output="1"),
                lambda: api.send_task_heartbeat(taskToken="unknown"),
                lambda: api.send_task_failure(taskToken="unknown"),
                lambda: api.send_task_success(taskToken=token, output="no json"),
                lambda: api.send_task_success(
                    taskToken=token, output=json.dumps(text_of(LIMIT + 2), ensure_ascii=False)
                ),
            )
        )
        whole = json.dumps(text_of(LIMIT), ensure_ascii=False)
        api.send_task_success(taskToken=token, output=whole)
        seen.extend(codes_of(lambda: api.send_task_success(taskToken=token, output="2")))

    execution = run(chain(("W", waiting(OutputPath="$"))), {}, {"ask": ask})
    assert execution.output == text_of(LIMIT)
    assert seen == [
        "InvalidToken", "InvalidToken", "InvalidToken", "InvalidOutput", "ValidationException",
        "TaskTimedOut",
    ]  # fmt: skip


def test_nobody_answers_in_time():
    seen = []

    def ask(event, _context):
        seen.append(event["token"])

    def late(_event, _context):
        return codes_of(lambda: client().send_task_success(taskToken=seen[0], output="1"))

    state = waiting(TimeoutSeconds=1, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "R"}])
    execution = run(chain(("W", state), ("R", task("late"))), {}, {"ask": ask, "late": late})
    assert execution.output == ["TaskTimedOut"]
    assert execution.transitions[0].error == "States.Timeout"


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout"])
def test_no_heartbeat_comes_in_time(name):
    state = waiting(HeartbeatSeconds=1, Catch=[{"ErrorEquals": [name], "Next": "R"}])
    definition = chain(("W", state), ("R", {"Type": "Pass"}))
    assert run(definition, {}, {"ask": lambda _e, _c: None}).output["Error"] == "States.Timeout"


def test_heartbeats_keep_a_task_alive(tmp_path):
    def work(token):
        for _ in range(10):  # together longer than a heartbeat may take
            heartbeat(tmp_path, token)
            threading.Event().wait(0.25)
        answer(tmp_path, token, {"alive": True})

    state = waiting(HeartbeatSeconds=2)
    execution = run(
        chain(("W", state)),
        {},
        {"ask": lambda _e, _c: None},
        token_dir=tmp_path,
        observer=OnWaiting(work),
    )
    assert execution.output == {"alive": True}


def test_a_task_with_a_heartbeat_has_no_timeout_of_sixty_seconds():
    state = waiting(HeartbeatSeconds=30)

    def ask(event, context):
        client().send_task_success(
            taskToken=event["token"], output=str(context.get_remaining_time_in_millis())
        )

    assert run(chain(("W", state)), {}, {"ask": ask}).output > 60_000


def test_another_process_answers(tmp_path):
    source = (
        "import sys; from pathlib import Path; from statebag.local.tokens import answer;"
        "answer(Path(sys.argv[1]), sys.argv[2], {'from': 'outside', 'é': 1})"
    )
    listed = []

    def outside(token):
        listed.extend(waiting_tokens(tmp_path))
        subprocess.run([sys.executable, "-c", source, str(tmp_path), token], check=True)

    observer = OnWaiting(outside)
    execution = run(
        chain(("W", waiting())),
        {},
        {"ask": lambda _e, _c: None},
        token_dir=tmp_path,
        observer=observer,
    )
    assert execution.output == {"from": "outside", "é": 1}
    assert observer.states == ["W"]
    assert [(token.state, token.execution) for token in listed] == [("W", execution.arn)]
    assert list(tmp_path.iterdir()) == []


def test_a_failure_from_outside(tmp_path):
    execution = run(
        chain(("W", waiting())),
        {},
        {"ask": lambda _e, _c: None},
        token_dir=tmp_path,
        observer=OnWaiting(lambda token: answer(tmp_path, token, error="No", cause="because")),
    )
    assert (execution.error, execution.cause) == ("No", "because")


def test_a_run_that_gives_up_takes_its_tokens_back(tmp_path):
    seen = []

    class Noting(Observer):
        def waiting_for_token(self, token, state):
            seen.append(token)

    execution = run(
        chain(("W", waiting())),
        {},
        {"ask": lambda _e, _c: None},
        token_dir=tmp_path,
        observer=Noting(),
        timeout_seconds=0.5,
    )
    assert execution.status == "TIMED_OUT"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match="no task waits"):
        answer(tmp_path, seen[0], 1)
