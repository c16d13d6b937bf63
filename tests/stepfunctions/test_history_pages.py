"""The history from the API: Step Functions in this process, and a server that gives pages."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from statebag import ConfigurationError, InvalidState, NotPermitted, StoreUnavailable
from statebag.asl.arns import ACCOUNT, parse_execution_arn
from statebag.history.replay import transitions
from statebag.stepfunctions.history_pages import read_history
from tests.cli.program import statebag
from tests.history.loop import run_loop

ELSEWHERE = "arn:aws:states:eu-west-1:999988887777:execution:Main:loop"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SFN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_the_api_of_step_functions_in_this_process():
    definition = {
        "StartAt": "Both",
        "States": {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
                    {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "End": True}}},
                ],
                "Next": "Ask",
            },
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"QueueUrl": "none", "MessageBody.$": "$$.Task.Token"},
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "After"}],
                "End": True,
            },
            "After": {"Type": "Pass", "End": True},
        },
    }
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client("stepfunctions", region_name="us-east-1")
        machine = client.create_state_machine(
            name="Main",
            definition=json.dumps(definition),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
        )["stateMachineArn"]
        arn = client.start_execution(stateMachineArn=machine, input='{"a": 1}')["executionArn"]
        while client.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.02)
        history = read_history(parse_execution_arn(arn), client)
    made = transitions(history)
    # Branches begin in any order: their numbers are the definition's.
    assert {one.path for one in made if one.state in {"Left", "Right", "After"}} == {
        "Main/Both[0]/Left",
        "Main/Both[1]/Right",
        "Main/After",
    }
    assert made[0].input.value() == {"a": 1}
    assert history.events[0].time.tzinfo is not None


class Pages:
    """Step Functions over HTTP, as far as histories go: pages of a limited number of bytes."""

    def __init__(self, events, page=1_000):
        self.events = events
        self.page = page
        self.requests = []

    def answer(self, operation, asked):
        self.requests.append((operation, asked))
        if operation != "GetExecutionHistory":
            return 400, {"__type": "AccessDeniedException", "message": "CANARY"}
        start = int(asked.get("nextToken", "0"))
        end = start + min(self.page, asked["maxResults"])
        page = {"events": self.events[start:end]}
        if end < len(self.events):
            page["nextToken"] = str(end)
        return 200, page


@contextmanager
def served(pages, monkeypatch):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = pages.answer(self.headers["X-Amz-Target"].partition(".")[2], asked)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", f"http://127.0.0.1:{server.server_port}")
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loop")
    execution, recorded = run_loop(str(folder / "store"), folder / "histories")
    # As the service writes times: seconds since 1970.
    events = [{**one, "timestamp": one["timestamp"].timestamp()} for one in execution.history]
    return folder, events, recorded


@pytest.mark.parametrize("page", [1_000, 250])
def test_a_history_of_more_than_a_thousand_events_is_read_page_by_page(loop, page, monkeypatch):
    folder, events, recorded = loop
    pages = Pages(events, page)
    with served(pages, monkeypatch):
        found = statebag("log", ELSEWHERE, "--json")
        asked = [body for operation, body in pages.requests if operation == "GetExecutionHistory"]
        assert len(asked) == -(-len(events) // page)
        assert {body["executionArn"] for body in asked} == {ELSEWHERE}
        assert all(body["includeExecutionData"] for body in asked)
        store = ("--store", folder / "store")
        newest = statebag("cat", ELSEWHERE, "turn", *store)
        past = statebag("cat", f"{ELSEWHERE}@900", "$.note", "--raw", *store)
        changed = statebag("diff", f"{ELSEWHERE}@900", ELSEWHERE, *store)
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(lines) == 314 + 1
    assert lines[-1]["status"] == "SUCCEEDED"
    assert json.loads(newest.stdout) == recorded.returned[-1]["turn"]
    assert past.stdout == "CANARY\n"
    assert "~ $.turn" in changed.stdout
    assert "CANARY" not in found.stdout


def test_without_data_the_log_has_states_and_times_alone(loop, monkeypatch):
    _, events, _ = loop
    kept = json.loads(json.dumps(events))
    for event in kept:
        for details in event.values():
            if isinstance(details, dict):
                details.pop("input", None)
                details.pop("output", None)
    with served(Pages(kept), monkeypatch) as _:
        found = statebag("log", ELSEWHERE, "--no-data", "--tail", "2")
        cat = statebag("cat", ELSEWHERE)
    assert found.exit_code == 0, found.stderr
    assert "SUCCEEDED" in found.stdout
    assert "has no payloads" in found.stdout
    assert cat.exit_code != 0
    assert "without its payload" in cat.stderr


def test_a_page_that_comes_again_ends_the_reading(monkeypatch):
    class Round:
        requests = ()

        def answer(self, operation, asked):
            return 200, {"events": [], "nextToken": "again"}

    with served(Round(), monkeypatch), pytest.raises(StoreUnavailable):
        read_history(parse_execution_arn(ELSEWHERE))


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        ("ExecutionDoesNotExist", ConfigurationError, "no such execution"),
        ("AccessDeniedException", NotPermitted, "states:GetExecutionHistory"),
        ("KmsAccessDeniedException", NotPermitted, "kms:Decrypt"),
        ("KmsThrottlingException", StoreUnavailable, "did not answer"),
        ("ThrottlingException", StoreUnavailable, "did not answer"),
        ("InvalidToken", StoreUnavailable, "did not answer"),
    ],
)
def test_what_step_functions_refuses_is_a_typed_error(code, kind, word):
    client = boto3.client("stepfunctions", region_name="us-east-1")
    stubber = Stubber(client)
    stubber.add_client_error("get_execution_history", code, "CANARY")
    stubber.activate()
    with pytest.raises(kind, match=word) as caught:
        read_history(parse_execution_arn(ELSEWHERE), client)
    assert "CANARY" not in str(caught.value)


def test_events_that_are_none_are_a_typed_error():
    class Odd:
        def get_execution_history(self, **_):
            return {"events": [{"id": 1, "type": "ExecutionStarted"}]}

    with pytest.raises(InvalidState, match="of the history is malformed"):
        read_history(parse_execution_arn(ELSEWHERE), Odd())
