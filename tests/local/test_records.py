"""Histories of runs on this machine: whole, bounded, and readable while they are written."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from statebag.asl.arns import ACCOUNT, parse_execution_arn
from statebag.errors import ConfigurationError, InvalidState
from statebag.history.payload_texts import LaterText
from statebag.history.replay import transitions
from statebag.history.standing import standing
from statebag.local import records
from statebag.local import run as run_workflow
from statebag.local.records import (
    Record,
    Records,
    find_record,
    read_record,
    recorded_executions,
)
from tests.deadlines import growing
from tests.local.machines import chain, run, task

ARN = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Main:run-1"
EVENT = {"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-02T03:04:05.000Z"}


def of(folder, arn=ARN):
    return read_record(folder, parse_execution_arn(arn))


def test_a_run_leaves_the_history_that_it_gives_back(tmp_path):
    def work(event, context):
        return {"x": 1}

    definition = chain(("A", task("work")), ("B", {"Type": "Pass"}))
    execution = run(
        definition,
        {},
        {"work": work},
        execution_name="run-1",
        histories=tmp_path,
    )
    history = of(tmp_path)
    assert [(event.id, event.type) for event in history.events] == [
        (event["id"], event["type"]) for event in execution.history
    ]
    assert history.goes_on is False
    assert recorded_executions(tmp_path) == [ARN]
    assert [file.suffix for file in tmp_path.rglob("*") if file.is_file()] == [".jsonl"]


def test_a_run_that_is_under_way_can_be_read(tmp_path):
    here = threading.Event()
    go_on = threading.Event()

    def slow(event, context):
        here.set()
        go_on.wait(250)
        return {}

    definition = chain(("A", {"Type": "Pass"}), ("Slow", task("slow")))
    thread = threading.Thread(
        target=run,
        args=(definition, {}, {"slow": slow}),
        kwargs={"execution_name": "run-1", "histories": tmp_path},
    )
    thread.start()
    assert here.wait(250)
    history = of(tmp_path)
    stands = standing(history, transitions(history), is_local=True)
    go_on.set()
    thread.join()
    assert (history.goes_on, stands.status) == (True, "RUNNING")
    assert [(one.transition.state, one.reason) for one in stands.waiting] == [("Slow", "function")]
    assert standing(of(tmp_path), []).status == "SUCCEEDED"


CRASH = """
import os, sys
from pathlib import Path
from statebag.local import run
def die(event, context): os._exit(9)
run(
    {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "die", "End": True}}},
    functions={"die": die}, execution_name="run-1", histories=Path(sys.argv[1]))
"""


def test_a_run_whose_process_died_is_told_from_one_that_goes_on(tmp_path):
    died = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], timeout=240, check=False)
    assert died.returncode == 9
    history = of(tmp_path)
    stands = standing(history, transitions(history), is_local=True)
    assert (stands.status, stands.waiting[0].transition.state) == ("LOST", "A")
    assert history.events[-1].type == "LambdaFunctionStarted"


def test_a_run_that_took_too_long_ends_in_its_history_too(tmp_path):
    definition = chain(("Wait", {"Type": "Wait", "Seconds": 600}), ("B", {"Type": "Pass"}))
    for seconds in growing(0.5):
        execution = run(
            definition, {}, {}, execution_name="run-1", histories=tmp_path, timeout=seconds,
            wait_scale=1,
        )  # fmt: skip
        if execution.unfinished:
            break
        shutil.rmtree(tmp_path)
    history = of(tmp_path)
    assert [e.type for e in history.events] == [e["type"] for e in execution.history]
    stands = standing(history, transitions(history))
    assert (stands.status, stands.state.state) == ("TIMED_OUT", "Wait")


def test_children_of_a_distributed_map_have_histories_of_their_own(tmp_path):
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Judge",
        "States": {"Judge": task("judge", End=True)},
    }

    def judge(event, context):
        if event == 2:
            raise ValueError
        return event * 10

    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor,
            "ToleratedFailureCount": 1}  # fmt: skip
    run(
        chain(("Each", each), ("B", {"Type": "Pass"})),
        {"items": [1, 2, 3]},
        {"judge": judge},
        execution_name="run-1",
        histories=tmp_path,
    )
    parent = transitions(of(tmp_path))
    label = parent[0].map_run.partition(":mapRun:")[2].partition(":")[0]
    children = [arn for arn in recorded_executions(tmp_path) if f":{label}:" in arn]
    ends = {}
    for arn in children:
        history = of(tmp_path, arn)
        (one,) = transitions(history)
        assert one.path == f"{label}/Judge"
        ends[history.payload_at(1).value()] = standing(history, [one])
    assert {item: end.status for item, end in ends.items()} == {
        1: "SUCCEEDED",
        2: "FAILED",
        3: "SUCCEEDED",
    }
    assert ends[2].error == "ValueError"


def test_nested_executions_are_kept_too(tmp_path):
    parent = chain(
        (
            "Nested",
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {
                    "StateMachineArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:Child",
                    "Name": "of-run-1",
                },
            },
        ),
        ("B", {"Type": "Pass"}),
    )
    run_workflow(
        parent,
        functions={},
        input={},
        machines={"Child": chain(("C", {"Type": "Pass"}), ("D", {"Type": "Pass"}))},
        execution_name="run-1",
        histories=tmp_path,
    )
    child = of(tmp_path, ARN.replace(":Main:run-1", ":Child:of-run-1"))
    assert [one.path for one in transitions(child)] == ["Child/C", "Child/D"]


def written(folder, arn=ARN, name="run-1", events=(EVENT,)):
    kept = Records(folder)
    record = kept.begin(arn, "Main", name, {})
    for event in events:
        record.add(event)
    return kept, record


def test_an_event_that_is_half_written_is_not_read_yet(tmp_path):
    _, record = written(tmp_path)
    record.close()
    with record.file.open("ab") as file:
        file.write(b'{"id": 2, "type": "Exec')
    assert len(of(tmp_path).events) == 1


@pytest.mark.parametrize("damage", [b"CANARY\n", b'{"id": 2}\n', b"[]\n", b"\xff\xff\n"])
def test_a_damaged_file_is_a_typed_error(tmp_path, damage):
    _, record = written(tmp_path)
    record.close()
    with record.file.open("ab") as file:
        file.write(damage)
    with pytest.raises(InvalidState) as caught:
        of(tmp_path)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "arn",
    [
        ARN.replace("run-1", "run-2"),
        ARN.replace("us-east-1", "eu-west-1"),  # another region's run of that name
        ARN.replace(":Main:", ":..:"),
        ARN.replace(":run-1", ":../../run-1"),
        ARN.replace("run-1", "x" * 300),
        ARN.replace("run-1", "\ud800"),
    ],
)
def test_an_execution_that_is_not_there(tmp_path, arn):
    written(tmp_path)
    with pytest.raises(ConfigurationError, match="has no history of this execution"):
        of(tmp_path, arn)


def test_a_second_run_of_a_name_replaces_the_first(tmp_path):
    written(tmp_path)[1].close()
    _, record = written(tmp_path, events=())
    assert of(tmp_path).events == ()
    record.add(EVENT)
    assert len(of(tmp_path).events) == 1


def test_beyond_the_bound_events_are_kept_without_payloads_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RECORD_BYTES", 400)
    told = [
        {
            "id": n,
            "previousEventId": n - 1,
            "type": "PassStateEntered",
            "timestamp": EVENT["timestamp"],
            "stateEnteredEventDetails": {"name": "A", "input": json.dumps("x" * 200)},
        }
        for n in range(1, 6)
    ]
    written(tmp_path, events=told)[1].close()
    history = of(tmp_path)
    assert len(history.events) == 5
    assert history.payload_at(1).value() == "x" * 200
    with pytest.raises(InvalidState, match="cut short"):
        history.payload_at(5).value()


def test_the_oldest_go_and_what_is_being_written_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "KEPT_FILES", 2)
    _, living = written(tmp_path, ARN.replace("run-1", "run-0"), "run-0")
    for n in (1, 2, 3):
        time.sleep(0.02)
        written(tmp_path, ARN.replace("run-1", f"run-{n}"), f"run-{n}")[1].close()
    Records(tmp_path)
    left = sorted(arn.rpartition("-")[2] for arn in recorded_executions(tmp_path))
    assert left == ["0", "2", "3"]
    living.close()
    Records(tmp_path)
    assert len(recorded_executions(tmp_path)) == 2


def test_a_folder_that_cannot_be_used_is_said_before_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="histories cannot be kept"):
        run(chain(("A", {"Type": "Pass"}), ("B", {"Type": "Pass"})), histories=tmp_path / "file")


def test_a_full_disk_ends_the_history_and_not_the_run(tmp_path, monkeypatch, caplog):
    original = Record._write

    def full(self, line):
        if line.get("id", 0) > 3:
            raise OSError(28, "No space left on device")
        original(self, line)

    monkeypatch.setattr(Record, "_write", full)
    definition = chain(("A", {"Type": "Pass"}), ("B", {"Type": "Pass"}))
    ended = run(definition, {}, execution_name="run-1", histories=tmp_path)
    assert ended.status == "SUCCEEDED"
    assert "ends early" in caplog.text
    assert [event.id for event in of(tmp_path).events] == [1, 2, 3]


def test_only_the_owner_may_read_it(tmp_path):
    _, record = written(tmp_path)
    assert record.file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("levels", [501, 5_000, 100_000])
def test_a_line_that_nests_too_deeply_is_damage(tmp_path, levels):
    Record(tmp_path / "Main" / "run-1.jsonl", ARN, {}).close()
    file = next(tmp_path.rglob("*.jsonl"))
    deep = b'{"a":' * levels + b"1" + b"}" * levels + b"\n"
    file.write_bytes(file.read_bytes() + deep)
    with pytest.raises(InvalidState, match="event 1 in the history's file is damaged"):
        of(tmp_path)
    file.write_bytes(deep)
    assert recorded_executions(tmp_path) == []
    with pytest.raises(ConfigurationError):
        of(tmp_path)


def test_long_payloads_stay_in_the_file_until_they_are_read(tmp_path):
    kept = Records(tmp_path)
    record = kept.begin(ARN, "Main", "run-1", {})
    texts = [json.dumps({"n": number, "text": "\u2028é" * 5_000}) for number in range(3)]
    for number, text in enumerate(texts, 1):
        about = {"name": "A", "input": text, "inputDetails": {"truncated": False}}
        record.add({**EVENT, "id": number, "type": "X", "stateEnteredEventDetails": about})
    kept.close()
    history = of(tmp_path)
    assert all(isinstance(one.details["input"], LaterText) for one in history.events)
    assert [one.payload.text for one in reversed(history.events)] == texts[::-1]
    assert history.payload_at(2).value()["n"] == 1
    assert history.payload_at(2).size == len(texts[1].encode())


def test_a_history_that_was_read_outlives_its_file(tmp_path):
    """A run of the same name replaces the file, and old files are deleted."""
    kept = Records(tmp_path)
    text = json.dumps("x" * 5_000)
    about = {"name": "A", "input": text}
    kept.begin(ARN, "Main", "run-1", {}).add({**EVENT, "stateEnteredEventDetails": about})
    kept.close()
    history = of(tmp_path)
    Records(tmp_path).begin(ARN, "Main", "run-1", {}).close()
    assert history.payload_at(1).text == text


def test_a_child_of_a_map_run_names_its_parent(tmp_path):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    inner = {**chain(("P", {"Type": "Pass"})), "ProcessorConfig": config}
    each = {"Type": "Map", "Label": "Each", "ItemProcessor": inner}
    ran = run(chain(("E", each)), [1, 2], execution_name="run-1", histories=tmp_path)
    runs = [one for one in ran.history if one["type"] == "MapRunStarted"]
    map_run = runs[0]["mapRunStartedEventDetails"]["mapRunArn"]
    heads = [
        find_record(tmp_path, parse_execution_arn(arn))[1] for arn in recorded_executions(tmp_path)
    ]
    children = [head for head in heads if head["arn"] != ran.arn]
    assert len(children) == 2
    assert {(head["parent"], head["map_run"]) for head in children} == {(ran.arn, map_run)}
    assert all("parent" not in head for head in heads if head["arn"] == ran.arn)


def test_a_file_that_is_cut_while_it_is_read(tmp_path):
    kept = Records(tmp_path)
    about = {"name": "A", "input": json.dumps("CANARY" * 1_000)}
    kept.begin(ARN, "Main", "run-1", {}).add({**EVENT, "stateEnteredEventDetails": about})
    kept.close()
    history = of(tmp_path)
    file = next(tmp_path.rglob("*.jsonl"))
    os.truncate(file, file.stat().st_size - 1_000)
    with pytest.raises(InvalidState, match="no longer has the input of an event") as told:
        history.payload_at(1).value()
    assert "CANARY" not in str(told.value)
