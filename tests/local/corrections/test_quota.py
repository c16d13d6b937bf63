from __future__ import annotations

import pytest

from tests.local.machines import LIMIT, chain, invoke, run, task, text_of

DATA_LIMIT = "States.DataLimitExceeded"


def of_size(size: int):
    return {"work": lambda _event, _context: text_of(size)}


@pytest.mark.parametrize("state", [task(), {**task(), "ResultPath": "$"}])
def test_the_output_of_a_task_may_have_as_many_bytes_as_the_limit(state):
    assert run(chain(("S", state)), {}, of_size(LIMIT)).status == "SUCCEEDED"
    execution = run(chain(("S", state)), {}, of_size(LIMIT + 2))
    assert (execution.status, execution.error) == ("FAILED", DATA_LIMIT)
    assert execution.transitions[0].error == DATA_LIMIT


def test_the_envelope_of_an_invocation_counts():
    assert run(chain(("S", invoke())), {}, of_size(LIMIT - 2000)).status == "SUCCEEDED"
    assert run(chain(("S", invoke())), {}, of_size(LIMIT)).error == DATA_LIMIT


def test_the_output_of_a_pass_is_bounded():
    state = {"Type": "Pass", "Parameters": {"a.$": "$.t", "b.$": "$.t"}}
    most = (LIMIT - len('{"a":,"b":}')) // 2 // 2 * 2
    assert run(chain(("S", state)), {"t": text_of(most)}).status == "SUCCEEDED"
    assert run(chain(("S", state)), {"t": text_of(most + 4)}).error == DATA_LIMIT


@pytest.mark.parametrize("kind", ["Map", "Parallel"])
def test_gathered_results_are_bounded(kind):
    inner = chain(("T", task()))
    state = {"Type": "Map", "ItemProcessor": inner, "ItemsPath": "$"}
    if kind == "Parallel":
        state = {"Type": "Parallel", "Branches": [inner, chain(("U", task()))]}
    most = (LIMIT - len("[,]")) // 2 // 2 * 2
    definition = chain(("S", state))
    assert run(definition, [0, 1], of_size(most)).status == "SUCCEEDED"
    assert run(definition, [0, 1], of_size(most + 4)).error == DATA_LIMIT


def test_a_result_beside_the_input_is_bounded_after_result_path_and_output_path():
    input_value = {"t": text_of(LIMIT // 2)}
    beside = task(ResultPath="$.r")
    assert run(chain(("S", beside)), input_value, of_size(LIMIT // 2)).error == DATA_LIMIT
    picked = task(ResultPath="$.r", OutputPath="$.r")
    assert run(chain(("S", picked)), input_value, of_size(LIMIT // 2)).status == "SUCCEEDED"


def test_the_input_of_a_task_is_bounded_after_its_parameters():
    called = []
    double = {"FunctionName": "work", "Payload": {"a.$": "$.t", "b.$": "$.t"}}
    execution = run(
        chain(("S", invoke(Parameters=double))),
        {"t": text_of(LIMIT // 2)},
        {"work": lambda event, _: called.append(event)},
    )
    assert execution.error == DATA_LIMIT
    assert called == []


def test_the_input_of_an_iteration_is_bounded_after_the_item_selector():
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"a.$": "$.t", "b.$": "$.t"},
        "ItemProcessor": chain(("P", {"Type": "Succeed"})),
    }
    execution = run(chain(("S", state)), {"items": [1], "t": text_of(LIMIT // 2)})
    assert execution.error == DATA_LIMIT


@pytest.mark.parametrize("wildcard", ["States.ALL", "States.TaskFailed"])
def test_no_wildcard_takes_it(wildcard):
    calls = []

    def work(event, _context):
        calls.append(event)
        return text_of(LIMIT + 2)

    state = task(
        Retry=[{"ErrorEquals": [wildcard], "MaxAttempts": 2}],
        Catch=[{"ErrorEquals": [wildcard], "Next": "Rescued"}],
    )
    definition = chain(("S", state), ("Rescued", {"Type": "Pass"}))
    execution = run(definition, {}, {"work": work}, wait_scale=0)
    assert (execution.status, execution.error, len(calls)) == ("FAILED", DATA_LIMIT, 1)


@pytest.mark.parametrize("result_path", ["$", "$.r"])
def test_a_catch_that_names_it_takes_it_and_keeps_the_input(result_path):
    state = task(
        ResultPath=result_path,
        Catch=[{"ErrorEquals": [DATA_LIMIT], "ResultPath": "$.error", "Next": "Rescued"}],
    )
    definition = chain(("S", state), ("Rescued", {"Type": "Pass"}))
    execution = run(definition, {"kept": 1}, of_size(LIMIT))
    if result_path == "$":
        assert execution.output != {"kept": 1}
        execution = run(definition, {"kept": 1}, of_size(LIMIT + 2))
    assert execution.status == "SUCCEEDED"
    assert execution.output["kept"] == 1
    assert execution.output["error"]["Error"] == DATA_LIMIT
    assert execution.transitions[0].error == DATA_LIMIT
