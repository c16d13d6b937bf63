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


NO_SWITCH = ("false", "true", "", 0, 1, None, [], {})
NO_TEXTS = ("prod", "", None, 5, True, {"m/r": 1}, [5], ["m/r", None], [["m/r"]])
NO_DAYS = ("5", "", None, True, [], {}, [5])
WRONG = [
    *((name, value) for name in ("with_snapshots", "dry_run") for value in NO_SWITCH),
    *((name, value) for name in ("keep", "executions") for value in NO_TEXTS),
    *((name, value) for name in ("retention_days", "grace_days") for value in NO_DAYS),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_a_value_of_another_type_is_refused_by_name_and_nothing_is_written(store, name, value):
    before = [info.name for info in store.list()]
    event = {"detail-type": "Scheduled Event", "detail": {name: value}}
    for given in ({name: value}, event):
        with pytest.raises(
            ConfigurationError, match=rf"^{name}(\[\d\])? must be [a-z ]+, not \w+\."
        ) as refused:
            lambda_handler(given, CONTEXT)
        assert refused.value.hint.startswith("Give ")
    assert [info.name for info in store.list()] == before


@pytest.mark.parametrize("name", ["retention_days", "grace_days"])
@pytest.mark.parametrize(
    "days", [float("nan"), float("inf"), float("-inf"), 1e9, 10**9, 10**400, -(10**400), 1e308]
)
def test_days_are_finite_and_in_range(store, name, days):
    with pytest.raises(
        ConfigurationError, match=f"^{name} must be a finite number of days"
    ) as refused:
        lambda_handler({name: days}, CONTEXT)
    assert refused.value.hint == "Give a finite number, at most 999999999."
    done = lambda_handler({name: 999_999_999, "dry_run": True}, CONTEXT)
    assert sum(done["executions"].values()) == 3


@pytest.mark.parametrize("days", [-1, -0.5, -999_999_999])
def test_negative_days_are_refused(store, days):
    for name in ("retention_days", "grace_days"):
        with pytest.raises(ConfigurationError):
            lambda_handler({name: days}, CONTEXT)


@pytest.mark.parametrize("event", [None, [], [{}], "text", "", 5, True])
def test_an_event_that_is_no_object_is_refused(store, event):
    with pytest.raises(ConfigurationError, match=r"^the event must be an object, not ") as refused:
        lambda_handler(event, CONTEXT)
    assert refused.value.hint == "Give an object."


@pytest.mark.parametrize("detail", [5, 0, False, "", "text", [], [1]])
def test_a_detail_that_is_no_object_is_refused(store, detail):
    with pytest.raises(ConfigurationError, match=r"^detail must be an object, not "):
        lambda_handler({"detail-type": "Scheduled Event", "detail": detail}, CONTEXT)


@pytest.mark.parametrize("scope", ["", "..", "m//r", "m/r\n", "\ud800"])
def test_a_scope_that_can_be_none_is_refused_by_name(store, scope):
    with pytest.raises(ConfigurationError, match=r"^keep: "):
        lambda_handler({"keep": [scope]}, CONTEXT)


def test_a_schedule_without_a_detail_is_all_defaults(store):
    for event in ({}, {"detail-type": "x"}, {"detail-type": "x", "detail": None}):
        assert lambda_handler({**event}, CONTEXT)["executions"]["keep"] == 2
