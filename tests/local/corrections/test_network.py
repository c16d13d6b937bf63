from __future__ import annotations

import os
import subprocess
import sys

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from tests.local.machines import chain, run, task

EARLY = """
import boto3
keys = dict(aws_access_key_id="real", aws_secret_access_key="real", region_name="us-east-1")
s3 = boto3.client("s3", **keys)
states = boto3.client("stepfunctions", **keys)
import sys
assert not any(name.startswith("moto") for name in sys.modules)
from statebag.local.engine import run_definition

def ask(event, context):
    s3.create_bucket(Bucket="mine")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    states.send_task_success(taskToken=event["token"], output=str(len(names)))

definition = {"StartAt": "W", "States": {"W": {
    "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}}, "End": True}}}
print(run_definition(definition, {"ask": ask}, {}).output)
"""


def test_a_client_that_was_made_before_the_engine_is_answered_here():
    names = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    done = subprocess.run(
        [sys.executable, "-c", EARLY], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ["1"]


def test_an_address_that_nobody_answers_is_not_reached(monkeypatch):
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: pytest.fail("a request went out"))
    caught = []

    def work(_event, _context):
        client = boto3.client("s3", region_name="us-east-1", endpoint_url="http://10.0.0.1:9")
        try:
            client.list_buckets()
        except EndpointConnectionError as error:
            caught.append(error)

    assert run(chain(("T", task())), {}, {"work": work}).status == "SUCCEEDED"
    assert len(caught) == 1


def test_an_endpoint_for_all_services_is_for_s3_alone(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.0.0.1:9")
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: pytest.fail("a request went out"))

    def work(event, _context):
        states = boto3.client("stepfunctions", region_name="us-east-1")
        return len(states.list_state_machines()["stateMachines"])

    assert run(chain(("T", task())), {}, {"work": work}).output == 1
