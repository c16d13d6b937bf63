"""Parallel: as in the Amazon States Language ("Parallel State"); no recording has two branches."""

from __future__ import annotations

from statebag.local import run
from tests.local.interpreter.events import links, types
from tests.local.machines import chain, task


def both(*branches, **fields):
    return {"Type": "Parallel", "Branches": list(branches), **fields}


def test_outputs_are_in_the_order_of_the_branches():
    slow = chain(("W", {"Type": "Wait", "Seconds": 9}), ("A", {"Type": "Pass", "Result": "a"}))
    fast = chain(("B", {"Type": "Pass", "Result": "b"}))
    execution = run(chain(("P", both(slow, fast))))
    assert execution.output == ["a", "b"]
    assert types(execution)[-3:] == [
        "ParallelStateSucceeded", "ParallelStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert ("ParallelStateExited", "PassStateExited") in links(execution)
    assert links(execution).count(("WaitStateEntered", "ParallelStateStarted")) == 1


def test_branches_run_at_the_same_time():
    branches = [chain((f"W{n}", {"Type": "Wait", "Seconds": 100})) for n in range(5)]
    execution = run(chain(("P", both(*branches))))
    began, ended = execution.history[0]["timestamp"], execution.history[-1]["timestamp"]
    assert 100 <= (ended - began).total_seconds() < 105


def test_a_branch_that_fails_aborts_the_others():
    failing = chain(("W", {"Type": "Wait", "Seconds": 1}), ("F", {"Type": "Fail", "Error": "No"}))
    waiting = chain(("Long", {"Type": "Wait", "Seconds": 1000}), ("Never", {"Type": "Pass"}))
    nested = chain(("Inside", both(chain(("Longer", {"Type": "Wait", "Seconds": 2000})))))
    execution = run(chain(("P", both(failing, waiting, nested))))
    assert (execution.status, execution.error) == ("FAILED", "No")
    assert types(execution)[-5:] == [
        "WaitStateAborted",
        "WaitStateAborted",
        "ParallelStateAborted",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]
    assert links(execution)[-2] == ("ParallelStateFailed", "FailStateEntered")
    assert not any("Never" in str(event) for event in execution.history)


def test_a_caught_failure_leaves_nothing_behind():
    failing = chain(("F", {"Type": "Fail", "Error": "No"}))
    waiting = chain(("Long", {"Type": "Wait", "Seconds": 1000}), ("Never", {"Type": "Pass"}))
    catch = [{"ErrorEquals": ["No"], "Next": "W"}]
    definition = chain(
        ("P", both(waiting, failing, Catch=catch)), ("W", {"Type": "Wait", "Seconds": 5000})
    )
    execution = run(definition)
    assert execution.status == "SUCCEEDED"
    assert not any("Never" in str(event) for event in execution.history)
    ids = [event["id"] for event in execution.history]
    assert ids == list(range(1, len(ids) + 1))


def test_variables_of_a_branch_stay_in_it():
    inner = chain(
        ("S", {"Type": "Pass", "Assign": {"mine": 2}}),
        ("R", {"Type": "Pass", "Parameters": {"mine.$": "$mine", "outer.$": "$outer"}}),
    )
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"outer": 1}}),
        ("P", both(inner)),
        ("B", {"Type": "Pass", "Parameters": {"gone.$": "$mine"}}),
    )
    execution = run(definition)
    assert execution.error == "States.Runtime"
    assert '{"mine":2,"outer":1}' in str(execution.history)


def test_a_seed_chooses_the_order_of_branches():
    branches = [chain((f"{n}x", {"Type": "Pass"}), (f"{n}y", {"Type": "Pass"})) for n in "abc"]
    definition = chain(("P", both(*branches)))

    def order(seed):
        history = run(definition, seed=seed).history
        return tuple(
            event["stateEnteredEventDetails"]["name"]
            for event in history
            if event["type"] == "PassStateEntered"
        )

    assert order(None) == ("ax", "bx", "cx", "ay", "by", "cy")
    assert len({order(seed) for seed in range(10)}) > 1
    assert order(4) == order(4)


def test_functions_of_branches_are_called_one_at_a_time():
    inside = []

    def work(event, _context):
        inside.append(1)
        assert len(inside) == 1
        inside.pop()
        return event

    branches = [chain((f"T{n}", task())) for n in range(4)]
    assert run(chain(("P", both(*branches))), input=7, functions={"work": work}).output == [7] * 4
