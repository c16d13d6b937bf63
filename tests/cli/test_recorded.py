"""The executions of this machine, listed and found by their names."""

import json
import os
import time

import pytest

from statebag.asl.arns import ACCOUNT
from statebag.cli.recorded import arn_of, failed_child, families, recorded
from statebag.errors import ConfigurationError
from statebag.local.records import MapRunParent, Records
from tests.cli.program import statebag


def arn(name, machine="Main"):
    return f"arn:aws:states:us-east-1:{ACCOUNT}:execution:{machine}:{name}"


def keep(records, name, end, machine="Main", parent=None):
    record = records.begin(arn(name, machine), machine, name, {}, None, parent)
    told = [(1, 0, "ExecutionStarted", {"input": "{}"})]
    told += [(2, 0, end, {"output": "{}"})] if end else []
    for number, previous, kind, details in told:
        line = {"id": number, "previousEventId": previous, "type": kind, "timestamp": number}
        record.add({**line, "xEventDetails": details})
    return record


@pytest.fixture
def histories(tmp_path):
    folder = tmp_path / ".statebag" / "histories"
    records = Records(folder)
    keep(records, "run-1", "ExecutionSucceeded")
    keep(records, "run-12", "ExecutionFailed")
    keep(records, "other", "ExecutionAborted", machine="Child")
    keep(records, "gone", None)
    records.close()
    return folder


def test_each_with_its_status_and_size(histories):
    found = {one.name: one for one in recorded(histories)}
    assert {name: one.status for name, one in found.items()} == {
        "run-1": "SUCCEEDED",
        "run-12": "FAILED",
        "other": "ABORTED",
        "gone": "LOST",
    }
    assert found["other"].machine == "Child"
    assert all(one.bytes > 100 for one in found.values())


def test_one_that_runs(tmp_path):
    records = Records(tmp_path)
    keep(records, "now", None)
    assert [one.status for one in recorded(tmp_path)] == ["RUNNING"]
    records.close()


def test_by_name_by_its_beginning_and_by_machine(histories):
    assert arn_of(histories, "run-1") == arn("run-1")
    assert arn_of(histories, "Child/other") == arn_of(histories, "oth") == arn("other", "Child")
    assert arn_of(histories, "none") is None
    assert arn_of(histories, "") is None
    with pytest.raises(ConfigurationError, match="2 executions") as told:
        arn_of(histories, "run")
    assert "Main/run-1" in (told.value.hint or "")


def test_the_command_lists_and_finds(histories):
    where = ("--histories", histories)
    lines = statebag("log", "--json", *where).stdout.splitlines()
    assert {json.loads(line)["status"] for line in lines} >= {"SUCCEEDED", "LOST"}
    assert len(statebag("log", *where).stdout.splitlines()) == 4
    newest = json.loads(lines[0])
    last = statebag("log", "--last", "--json", *where)
    assert json.loads(last.stdout.splitlines()[-1])["status"] in {newest["status"], "LOST"}
    assert statebag("log", "run-12", "--json", *where).exit_code == 0
    assert json.loads(statebag("cat", "run-1@1", *where).stdout) == {}
    assert statebag("log", "run-1", "--last", *where).exit_code == 2


@pytest.fixture
def family(tmp_path):
    records = Records(tmp_path)
    run = MapRunParent(arn("parent"), "arn:run")
    keep(records, "first", "ExecutionFailed", "Main/Each", run)
    keep(records, "second", "ExecutionSucceeded", "Main/Each", run)
    keep(records, "third", "ExecutionFailed", "Main/Each", run)
    inner = MapRunParent(arn("second", "Main/Each"), "arn:inner")
    keep(records, "inner", "ExecutionSucceeded", "Main/Each/In", inner)
    keep(records, "alone", "ExecutionSucceeded", "Old/Each", MapRunParent(arn("gone"), "arn:old"))
    keep(records, "parent", "ExecutionFailed")
    records.close()
    return tmp_path


def test_children_of_a_map_run_stand_with_the_execution_that_has_the_map(family):
    found = {one.name: [child.name for child in below] for one, below in families(recorded(family))}
    assert found.keys() == {"parent", "alone"}
    assert sorted(found["parent"]) == ["first", "inner", "second", "third"]
    assert found["alone"] == []


def test_the_child_that_failed_first(family):
    assert failed_child(recorded(family), "arn:run") == arn("first", "Main/Each")
    assert failed_child(recorded(family), "arn:inner") is None
    assert failed_child(recorded(family), "arn:none") is None


def test_the_list_counts_children_and_shows_them_if_asked(family):
    where = ("--histories", family)
    lines = statebag("log", *where).stdout.splitlines()
    assert len(lines) == 3
    under = lines[1 + next(n for n, line in enumerate(lines) if line.endswith(":parent"))]
    assert under == "  4 children (--children): 2 FAILED, 2 SUCCEEDED"
    lines = statebag("log", "--children", *where).stdout.splitlines()
    assert [line.startswith("  ") for line in lines].count(True) == 4
    told = [*map(json.loads, statebag("log", "--json", *where).stdout.splitlines())]
    assert {one["name"]: one["children"] for one in told} == {
        "parent": {"FAILED": 2, "SUCCEEDED": 2},
        "alone": {},
    }
    told = [*map(json.loads, statebag("log", "--json", "--children", *where).stdout.splitlines())]
    assert {one["parent"] for one in told if one["machine"] == "Main/Each"} == {arn("parent")}
    assert statebag("log", "parent", "--children", *where).exit_code == 2


def test_the_last_execution_is_not_a_child(family):
    for name, ago in (("alone", 20), ("parent", 10), ("second", 0)):
        file = next(family.rglob(f"{name}.jsonl"))
        os.utime(file, (time.time() - ago,) * 2)
    last = statebag("log", "--last", "--json", "--histories", family)
    assert json.loads(last.stdout.splitlines()[-1])["status"] == "FAILED"


def test_files_that_name_each_other_as_parents_end(tmp_path):
    records = Records(tmp_path)
    keep(records, "a", "ExecutionSucceeded", parent=MapRunParent(arn("b"), "arn:run"))
    keep(records, "b", "ExecutionSucceeded", parent=MapRunParent(arn("a"), "arn:run"))
    records.close()
    assert statebag("log", "--histories", tmp_path).exit_code == 0


def test_an_empty_folder(tmp_path):
    assert recorded(tmp_path) == []
    assert statebag("log", "--last", "--histories", tmp_path).exit_code == 20
