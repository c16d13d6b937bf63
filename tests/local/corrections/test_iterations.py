from __future__ import annotations

import threading

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


def test_without_a_bound_no_more_than_forty_run_at_once():
    work, _ = counting()
    threads = set()

    def noting(event, context):
        threads.add(threading.active_count())
        return work(event, context)

    execution = run(each(), list(range(300)), {"work": noting})
    assert execution.output == list(range(300))
    assert max(threads) < 40 * 5 + 40  # each iteration has the interpreter's own few threads


def test_one_thread_takes_any_number_of_items():
    inner = chain(("S", {"Type": "Succeed"}))
    definition = chain(("E", {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": inner}))
    items = list(range(1200))
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
