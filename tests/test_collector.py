"""The collector as a Lambda function: what it is told, and what it asks Step Functions."""

import json
import os
from datetime import timedelta

import boto3
import pytest
from moto import mock_aws

from statebag import ConfigurationError, Statebag
from statebag.collector import lambda_handler
from statebag.local.lambda_invocation import LambdaContext
from statebag.store.file import FileStore
from statebag.testing.process import forget

ARN = "arn:aws:lambda:us-east-1:123456789012:function:Collector"
CONTEXT = LambdaContext("Collector", ARN, deadline=float("inf"))
DEFINITION = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}


@pytest.fixture
def store(tmp_path, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SFN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path / "store"))
    forget()
    store = FileStore(tmp_path / "store")
    client = Statebag(store)
    for scope in ("Machine/unknown-and-old", "Machine/running", "Machine/young"):
        client.seal({"text": os.urandom(60_000).hex()}, scope=scope)
    for scope in ("Machine/unknown-and-old", "Machine/running"):
        aged(tmp_path / "store" / scope, days=600)
    with mock_aws():
        states = boto3.client("stepfunctions", region_name="us-east-1")
        machine = states.create_state_machine(
            name="Machine",
            definition=json.dumps(DEFINITION),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )
        states.start_execution(stateMachineArn=machine["stateMachineArn"], name="running")
        yield store
    forget()


def aged(folder, days):
    for file in folder.rglob("*"):
        if file.is_file():
            then = file.stat().st_mtime - timedelta(days=days).total_seconds()
            os.utime(file, (then, then))


def scopes(store):
    return {info.name.rpartition("/")[0] for info in store.list("Machine")}


def test_an_execution_that_is_over_goes_in_two_passes(store, tmp_path):
    scheduled = {"detail-type": "Scheduled Event", "detail": {}, "source": "aws.events"}
    first = lambda_handler(scheduled, CONTEXT)
    assert first["executions"] == {"keep": 2, "mark": 1, "wait": 0, "delete": 0}
    assert lambda_handler(scheduled, CONTEXT)["executions"]["wait"] == 1
    aged(tmp_path / "store" / "@gc", days=8)
    last = lambda_handler(scheduled, CONTEXT)
    assert (last["executions"]["delete"], last["deleted_objects"]) == (1, 1)
    assert last["deleted_bytes"] > 60_000
    assert scopes(store) == {"Machine/running", "Machine/young"}


def test_a_dry_run_writes_nothing(store):
    before = [info.name for info in store.list()]
    assert lambda_handler({"dry_run": True}, CONTEXT)["executions"]["mark"] == 1
    assert [info.name for info in store.list()] == before


def test_what_is_kept_stays(store, tmp_path):
    event = {"keep": ["Machine/unknown-and-old"], "retention_days": 1, "grace_days": 1}
    for _ in range(3):
        lambda_handler(event, CONTEXT)
        aged(tmp_path / "store" / "@gc", days=2)
    assert "Machine/unknown-and-old" in scopes(store)


def test_an_argument_that_is_not_known_is_refused(store):
    with pytest.raises(ConfigurationError, match="has no setting retention"):
        lambda_handler({"retention": 1}, CONTEXT)
