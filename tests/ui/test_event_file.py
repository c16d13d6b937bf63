"""Events without their payloads in memory, and payloads read on demand."""

import json

import pytest

from statebag.errors import InvalidState
from statebag.ui.event_file import EventFile


def event(number, kind="PassStateEntered", **details):
    return {
        "id": number,
        "previousEventId": number - 1,
        "type": kind,
        "timestamp": "2026-01-02T03:04:05.000Z",
        "stateEnteredEventDetails": details,
    }


def written(tmp_path, *events, head=b""):
    file = tmp_path / "log.jsonl"
    lines = [json.dumps(one).encode() for one in events]
    file.write_bytes(head + b"".join(line + b"\n" for line in lines))
    return file


def test_payloads_stay_in_the_file(tmp_path):
    text = json.dumps({"a": "é" * 1_000})
    file = written(tmp_path, event(1, input=text, name="A"), event(2, name="B"), head=b"head\n")
    log = EventFile(file, 5)
    assert log.grow() is True
    assert "é" not in repr(log.events)
    assert log.payload_bytes(1) == len(text.encode())
    assert log.payload(1).value() == {"a": "é" * 1_000}
    assert log.payload_bytes(2) is None
    assert log.payload_bytes(9) is None
    assert log.payload(9) is None


def test_it_grows_with_the_file_and_waits_for_the_end_of_a_line(tmp_path):
    file = written(tmp_path, event(1, input="{}"))
    log = EventFile(file)
    assert (log.grow(), log.grow()) == (True, False)
    line = json.dumps(event(2, input='{"n": 2}')).encode()
    with file.open("ab") as opened:
        opened.write(line[:20])
    assert log.grow() is False
    with file.open("ab") as opened:
        opened.write(line[20:] + b"\n")
    assert log.grow() is True
    assert log.payload(2).value() == {"n": 2}


def test_a_lone_surrogate_is_read_and_damage_is_named(tmp_path):
    log = EventFile(written(tmp_path, event(1, input='"\\ud800"')))
    log.grow()
    assert log.payload(1).text == '"\\ud800"'
    raw = tmp_path / "raw"
    raw.write_bytes(json.dumps(event(1, input="\ud800")).encode() + b"\n")
    assert EventFile(raw).grow() is True
    for damaged in (b"{not json\n", b"[]\n", b'{"id": "1"}\n'):
        file = tmp_path / "damaged"
        file.write_bytes(damaged)
        with pytest.raises(InvalidState, match=r"event 1 (of|in) the history"):
            EventFile(file).grow()


def test_a_part_of_a_long_file_at_a_time(tmp_path):
    events = [event(number, name="S", input='"x"' * 9) for number in range(1, 301)]
    file = written(tmp_path, *events, head=b"head\n")
    log, once = EventFile(file, 5), EventFile(file, 5)
    assert log.newest()["id"] == 300
    assert "input" not in log.newest()["stateEnteredEventDetails"]
    assert (log.read_bytes, log.events) == (5, [])
    turns = []
    while not log.is_whole:
        assert log.grow(4_096) or log.is_whole
        turns.append(log.read_bytes)
    assert len(turns) > 5
    assert all(after - before <= 4_096 for before, after in zip([5, *turns], turns, strict=False))
    assert once.grow()
    assert log.events == once.events
    assert log.payload(300).text == events[-1]["stateEnteredEventDetails"]["input"]
    assert log.read_bytes == log.total_bytes()
    log = EventFile(file, 5)
    assert log.grow(1), "an event is longer"
    assert len(log.events) == 1
    assert EventFile(written(tmp_path)).newest() is None
