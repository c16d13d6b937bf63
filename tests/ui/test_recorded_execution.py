"""What a report has of an execution."""

import json

from statebag.local.records import Record
from statebag.ui.execution_catalog import ExecutionCatalog
from statebag.ui.page_answers import PageData
from statebag.ui.recorded_execution import record_execution
from tests.ui.conftest import SECRET, arn_of
from tests.ui.test_packed_rows import unpacked


def test_all_steps_and_events_are_there(data, ran):
    about, tables = record_execution(data, ran.bad, values=False)
    assert about["kind"] == "x"
    steps = data.answer("steps", {"arn": ran.bad})["steps"]
    events = data.answer("events", {"arn": ran.bad})["events"]
    assert list(unpacked(json.loads(json.dumps(tables["steps"])))) == json.loads(json.dumps(steps))
    assert list(unpacked(tables["events"])) == events
    assert SECRET not in json.dumps([about, tables])


def test_the_states_of_a_short_execution_are_all_there(data, ran, good):
    about, _ = record_execution(data, ran.good, values=False)
    numbers = {one["event"] for one in about["states"]}
    for one in good.snapshot().made:
        assert {one.entered, one.left} <= numbers
        assert (one.entered, one.left) in {(pair[0], pair[1]) for pair in about["pairs"]}
    assert about["newest"] in numbers


def test_one_that_has_no_step_yet(ran, tmp_path):
    record = Record(tmp_path / "Main" / "young.jsonl", arn_of("young"), {})
    record.add({"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 1})
    record.close()
    data = PageData(ExecutionCatalog(tmp_path), ran.client)
    about, tables = record_execution(data, arn_of("young"), values=True)
    assert about["states"] == about["pairs"] == []
    assert tables["events"]["count"] == 1


def test_a_long_execution_has_every_row_and_some_states(ran, tmp_path):
    record = Record(tmp_path / "Main" / "long.jsonl", arn_of("long"), {})
    for number in range(1, 2_401):
        way, name = ("Entered", "input") if number % 2 else ("Exited", "output")
        about = {"name": f"S{(number - 1) // 2 % 50}", name: json.dumps({"n": number})}
        kind = f"PassState{way}"
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": number}
        record.add({**event, f"state{way}EventDetails": about})
    record.close()
    data = PageData(ExecutionCatalog(tmp_path), ran.client)
    about, tables = record_execution(data, arn_of("long"), values=False)
    assert tables["steps"]["count"] == 1_200
    assert tables["events"]["count"] == 2_400
    assert 300 <= len(about["states"]) <= 310
    numbers = [one["event"] for one in about["states"]]
    assert {1, 2, 2_400} <= set(numbers)
    assert len(json.dumps(tables)) < 400_000
