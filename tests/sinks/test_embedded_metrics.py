"""Metrics of a step in CloudWatch's format: the right figures and units, and no value."""

import json

import pytest

from statebag import BlobMissing
from statebag.state_data_manager import lambda_handler
from statebag.store.memory import MemoryStore
from tests.bags import noise
from tests.telemetry.stepping import ARN, CANARY, CONTEXT, lines, stepped

UNITS = {
    "BagBytes": "Bytes",
    "HeadroomBytes": "Bytes",
    "CarriedBytes": "Bytes",
    "StoredBytes": "Bytes",
    "ReadBytes": "Bytes",
    "Puts": "Count",
    "Gets": "Count",
    "CacheHits": "Count",
    "Retries": "Count",
    "HealedReads": "Count",
    "SealMilliseconds": "Milliseconds",
    "OpenMilliseconds": "Milliseconds",
    "BlobsMissing": "Count",
    "BlobsCorrupt": "Count",
}

OF_A_BAG = {"BagBytes", "HeadroomBytes", "CarriedBytes"}


def check_emf(line):
    """The required parts of the embedded metric format's specification."""
    meta = line["_aws"]
    assert isinstance(meta["Timestamp"], int)
    (directive,) = meta["CloudWatchMetrics"]
    assert directive["Namespace"] == "Statebag"
    by = [["service"], ["service", "function_name"], ["service", "action"]]
    if "state" in line:
        by.append(["service", "function_name", "state"])
    assert directive["Dimensions"] == by
    for dimension in by[-1]:
        assert isinstance(line[dimension], str)
    found = {one["Name"]: one["Unit"] for one in directive["Metrics"]}
    for name in found:
        values = line[name] if isinstance(line[name], list) else [line[name]]
        assert all(isinstance(value, float | int) for value in values)
    return found


def value(line, name):
    return line[name][0] if isinstance(line[name], list) else line[name]


def test_metrics_of_a_step(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    bag = stepped(MemoryStore())
    (line,) = lines(capsys)
    assert check_emf(line) == UNITS
    assert (line["service"], line["function_name"]) == ("statebag", "Judge")
    assert (line["execution"], line["execution_arn"]) == ("machine/run-1", ARN)
    assert (line["scope"], line["state"]) == ("machine/run-1", "Judge it")
    assert line["action"] == "step"
    size = value(line, "BagBytes")
    assert len(json.dumps(bag)) <= size < 98_304
    assert value(line, "HeadroomBytes") == 262_144 - size
    assert value(line, "Puts") == 1
    assert value(line, "StoredBytes") > 20_000
    assert 0 < value(line, "CarriedBytes") <= 4000
    assert value(line, "BlobsMissing") == 0
    assert CANARY not in json.dumps(line)


def test_a_step_that_does_not_say_its_state_has_no_metric_of_it(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    stepped(MemoryStore(), event={"execution_id": ARN, "n": CANARY})
    (line,) = lines(capsys)
    assert "state" not in line
    assert check_emf(line).keys() <= UNITS.keys()


def test_names_can_be_another(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Mine")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "orders")
    stepped(MemoryStore())
    (line,) = lines(capsys)
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Mine"
    assert line["service"] == "orders"


def test_a_lost_blob_is_counted_and_the_error_is_raised(monkeypatch, capsys):
    store = MemoryStore()
    bag = stepped(store)
    for info in list(store.list()):
        store.delete(info.name)
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    monkeypatch.setenv("STATEBAG_LOG", "json")
    with pytest.raises(BlobMissing):
        stepped(store, event=bag)
    told, metrics = sorted(lines(capsys), key=lambda line: "_aws" in line)
    assert set(check_emf(metrics)) == UNITS.keys() - OF_A_BAG
    assert (value(metrics, "BlobsMissing"), value(metrics, "BlobsCorrupt")) == (1, 0)
    assert metrics["error"] == told["error"] == "BlobMissing"
    assert told["level"] == "ERROR"
    assert CANARY not in json.dumps([told, metrics])


def test_the_state_data_manager_is_watched_too(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path))
    monkeypatch.setenv("STATEBAG_METRICS", "emf")
    event = {
        "action": "sync",
        "state_data": {"execution_id": ARN},
        "execution_result": {"final_state": {"text": noise(200_000, 1) + CANARY}},
    }
    assert lambda_handler(event, CONTEXT)["next_action"] == "CONTINUE"
    (line,) = lines(capsys)
    check_emf(line)
    assert (line["action"], line["scope"]) == ("sync", "machine/run-1")
    assert value(line, "StoredBytes") > 50_000
    assert CANARY not in json.dumps(line)
