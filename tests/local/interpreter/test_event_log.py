from __future__ import annotations

from datetime import UTC, datetime

import pytest

from statebag.local.interpreter.event_log import EventLog, HistoryFullError


def now():
    return datetime(2026, 1, 2, tzinfo=UTC)


def test_events_have_the_shape_of_get_execution_history():
    log = EventLog(now)
    log.add("ExecutionStarted", 0, "executionStartedEventDetails", {"input": "{}"})
    assert log.events == [
        {
            "timestamp": now(),
            "type": "ExecutionStarted",
            "id": 1,
            "previousEventId": 0,
            "executionStartedEventDetails": {"input": "{}"},
        }
    ]


def test_the_last_event_is_the_one_that_ends():
    log = EventLog(now)
    log.end("ExecutionFailed", 0)
    log.end("ExecutionAborted", 0)
    assert [event["type"] for event in log.events] == ["ExecutionFailed"]
    with pytest.raises(AssertionError):
        log.add("PassStateEntered", 1)


def test_the_end_is_the_25000th_event_at_most():
    log = EventLog(now)
    for _ in range(24_999):
        log.add("PassStateEntered", 0)
    with pytest.raises(HistoryFullError):
        log.add("PassStateEntered", 0)
    log.end("ExecutionFailed", 0)
    assert (len(log.events), log.events[-1]["id"]) == (25_000, 25_000)


def test_an_express_execution_has_no_quota_and_a_log_may_keep_nothing():
    told = []
    log = EventLog(now, limited=False, kept=False, listener=told.append)
    for _ in range(25_001):
        log.add("PassStateEntered", 0)
    assert log.events == []
    assert len(told) == log.count == 25_001
