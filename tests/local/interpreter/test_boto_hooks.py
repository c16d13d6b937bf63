from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.httpsession import URLLib3Session

from statebag.local import run
from tests.local.machines import chain, task


def calling(name, **more):
    def work(_event, _context):
        client = boto3.client("lambda", region_name="us-east-1")
        answer = client.invoke(FunctionName=name, Payload=b'{"n": 4}', **more)
        body = answer["Payload"].read()
        return [answer["StatusCode"], answer.get("FunctionError"), json.loads(body or b"null")]

    return work


def test_a_function_calls_another_one():
    functions = {"work": calling("other"), "other": lambda event, _: event["n"] * 2}
    assert run(chain(("T", task())), functions=functions).output == [200, None, 8]


def test_what_the_other_one_raises_is_in_the_answer():
    def other(_event, _context):
        raise KeyError("k")

    output = run(chain(("T", task())), functions={"work": calling("other"), "other": other}).output
    assert output[1] == "Unhandled"
    assert output[2]["errorType"] == "KeyError"


def test_an_event_has_no_answer():
    functions = {
        "work": calling("other", InvocationType="Event"),
        "other": lambda event, _: event,
    }
    assert run(chain(("T", task())), functions=functions).output == [202, None, None]


def test_a_function_that_was_not_given_is_not_found():
    def work(_event, _context):
        client = boto3.client("lambda", region_name="us-east-1")
        with pytest.raises(ClientError, match="ResourceNotFound"):
            client.invoke(FunctionName="gone")

    assert run(chain(("T", task())), functions={"work": work}).status == "SUCCEEDED"


def test_runs_at_the_same_time_have_functions_of_their_own():
    ended = {}

    def go(number):
        functions = {"work": calling("other"), "other": lambda _event, _context: number}
        ended[number] = [run(chain(("T", task())), functions=functions).output[2] for _ in range(3)]

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {number: [number] * 3 for number in range(4)}


EARLY = """
import os, sys
from statebag.local import run
assert "botocore" not in sys.modules
run({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
import boto3
keys = dict(aws_access_key_id="real", aws_secret_access_key="real", region_name="us-east-1")
s3 = boto3.client("s3", **keys)
states = boto3.client("stepfunctions", **keys)
assert "moto" not in sys.modules

def ask(event, context):
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="k", Body=b"body")
    late = boto3.client("s3", **keys)
    body = late.get_object(Bucket="mine", Key="k")["Body"].read().decode()
    states.send_task_success(taskToken=event["token"], output='"%s"' % body)

definition = {"StartAt": "W", "States": {"W": {
    "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}}, "End": True}}}
print(run(definition, functions={"ask": ask}).output)
"""


def test_a_client_that_was_made_before_the_services_were_loaded_is_answered_here():
    names = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    done = subprocess.run(
        [sys.executable, "-c", EARLY],
        capture_output=True, text=True, env=environment, check=False, timeout=240,
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["body"], "")


def test_an_address_that_nobody_answers_is_not_reached(monkeypatch):
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: pytest.fail("a request went out"))
    caught = []

    def work(_event, _context):
        client = boto3.client("s3", region_name="us-east-1", endpoint_url="http://10.0.0.1:9")
        try:
            client.list_buckets()
        except EndpointConnectionError as error:
            caught.append(error)

    assert run(chain(("T", task())), functions={"work": work}).status == "SUCCEEDED"
    assert len(caught) == 1


def test_an_endpoint_for_all_services_is_for_s3_alone(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.0.0.1:9")
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: pytest.fail("a request went out"))

    def work(_event, _context):
        states = boto3.client("stepfunctions", region_name="us-east-1")
        queue = boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="q")
        return len(states.list_state_machines()["stateMachines"]), "q" in queue["QueueUrl"]

    assert run(chain(("T", task())), functions={"work": work}).output == [1, True]
