"""The table of `statebag log`: what it shows, and what it leaves out and says so."""

import json

import pytest

from statebag.cli.log_table import print_log
from statebag.history.events import history_of
from statebag.history.log import log_of
from statebag.history.replay import transitions
from statebag.history.standing import standing
from tests.history.test_replay import ARN, events


@pytest.fixture
def printed(capsys):
    def text_of(*told, causes=False, left_out=0, show_all=False):
        history = history_of(ARN, "Main", events(("ExecutionStarted", {"input": "{}"}), *told))
        made = transitions(history)
        print_log(
            history,
            list(log_of(made)),
            standing(history, made),
            causes=causes,
            left_out=left_out,
            all_of=len(made) + left_out,
            show_all=show_all,
        )
        return capsys.readouterr().out

    return text_of


def passing(left):
    return [
        ("PassStateEntered", {"name": "A", "input": "{}"}),
        ("PassStateExited", {"name": "A", "output": json.dumps(left)}),
    ]


def test_a_few_changes_are_shown_and_more_are_counted(printed):
    text = printed(*passing({f"k{n}": n for n in range(7)}))
    assert text.startswith(ARN)
    assert "+ $.k3" in text
    assert "$.k4" not in text
    assert "3 more" in text
    assert "opened, bag" in text


def test_older_transitions_are_counted(printed):
    assert "... 12 older ones are not shown" in printed(*passing({}), left_out=12)
    assert "13 transitions" in printed(*passing({}), left_out=12)


def test_a_cause_that_may_quote_a_value_is_shown_on_request(printed):
    told = [
        ("TaskStateEntered", {"name": "A", "input": "{}"}),
        ("TaskScheduled", {"resource": "invoke"}),
        ("TaskFailed", {"error": "E", "cause": "CANARY\x1b[31m"}),
        ("ExecutionFailed", {"error": "E", "cause": "CANARY\x1b[31m"}),
    ]
    hidden = printed(*told)
    assert "CANARY" not in hidden
    assert f"The cause may quote values of the state: statebag log {ARN} --causes\n" in hidden
    text = printed(*told, causes=True)
    assert "CANARY" in text
    assert "\x1b" not in text


def test_an_execution_without_events_has_nothing_to_show(printed):
    assert "nothing to show" in printed()


def iterations(count, failed=()):
    told = [
        ("MapStateEntered", {"name": "Each", "input": "[]"}),
        ("MapStateStarted", {"length": count}),
    ]
    for index in range(count):
        told += [
            ("MapIterationStarted", {"name": "Each", "index": index}),
            ("TaskStateEntered", {"name": "Work", "input": "{}"}),
            ("TaskScheduled", {"resource": "invoke"}),
        ]
        if index in failed:
            told += [
                ("TaskFailed", {"error": "E"}),
                ("TaskScheduled", {"resource": "invoke"}),
            ]
        told += [
            ("TaskSucceeded", {"output": "{}"}),
            ("TaskStateExited", {"name": "Work", "output": json.dumps({"a": "x" * index})}),
            ("MapIterationSucceeded", {"name": "Each", "index": index}),
        ]
    return [*told, ("MapStateSucceeded", {}), ("MapStateExited", {"name": "Each", "output": "[]"})]


def test_iterations_that_went_the_same_way_share_a_row(printed):
    text = printed(*iterations(45, failed={7, 9}))
    assert text.count("Work") == 2  # with an error, and without
    assert "Work x43" in text
    work = [line for line in text.splitlines() if "Work" in line]
    (retried,) = [line for line in work if "Work x2" in line]
    assert "2 attempts" in retried
    assert "E at " in text
    assert "$.a" not in text
    largest = len('{"a":""}') + 44
    assert any(f" {largest} " in row for row in work)
    assert "--all gives a row for each" in " ".join(text.split())


def test_each_has_its_row_on_request_and_where_there_are_few(printed):
    text = printed(*iterations(45), show_all=True)
    assert text.count("Work") == 45
    assert "[44]" in text
    assert "--all" not in text
    assert printed(*iterations(8)).count("Work") == 8
