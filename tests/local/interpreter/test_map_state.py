"""Inline Map: as in the Amazon States Language ("Map State").

The recordings have no two iterations at a time.
"""

from __future__ import annotations

import pytest

from statebag.local import run
from tests.local.interpreter.events import details, links, types
from tests.local.machines import chain, task


def each(inner, **fields):
    return {"Type": "Map", "ItemProcessor": inner, **fields}


WAIT = chain(("W", {"Type": "Wait", "SecondsPath": "$"}))


def test_results_are_in_the_order_of_the_items():
    execution = run(chain(("M", each(WAIT))), input=[3, 1, 2])
    assert execution.output == [3, 1, 2]
    ended = [details(e)["index"] for e in execution.history if e["type"] == "MapIterationSucceeded"]
    assert ended == [1, 2, 0]


@pytest.mark.parametrize(("most", "seconds"), [(1, 40), (2, 20), (4, 10), (0, 10), (None, 10)])
def test_so_many_iterations_run_at_once(most, seconds):
    fields = {} if most is None else {"MaxConcurrency": most}
    execution = run(chain(("M", each(WAIT, **fields))), input=[10] * 4)
    began, ended = execution.history[0]["timestamp"], execution.history[-1]["timestamp"]
    assert (ended - began).total_seconds() == pytest.approx(seconds, abs=3)


def test_at_most_forty_iterations_run_at_once():
    execution = run(chain(("M", each(WAIT))), input=[10] * 41)
    began, ended = execution.history[0]["timestamp"], execution.history[-1]["timestamp"]
    assert (ended - began).total_seconds() == pytest.approx(20, abs=3)


def test_the_next_iteration_follows_the_last_event_inside_of_the_one_before():
    execution = run(chain(("M", each(WAIT, MaxConcurrency=1))), input=[1, 1])
    assert links(execution).count(("MapIterationStarted", "WaitStateExited")) == 1
    assert links(execution)[-3:] == [
        ("MapStateSucceeded", "MapIterationSucceeded"),
        ("MapStateExited", "MapIterationSucceeded"),
        ("ExecutionSucceeded", "MapStateExited"),
    ]


def test_an_iteration_that_fails_aborts_the_others():
    inner = chain(
        ("W", {"Type": "Wait", "SecondsPath": "$"}), ("F", {"Type": "Fail", "Error": "No"})
    )
    execution = run(chain(("M", each(inner))), input=[50, 1, 70])
    assert execution.error == "No"
    assert types(execution)[-7:] == [
        "MapIterationFailed",
        "WaitStateAborted",
        "WaitStateAborted",
        "MapIterationAborted",
        "MapIterationAborted",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    indices = [details(e)["index"] for e in execution.history if "IterationAborted" in e["type"]]
    assert indices == [0, 2]
    assert links(execution)[-2] == ("MapStateFailed", "FailStateEntered")


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_each_iteration_that_began_has_one_end(seed):
    inner = {
        "StartAt": "W",
        "States": {
            "W": {"Type": "Wait", "SecondsPath": "$.s", "Next": "C"},
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.fail", "BooleanEquals": True, "Next": "F"}],
                "Default": "P",
            },
            "P": {"Type": "Pass", "End": True},
            "F": {"Type": "Fail"},
        },
    }
    items = [{"s": n % 3, "fail": n in {4, 7, 8}} for n in range(12)]
    execution = run(chain(("M", each(inner, MaxConcurrency=5))), input=items, seed=seed)
    assert execution.status == "FAILED"
    ends = {}
    for event in execution.history:
        if event["type"].startswith("MapIteration"):
            ends.setdefault(details(event)["index"], []).append(event["type"])
    for kinds in ends.values():
        assert kinds[0] == "MapIterationStarted"
        assert len(kinds) == 2
    assert types(execution)[-2:] == ["MapStateFailed", "ExecutionFailed"]


def test_many_failures_end_with_one_event():
    def work(_event, _context):
        raise ValueError("no")

    for _ in range(3):
        execution = run(
            chain(("M", each(chain(("T", task()))))), input=list(range(8)), functions={"work": work}
        )
        assert types(execution)[-1] == "ExecutionFailed"
        assert sum(one.startswith("Execution") for one in types(execution)) == 2


def test_items_are_selected_and_the_item_is_in_the_context():
    inner = chain(("P", {"Type": "Pass", "Parameters": {"v.$": "$", "i.$": "$$.Map.Item.Index"}}))
    state = each(
        inner,
        ItemsPath="$.items",
        ItemSelector={"x.$": "$$.Map.Item.Value", "k.$": "$.k"},
        ResultPath="$.out",
    )
    execution = run(chain(("M", state)), input={"items": ["a", "b"], "k": 1})
    assert execution.output["out"] == [
        {"v": {"x": "a", "k": 1}, "i": 0},
        {"v": {"x": "b", "k": 1}, "i": 1},
    ]


def test_no_items():
    execution = run(chain(("M", each(WAIT))), input=[])
    assert execution.output == []
    assert types(execution)[2:4] == ["MapStateStarted", "MapStateSucceeded"]


def test_items_that_are_no_array():
    execution = run(chain(("M", each(WAIT, ItemsPath="$.x"))), input={"x": 1})
    assert execution.error == "States.Runtime"
    assert 'Reference path "$.x" must point to array.' in execution.cause
    assert "MapStateFailed" not in types(execution)


def test_a_map_is_tried_again():
    failed = {"Throw": {"Error": "Mine"}}
    state = each(chain(("T", task())), Retry=[{"ErrorEquals": ["Mine"]}], MaxConcurrency=1)
    execution = run(
        chain(("M", state)), input=[1, 2],
        mocks={"T": [{"Return": "a"}, failed, {"Return": "b"}, {"Return": "c"}]},
    )  # fmt: skip
    assert execution.output == ["b", "c"]
    assert links(execution).count(("MapStateStarted", "LambdaFunctionFailed")) == 1
    assert "MapStateFailed" not in types(execution)


def test_gathered_results_are_bounded():
    inner = chain(("P", {"Type": "Pass", "Result": "x" * 100_000}))
    execution = run(chain(("M", each(inner))), input=[1, 2, 3])
    assert execution.error == "States.DataLimitExceeded"
    assert types(execution)[-2:] == ["MapStateSucceeded", "ExecutionFailed"]


def test_a_map_of_ten_thousand_reaches_the_quota_of_events_and_an_express_one_does_not():
    definition = chain(("M", each(chain(("P", {"Type": "Pass"})))))
    full = run(definition, input=list(range(10_000)))
    assert full.cause == "The execution reached the maximum number of history events (25000)."
    assert len(full.history) == 25_000
    express = run(definition, input=list(range(10_000)), type="EXPRESS")
    assert express.output == list(range(10_000))
