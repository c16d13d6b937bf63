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
