"""Events and payloads, the odd ones above all."""

import json
from datetime import UTC, datetime

import pytest

from statebag.errors import InvalidState
from statebag.history.events import history_of
from statebag.history.log import log_of
from statebag.history.replay import transitions
from tests.history.test_replay import ARN, entered, events


class TestPayloads:
    def history(self):
        return history_of(
            ARN,
            "Main",
            events(
                ("ExecutionStarted", {"input": '{"n": 1}'}),
                entered("Task", "A"),
                ("TaskScheduled", {"parameters": '{"Payload": 2}'}),
                "TaskStarted",
                ("TaskSubmitted", {"output": '"sent"'}),
            ),
        )

    def test_an_event_gives_its_own_payload_or_the_one_before(self):
        history = self.history()
        assert [history.payload_at(n).event for n in (1, 2, 3, 4, 5)] == [1, 2, 3, 3, 5]
        assert history.payload_at(4).value() == {"Payload": 2}
        # What a task was sent and answered is no state.
        assert history.payload_at().event == 2

    def test_an_event_that_is_not_there(self):
        with pytest.raises(InvalidState, match=r"no event 6: its last one is 5.*statebag log"):
            self.history().payload_at(6)
        with pytest.raises(InvalidState, match="no state yet"):
            history_of(ARN, "Main", []).payload_at()

    def test_a_line_that_leads_nowhere_or_round_in_a_circle(self):
        told = events("TaskStarted", "TaskStarted")
        told[0]["previousEventId"] = 2
        with pytest.raises(InvalidState, match="have no payload"):
            history_of(ARN, "Main", told).payload_at(2)

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("CANARY", "not JSON"),
            ('{"CANARY": ', "not JSON"),
            ('{"CANARY": NaN}', "not JSON"),
            ('"CANARY \ud800"', "lone surrogate"),
            ('"CANARY \\ud800"', "not JSON"),
            ("[" * 5_000, "not JSON"),
            ("", "not JSON"),
        ],
    )
    def test_a_payload_that_cannot_be_opened_is_named_and_not_quoted(self, text, word):
        told = events(("PassStateEntered", {"name": "A", "input": text}))
        with pytest.raises(InvalidState, match=word) as caught:
            history_of(ARN, "Main", told).payload_at(1).value()
        assert "event 1" in str(caught.value)
        assert "CANARY" not in str(caught.value)

    def test_a_truncated_payload_is_not_taken_for_a_whole_one(self):
        told = events(
            entered("Task", "A"),
            (
                "TaskStateExited",
                {"name": "A", "output": "{}", "outputDetails": {"truncated": True}},
            ),
            ("TaskStateEntered", {"name": "B", "inputDetails": {"truncated": True}}),
        )
        history = history_of(ARN, "Main", told)
        for number in (2, 3):
            with pytest.raises(InvalidState, match="cut short"):
                history.payload_at(number).value()
        (line, _) = log_of(transitions(history))
        assert line.state_bytes is None
        assert "cut short" in line.note

    def test_integers_and_floats_are_exact(self):
        text = '{"a":12345678901234567890123,"b":1.0,"c":-0.0}'
        told = events(("PassStateEntered", {"name": "A", "input": text}))
        value = history_of(ARN, "Main", told).payload_at(1).value()
        assert json.dumps(value, separators=(",", ":")) == text


class TestHistories:
    def test_times_of_both_kinds_are_one(self):
        one, two = (
            history_of(ARN, "Main", [{"id": 1, "type": "ExecutionStarted", "timestamp": moment}])
            for moment in (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00.000Z")
        )
        assert one.events[0].time == two.events[0].time

    def test_of_two_events_of_one_number_the_later_counts(self):
        told = [*events("ExecutionStarted", "ExecutionFailed"), *events("ExecutionStarted")]
        told[2].update(id=2, type="ExecutionTimedOut")
        history = history_of(ARN, "Main", told)
        assert [event.type for event in history.events] == ["ExecutionStarted", "ExecutionTimedOut"]

    @pytest.mark.parametrize("event", [{}, {"id": "x"}, None, [], {"id": 1, "type": "A"}])
    def test_what_is_no_event(self, event):
        with pytest.raises(InvalidState, match="event 1 of the history is malformed"):
            history_of(ARN, "Main", [event])
