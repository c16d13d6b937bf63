"""A line of JSON for each step, and for each warning."""

import json

import pytest

from statebag import Statebag
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.telemetry.stepping import ARN, CANARY, lines, stepped


def test_log_lines_say_what_a_step_cost(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_LOG", "json")
    stepped(MemoryStore())
    with pytest.raises(ValueError, match=CANARY):
        stepped(MemoryStore(), fails=ValueError(CANARY))
    good, bad = lines(capsys)
    assert (good["level"], good["message"], good["state"]) == ("INFO", "step", "Judge it")
    assert (good["execution"], good["execution_arn"]) == ("machine/run-1", ARN)
    assert good["scope"] == "machine/run-1"
    assert good["puts"] == 1
    assert good["seal_ms"] > 0
    assert (bad["level"], bad["error"]) == ("ERROR", "ValueError")
    assert CANARY not in json.dumps([good, bad])


def test_warnings_of_the_library_are_lines_too(monkeypatch, capsys):
    monkeypatch.setenv("STATEBAG_LOG", "json")
    store, replica = MemoryStore(), MemoryStore()
    bag = stepped(store)
    for info in list(store.list()):
        replica.put(info.name, store.get(info.name))
        store.delete(info.name)
    forget()
    Statebag(store, replicas=[replica]).open(bag)
    warnings = [line for line in lines(capsys) if line["level"] == "WARNING"]
    assert "read from" in warnings[0]["message"]
