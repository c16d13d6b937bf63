"""Finding executions, by hostile names too."""

import pytest

from statebag.errors import ConfigurationError, StatebagError
from statebag.local.records import Record
from statebag.ui import execution_catalog
from statebag.ui.execution_catalog import ExecutionCatalog
from tests.ui.conftest import arn_of
from tests.ui.test_history_source import ARN, States


def test_rows_have_what_a_list_shows(catalog, ran):
    rows = {row["arn"]: row for row in catalog.rows()}
    good = rows[ran.good]
    assert (good["status"], good["machine"], good["name"]) == ("SUCCEEDED", "Main", "run-1")
    assert good["largest"] == catalog.get(ran.good).largest()
    assert 0 < good["dollars"] < 0.01
    assert good["seconds"] > 0
    assert rows[ran.bad]["status"] == "FAILED"


def test_one_request_reads_only_some_histories_to_the_end(catalog, ran, monkeypatch):
    monkeypatch.setattr(execution_catalog, "_SCANNED_BYTES", 1)
    assert all(row["largest"] is None for row in catalog.rows(scan=False))
    assert [row["largest"] is None for row in catalog.rows()].count(True) == 1
    assert all(row["largest"] is not None for row in catalog.rows())


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..", "a/../../b", "%2e%2e", "\\..\\x", "a\0b", "x" * 5_000, "\ud800"],
)
def test_a_hostile_name_leads_nowhere(catalog, name):
    with pytest.raises(StatebagError):
        catalog.get(arn_of(name))
    with pytest.raises(StatebagError):
        catalog.get(arn_of("run-1", machine=name))


@pytest.mark.parametrize("text", ["", "run-1", "arn:aws:s3:::x", "/etc/passwd"])
def test_other_text_is_no_execution(catalog, text):
    with pytest.raises(ConfigurationError, match="not the ARN of an execution"):
        catalog.get(text)


def test_executions_of_aws_are_listed_once_they_were_named(ran):
    states = States()
    states.add("ExecutionStarted")
    catalog = ExecutionCatalog(ran.histories, states)
    assert not any(row["arn"] == ARN for row in catalog.rows())
    assert catalog.get(ARN).snapshot().stands.status == "RUNNING"
    assert [row["status"] for row in catalog.rows() if row["arn"] == ARN] == ["RUNNING"]


def test_a_later_run_of_the_same_name_is_seen(tmp_path):
    def written(kind):
        record = Record(tmp_path / "Main" / "run-9.jsonl", arn_of("run-9"), {})
        record.add({"id": 1, "type": kind, "timestamp": "2026-01-02T03:04:05Z"})
        record.close()

    catalog = ExecutionCatalog(tmp_path)
    written("ExecutionFailed")
    assert catalog.get(arn_of("run-9")).snapshot().stands.status == "FAILED"
    written("ExecutionSucceeded")
    assert catalog.get(arn_of("run-9")).snapshot().stands.status == "SUCCEEDED"


def test_a_damaged_history_does_not_hide_the_others(tmp_path):
    folder = tmp_path / "Main"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(b"garbage\n")
    (folder / "b.jsonl").write_bytes(b"")
    record = Record(folder / "run-9.jsonl", arn_of("run-9"), {})
    record.add({"id": 1, "type": "ExecutionStarted", "timestamp": "2026-01-02T03:04:05Z"})
    assert [row["status"] for row in ExecutionCatalog(tmp_path).rows()] == ["RUNNING"]
    record.close()
    assert [row["status"] for row in ExecutionCatalog(tmp_path).rows()] == ["LOST"]
