"""What is said after a run that failed; the commands are tried with `statebag run`."""

from pathlib import Path

import pytest

from statebag.cli.failed_run import failure_lines
from statebag.local import run
from tests.local.machines import task

EACH = {
    "Type": "Map",
    "End": True,
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Work",
        "States": {"Work": {**task("work"), "End": True}},
    },
}


@pytest.fixture
def failed(tmp_path):
    def work(event, _context):
        raise ValueError("x" * 5_000 if event == 2 else "no such row")

    def ran(items):
        machine = {"StartAt": "Each", "States": {"Each": EACH}}
        return run(machine, functions={"work": work}, input=items, histories=tmp_path, timeout=240)

    return ran


def test_the_first_failed_child_and_both_commands(failed, tmp_path):
    execution = failed([1])
    child, cause, first, second = failure_lines(execution, tmp_path)
    assert child.startswith("the first failed child: ValueError in state ")
    assert cause.startswith("its cause: no such row")
    assert first.startswith("look into it: statebag log arn:")
    assert first.endswith(f" --histories {tmp_path}")
    assert second == (
        f"look into the whole run: statebag log {execution.arn} --histories {tmp_path}"
    )


def test_a_long_cause_is_shortened(failed, tmp_path):
    _, cause, *_ = failure_lines(failed([2]), tmp_path)
    assert len(cause) < 2_100
    assert cause.endswith("...")


def test_a_history_that_is_gone_leaves_the_command(failed):
    gone = Path(".statebag/histories")
    (line,) = failure_lines(failed([1]), gone)
    assert line.startswith("look into it: statebag log arn:")
    assert "--histories" not in line
