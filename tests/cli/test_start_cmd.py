"""`statebag start`, `query` and `answer`, against Step Functions in this process."""

import json

import boto3
import pytest
from moto import mock_aws

from statebag import Statebag
from statebag.asl.arns import ACCOUNT
from statebag.local import tokens
from statebag.store.file import FileStore
from statebag.testing.process import forget
from tests.bags import noise
from tests.cli.program import statebag

MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:Orders"
EXECUTION = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Orders:run-1"


@pytest.fixture
def states(tmp_path, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SFN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        client = boto3.client("stepfunctions", region_name="us-east-1")
        client.create_state_machine(
            name="Orders",
            definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
        )
        yield client


def test_start_takes_an_input_of_any_size(states, tmp_path):
    (tmp_path / "big.json").write_text(json.dumps({"text": noise(600_000, 1)}))
    started = statebag("start", MACHINE, "--input", "big.json", "--name", "run-1")
    assert (started.exit_code, started.stdout) == (0, EXECUTION + "\n")
    given = json.loads(states.describe_execution(executionArn=EXECUTION)["input"])
    forget()
    assert Statebag(FileStore(tmp_path / ".statebag" / "store")).open(given) == {
        "text": noise(600_000, 1)
    }


def test_start_again_prints_the_same_and_after_the_end_says_so(states, tmp_path):
    (tmp_path / "big.json").write_text(json.dumps({"text": noise(600_000, 1)}))
    again = ("start", MACHINE, "--input", "big.json", "--name", "run-1")
    for _ in range(2):
        assert statebag(*again).stdout == EXECUTION + "\n"
    states.stop_execution(executionArn=EXECUTION)
    ended = statebag(*again)
    assert (ended.exit_code != 0, ended.stdout) == (True, "")
    assert "is ABORTED, and nothing was started" in ended.stderr
    assert "start with another name" in ended.stderr


def test_query_says_what_is_wrong(states):
    gone = statebag("query", EXECUTION)
    assert (gone.exit_code, gone.stdout) == (20, "")
    assert "there is no such execution" in gone.stderr
    assert statebag("start", "orders").exit_code == 20


def test_a_large_answer_to_a_local_run_is_sealed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    desk = tokens.TokenDesk(tmp_path / "tokens")
    (tmp_path / "tokens").mkdir()
    desk.add(
        "the-token",
        state="Ask",
        execution=EXECUTION,
        succeed=print,
        fail=print,
        beat=print,
        is_open=lambda: True,
    )
    result = {"text": noise(600_000, 1)}
    (tmp_path / "big.json").write_text(json.dumps(result))
    done = statebag("answer", "the-token", "--output", "big.json", "--dir", "tokens")
    assert done.exit_code == 0
    (file,) = (tmp_path / "tokens").glob("*.answer")
    answered = json.loads(file.read_text())["output"]
    assert len(answered) < 98_304
    forget()
    client = Statebag(FileStore(tmp_path / ".statebag" / "store"))
    assert client.open(json.loads(answered), scope="Orders/run-1") == result


def test_a_failure_is_no_answer_for_aws(states):
    done = statebag("answer", "t", "--error", "No", "--execution", EXECUTION)
    assert done.exit_code == 2
    assert "send-task-failure" in done.stderr
