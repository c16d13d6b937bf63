from __future__ import annotations

import sys
import threading

import pytest

from tests.local.machines import chain, run, task


def counting():
    lock, now, most = threading.Lock(), [0], [0]
    gate = threading.Barrier(2)

    def work(event, _context):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        if event in (0, 1):
            gate.wait(60)  # two iterations are in here together, or the test fails
        with lock:
            now[0] -= 1
        return event

    return work, most


def each(**fields):
    return chain(("Each", {"Type": "Map", "ItemProcessor": chain(("T", task())), **fields}))


def test_iterations_run_at_the_same_time_up_to_max_concurrency():
    work, most = counting()
    execution = run(each(MaxConcurrency=3), list(range(30)), {"work": work})
    assert execution.output == list(range(30))
    assert 2 <= most[0] <= 3


@pytest.mark.parametrize(
    ("fields", "items", "threads"), [({}, 300, 40), ({"MaxConcurrency": 9}, 3, 3)]
)
def test_there_are_as_many_threads_as_can_be_used(fields, items, threads, monkeypatch):
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
        iteration_worker,
    )

    workers = []
    start = threading.Thread.start

    def starting(thread):
        owner = getattr(thread._target, "__self__", None)
        if isinstance(owner, iteration_worker.IterationWorker):
            workers.append(owner)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starting)
    execution = run(each(**fields), list(range(items)), {"work": lambda event, _: event})
    assert execution.output == list(range(items))
    assert len(workers) == threads


def test_one_thread_takes_any_number_of_items():
    inner = chain(("S", {"Type": "Succeed"}))
    definition = chain(("E", {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": inner}))
    items = list(range(sys.getrecursionlimit() + 10))
    assert run(definition, items).output == items


def test_no_items_are_no_iterations():
    assert run(each(), [], {"work": print}).output == []


def test_the_error_of_an_iteration_is_the_error_of_the_map():
    def work(event, _context):
        if event == 2:
            raise KeyError("two")
        return event

    definition = each(
        MaxConcurrency=1, Catch=[{"ErrorEquals": ["KeyError"], "ResultPath": "$", "Next": "R"}]
    )
    definition["States"]["Each"].pop("End")
    definition["States"]["Each"]["Next"] = "R"
    definition["States"]["R"] = {"Type": "Pass", "End": True}
    execution = run(definition, [1, 2, 3], {"work": work})
    assert execution.output["Error"] == "KeyError"


def test_items_are_selected_and_results_placed():
    definition = each(
        ItemsPath="$.items",
        ItemSelector={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value.v", "k.$": "$.k"},
        ResultSelector={"first.$": "$[0].v"},
        ResultPath="$.result",
    )
    execution = run(definition, {"items": [{"v": 5}], "k": 9}, {"work": lambda event, _: event})
    assert execution.output == {"items": [{"v": 5}], "k": 9, "result": {"first": 5}}
