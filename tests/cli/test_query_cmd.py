"""`statebag query`, against Step Functions in this process."""

import json

from statebag import Statebag
from statebag.asl.arns import ACCOUNT
from statebag.store.file import FileStore
from statebag.testing.process import forget
from tests.bags import noise
from tests.cli.program import statebag

MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:Orders"

EXECUTION = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Orders:run-1"


def test_query_says_what_is_wrong(states):
    gone = statebag("query", EXECUTION)
    assert (gone.exit_code, gone.stdout) == (20, "")
    assert "there is no such execution" in gone.stderr
    assert statebag("start", "orders").exit_code == 20


def test_query_gives_the_opened_output_or_a_part_of_it(states, tmp_path, monkeypatch):
    state = {"text": noise(600_000, 1), "n": [1, 2]}
    bag = Statebag(FileStore(tmp_path / ".statebag" / "store")).seal(state, scope="Orders/run-1")
    forget()
    ended = {"status": "SUCCEEDED", "output": json.dumps(bag)}
    monkeypatch.setattr("statebag.stepfunctions.workflows.Asked.__call__", lambda *_, **__: ended)
    assert json.loads(statebag("query", EXECUTION).stdout) == state
    assert statebag("query", EXECUTION, "$.n[-1]").stdout == "2\n"
    gone = statebag("query", EXECUTION, "$.m")
    assert (gone.exit_code, gone.stdout) == (15, "")
