"""Events of runs on this machine and of AWS, read as they come."""

import pytest

from statebag.asl.arns import parse_execution_arn
from statebag.errors import ConfigurationError
from statebag.ui import history_source
from statebag.ui.history_source import AwsSource, LocalSource

ARN = "arn:aws:states:eu-west-1:210987654321:execution:Main:run-1"


class States:
    """What the source uses of boto3's client: pages of events, in both orders."""

    def __init__(self, page=2):
        self.events = []
        self.asked = []
        self.page = page

    def add(self, kind, **details):
        number = len(self.events) + 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": number}
        self.events.append({**event, "stateEnteredEventDetails": details})

    def get_execution_history(self, **asked):
        self.asked.append(asked)
        events = self.events[::-1] if asked.get("reverseOrder") else self.events
        start = int(asked.get("nextToken", 0))
        end = start + self.page
        more = {"nextToken": str(end)} if end < len(events) else {}
        return {"events": events[start:end], **more}

    def describe_state_machine_for_execution(self, **_):
        return {"definition": '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'}


def test_a_run_on_this_machine(ran):
    source = LocalSource(ran.histories, parse_execution_arn(ran.good))
    assert source.refresh() is True
    assert source.goes_on() is False
    assert source.definition["StartAt"] == "Load"
    with pytest.raises(ConfigurationError, match="has no history of this execution"):
        LocalSource(ran.histories, parse_execution_arn(ran.good + "x"))


def test_of_aws_only_new_events_are_asked_for(monkeypatch):
    monkeypatch.setattr(history_source, "_PAUSE", 0.0)
    states = States()
    for name in "ABCDE":
        states.add("PassStateEntered", name=name, input="{}")
    source = AwsSource(parse_execution_arn(ARN), states)
    assert source.refresh() is True
    assert (len(source.log.events), len(states.asked)) == (5, 3)
    assert source.definition["StartAt"] == "A"
    states.add("PassStateEntered", name="F", input='{"n": 6}')
    assert source.refresh() is True
    assert len(states.asked) == 4
    assert states.asked[-1]["reverseOrder"] is True
    assert source.log.payload(6).value() == {"n": 6}
    assert [one["id"] for one in source.log.events] == [1, 2, 3, 4, 5, 6]
    assert source.goes_on() is None


def test_of_aws_an_execution_that_ended_is_not_asked_each_time():
    states = States()
    states.add("ExecutionSucceeded")
    source = AwsSource(parse_execution_arn(ARN), states)
    source.refresh()
    source.refresh()
    assert len(states.asked) == 1


def test_payloads_of_aws_lie_in_a_private_file():
    states = States()
    states.add("PassStateEntered", name="A", input="{}")
    source = AwsSource(parse_execution_arn(ARN), states)
    source.refresh()
    assert source._spool.stat().st_mode & 0o077 == 0
    assert source._spool.parent.stat().st_mode & 0o077 == 0


def test_of_aws_page_by_page_and_on_after_a_failure(monkeypatch):
    monkeypatch.setattr(history_source, "_PAUSE", 60.0)
    states = States()
    for name in "ABCDEFG":
        states.add("PassStateEntered", name=name, input="{}")
    source = AwsSource(parse_execution_arn(ARN), states)
    assert source.refresh(1) is True
    assert (len(source.log.events), source.is_whole) == (2, False)
    assert source.newest()["id"] == 7
    assert states.asked[-1]["includeExecutionData"] is False
    asked = len(states.asked)
    assert source.newest()["id"] == 7
    assert len(states.asked) == asked
    assert source.share() == 2 / 7
    answer, states.get_execution_history = states.get_execution_history, None
    with pytest.raises(ConfigurationError):
        source.refresh(1)
    states.get_execution_history = answer
    while not source.is_whole:
        source.refresh(1)
    assert [one["id"] for one in source.log.events] == [1, 2, 3, 4, 5, 6, 7]
    assert source.share() == 1.0
    asked = len(states.asked)
    assert source.refresh() is False
    assert len(states.asked) == asked, "it was read to the end a moment ago"
