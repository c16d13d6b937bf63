"""A reader that has read enough, as `head` has: the command ends as it would without a pipe."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

PROGRAM = [sys.executable, "-c", "from statebag.cli import main; main()"]


@pytest.fixture
def machines(folder, state, bag_file):
    """A machine that succeeds and one that fails, each with a long output."""
    (folder / "h.py").write_text(
        textwrap.dedent(
            """
            def handler(event, context):
                print("x" * 100_000)
                return {"rows": ["y" * 100] * 1_000}
            """
        )
    )
    call = {"Type": "Task", "Resource": "${F}", "End": True}
    good = {"StartAt": "Call", "States": {"Call": call}}
    (folder / "good.asl.json").write_text(json.dumps(good))
    fail = {"Type": "Fail", "Error": "No", "Cause": "because " * 200}
    (folder / "bad.asl.json").write_text(json.dumps({"StartAt": "F", "States": {"F": fail}}))
    return folder


RUN = ["run", "good.asl.json", "--handler", "F=h.py:handler"]
ARN = "arn:aws:states:us-east-1:123456789012:execution:good:run-1"
COMMANDS = {
    "run": (RUN, 0),
    "run-all": ([*RUN, "--all", "--output", "out.json"], 0),
    "run-json": ([*RUN, "--json"], 0),
    "run-failed": (["run", "bad.asl.json"], 3),
    "open": (["open", "bag.json"], 0),
    "pretty": (["open", "bag.json", "--pretty"], 0),
    "cat": (["cat", "bag.json", "$.state_history"], 0),
    "inspect": (["inspect", "bag.json", "--all"], 0),
    "inspect-json": (["inspect", "bag.json", "--json"], 0),
    "snapshots": (["snapshots"], 0),
    "lint": (["lint", "good.asl.json", "--notes"], 4),
    "fsck": (["fsck"], 0),
    "log": (["log", ARN], 0),
    "help": (["run", "--help"], 0),
    "wrong": (["inspekt"], 2),
    "error": (["open", "bag.json", "--only", "nothing"], 15),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_exit_code_is_that_of_the_command(name, machines):
    if name == "log":
        subprocess.run([*PROGRAM, *RUN, "--name", "run-1"], capture_output=True, check=True)
    arguments, expected = COMMANDS[name]
    ours, theirs = os.pipe()
    os.close(ours)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    places = {"stdin": subprocess.DEVNULL, "stdout": theirs}
    try:
        one = subprocess.run(
            [*PROGRAM, *arguments], **places, stderr=subprocess.PIPE, timeout=240, check=False
        )
        both = subprocess.run(
            [*PROGRAM, *arguments],
            **places,
            stderr=theirs,
            timeout=240,
            check=False,
            env=environment,
        )
    finally:
        os.close(theirs)
    said = one.stderr.decode()
    assert (one.returncode, both.returncode) == (expected, expected), said
    assert "BrokenPipe" not in said
    assert "Traceback" not in said


def test_what_was_read_is_what_comes_first(machines):
    process = subprocess.Popen([*PROGRAM, "open", "bag.json"], stdout=subprocess.PIPE)
    assert process.stdout.read(8) == b'{"execut'
    process.stdout.close()
    assert process.wait(timeout=240) == 0
