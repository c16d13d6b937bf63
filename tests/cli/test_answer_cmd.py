"""`statebag answer`: what it puts into the folder of tokens, and what it refuses."""

import json
import threading

import pytest
from click.testing import CliRunner

from statebag.cli.group import cli
from statebag.local import run
from statebag.local.execution import Observer

DEFINITION = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
            "End": True,
        }
    },
}


def answer(*arguments, stdin=None):
    return CliRunner().invoke(cli, ["answer", *arguments], input=stdin)


class Waiting:
    """A run that waits for its token in another thread."""

    def __init__(self, folder):
        self.folder = folder
        self.token = None
        self.execution = None
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._asked.wait(240)

    def _run(self):
        asked = self

        class Asked(Observer):
            def waiting_for_token(self, token, state):
                asked.token = token
                asked._asked.set()

        self.execution = run(
            DEFINITION,
            functions={"ask": lambda _event, _context: None},
            input={},
            observer=Asked(),
            token_dir=self.folder,
            timeout=240,
        )

    def end(self):
        self._thread.join(240)
        return self.execution


@pytest.fixture
def waiting(tmp_path):
    return Waiting(tmp_path)


def test_an_output_lets_the_execution_go_on(waiting):
    result = answer(
        waiting.token, "--dir", str(waiting.folder), "--output", "-", stdin='{"approved": true}'
    )
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "answered\n")
    execution = waiting.end()
    assert (execution.status, execution.output) == ("SUCCEEDED", {"approved": True})


def test_an_output_from_a_file_and_no_second_answer(waiting, tmp_path):
    file = tmp_path / "answer.json"
    file.write_text("[1]")
    arguments = (waiting.token, "--dir", str(waiting.folder), "--output", str(file))
    assert answer(*arguments).exit_code == 0
    assert waiting.end().output == [1]
    again = answer(*arguments)
    assert again.exit_code == 20
    assert "no task waits for this token" in again.stderr


def test_an_error_fails_the_task(waiting):
    arguments = (
        waiting.token,
        "--dir",
        str(waiting.folder),
        "--error",
        "Rejected",
        "--cause",
        "no",
    )
    assert answer(*arguments).exit_code == 0
    execution = waiting.end()
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "Rejected", "no")


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "says"),
    [
        ([], None, 2, "--output, or --error"),
        (["--output", "-", "--error", "E"], "{}", 2, "--output, or --error"),
        (["--output", "-", "--cause", "why"], "{}", 2, "--cause belongs to --error"),
        (["--output", "-"], "{", 15, "not JSON"),
        (["--output", "-"], "{}", 20, "no task waits for this token"),
        (["--output", "-"], json.dumps("x" * 300_000), 19, "300,002 bytes"),
        (["--output", "absent.json"], None, 2, "absent.json"),
    ],
)
def test_what_is_refused(tmp_path, arguments, stdin, code, says):
    result = answer("some-token", "--dir", str(tmp_path / "none"), *arguments, stdin=stdin)
    assert result.exit_code == code
    assert says in result.stderr
