"""From events to transitions: against what the engine itself saw, and against odd histories."""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from statebag.format.json_text import encode
from statebag.history.events import history_of
from statebag.history.replay import first_states, transitions
from statebag.history.standing import standing
from statebag.local import run as run_workflow
from statebag.local.workflow import load_workflow
from tests.local.machines import chain, invoke, run, task

EXAMPLE = Path(__file__).parents[2] / "examples" / "agent_workflow"
sys.path[:0] = [str(EXAMPLE), str(EXAMPLE.parent)]

import source_tree  # noqa: E402 - the examples are not packages

REQUEST = {
    **json.loads((EXAMPLE / "input.json").read_text("utf-8")),
    "max_files": 24,
    "batch_bytes": 120_000,
    "segment_bytes": 90_000,
}
ARN = "arn:aws:states:us-east-1:123456789012:execution:Main:run-1"


def of(execution, definition):
    history = history_of(ARN, "Main", execution.history, branches=first_states(definition))
    return transitions(history), history


def agree(execution, definition, name="Main"):
    """The history's transitions are those that the engine told, but for children of their own."""
    made, history = of(execution, definition)
    labels = {one.path for one in made if one.map_run}
    ran = [(one.path.replace(name, "Main", 1), one.error) for one in execution.transitions]
    assert sorted(
        (path, error)
        for path, error in ran
        if not any(path.startswith(f"{label}[") for label in labels)
    ) == sorted((one.path, one.error) for one in made)
    return made, history


def boom(event, context):
    raise ValueError("CANARY")


def work(event, context):
    return {"done": True}


CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "After"}]
AFTER = ("After", {"Type": "Pass"})


def mapped(states, start, **fields):
    processor = {"StartAt": start, "States": states}
    return {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, **fields}


INNER = mapped(
    {"Deep": {"Type": "Pass", "Next": "Deeper"}, "Deeper": {"Type": "Pass", "End": True}}, "Deep"
)
NESTED = mapped(
    {
        "Row": {**INNER, "ItemsPath": "$", "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
                {
                    "StartAt": "Right",
                    "States": {
                        "Right": {"Type": "Pass", "Next": "RightEnd"},
                        "RightEnd": {"Type": "Pass", "End": True},
                    },
                },
            ],
            "End": True,
        },
    },
    "Row",
)


@pytest.mark.parametrize("concurrency", [0, 1, 2])
def test_maps_in_maps_and_branches_in_iterations_have_their_places(concurrency):
    definition = chain(("Rows", {**NESTED, "MaxConcurrency": concurrency}), AFTER)
    execution = run(definition, {"items": [[1, 2], [3], [4, 5, 6], []]})
    made, _ = agree(execution, definition)
    assert {one.status for one in made} == {"left"}
    assert "Main/Rows[2]/Row[2]/Deeper" in {one.path for one in made}
    assert "Main/Rows[3]/Both[1]/RightEnd" in {one.path for one in made}


def test_a_slash_in_a_name_is_no_level():
    definition = chain(("read/write", {"Type": "Pass"}), ("Each", INNER))
    execution = run(definition, {"items": [1]})
    # A child of a distributed Map has one in its machine's name.
    history = history_of(ARN, "Main/Label", execution.history)
    depths = {one.state: one.depth for one in transitions(history)}
    assert depths == {"read/write": 0, "Each": 0, "Deep": 1, "Deeper": 1}


def test_without_the_definition_branches_are_numbered_as_they_began():
    definition = chain(("Rows", NESTED), AFTER)
    execution = run(definition, {"items": [[1], [2]]})
    made = transitions(history_of(ARN, "Main", execution.history))
    places = {one.path for one in made if one.state.startswith(("Left", "Right"))}
    assert len(places) == 6
    assert all("Both[0]" in one or "Both[1]" in one for one in places)


def test_retries_are_counted_with_their_errors():
    calls = []

    def twice(event, context):
        calls.append(1)
        if len(calls) < 3:
            raise KeyError("CANARY")
        return {}

    retry = [{"ErrorEquals": ["KeyError"], "MaxAttempts": 5}]
    definition = chain(("Try", task("twice", Retry=retry)), AFTER)
    execution = run(definition, {}, {"twice": twice}, wait_scale=0)
    (tried, _), _ = agree(execution, definition)
    assert (tried.attempts, tried.status) == (3, "left")
    assert [failure.error for failure in tried.failures] == ["KeyError", "KeyError"]
    assert tried.error is None


def test_what_a_catch_took_is_said():
    definition = chain(("Try", invoke("boom", Catch=CATCH)), AFTER)
    (caught, _), history = agree(run(definition, {}, {"boom": boom}), definition)
    assert (caught.status, caught.error) == ("caught", "ValueError")
    assert standing(history, [caught]).status == "SUCCEEDED"


@pytest.mark.parametrize("catch", [[], CATCH])
def test_an_iteration_that_fails_fails_its_map(catch):
    one = mapped({"Try": task("boom", End=True)}, "Try", MaxConcurrency=1)
    if catch:
        one["Catch"] = catch
    definition = chain(("All", one), AFTER)
    execution = run(definition, {"items": [1, 2]}, {"boom": boom})
    made, history = agree(execution, definition)
    by_path = {one.path: one for one in made}
    assert by_path["Main/All[0]/Try"].status == "failed"
    assert by_path["Main/All"].status == ("caught" if catch else "failed")
    if not catch:
        stands = standing(history, made)
        assert (stands.status, stands.error, stands.state.path) == (
            "FAILED",
            "ValueError",
            "Main/All[0]/Try",
        )


def test_a_branch_that_fails_gives_up_the_others():
    definition = chain(
        (
            "Both",
            {
                "Type": "Parallel",
                "Branches": [
                    {
                        "StartAt": "Slow",
                        "States": {"Slow": {"Type": "Wait", "Seconds": 30, "End": True}},
                    },
                    {"StartAt": "Try", "States": {"Try": task("boom", End=True)}},
                ],
            },
        ),
        AFTER,
    )

    def late(event, context):
        time.sleep(0.5)  # the other branch has begun by then
        raise ValueError

    made, history = of(run(definition, {}, {"boom": late}), definition)
    by_state = {one.state: one for one in made}
    assert by_state["Try"].status == "failed"
    assert by_state["Slow"].status == "given up"
    assert (by_state["Both"].status, by_state["Both"].error) == ("failed", "ValueError")
    assert standing(history, made).state.path == "Main/Both[1]/Try"


@pytest.mark.parametrize("machine", ["AgentWorkflow", "AgentWorkflowJsonata"])
def test_the_agents_workflow(machine, tmp_path):
    """Every state of its Maps, retries and all: as the engine saw them."""
    workflow = load_workflow(EXAMPLE / "template.yaml", machine=machine)
    calls = Counter()

    def written_down(function):
        def call(event, context):
            answer = function(event, context)
            calls["given", encode(event)] += 1
            calls["gave", encode(answer)] += 1
            return answer

        return call

    execution = run_workflow(
        workflow.definition,
        functions={name: written_down(one) for name, one in workflow.functions.items()},
        input={
            **REQUEST,
            "folder": str(source_tree.write(tmp_path / "source", REQUEST["max_files"])),
        },
        name=workflow.name,
        buckets=tmp_path,
        wait_scale=0,
        timeout=240,
    )
    assert execution.status == "SUCCEEDED"
    made, history = agree(execution, workflow.definition, workflow.name)
    assert len(made) > 40
    by_path = {one.path.replace(workflow.name, "Main", 1): one for one in execution.transitions}
    for one in made:
        assert one.attempts == 0 or one.kind != "Task" or one.attempts == by_path[one.path].attempts
        assert one.ended is not None
        assert history.event(one.left).type == f"{one.kind}StateExited"
    # What each function was given and gave is in the history, but for that of a Map's children.
    found = Counter()
    for event in history.events:
        if event.type in {"TaskScheduled", "LambdaFunctionScheduled"}:
            sent = history.payload_at(event.id).value()
            found["given", encode(sent.get("Payload", sent))] += 1
        elif event.type in {"TaskSucceeded", "LambdaFunctionSucceeded"}:
            told = history.payload_at(event.id).value()
            payload = told.get("Payload", told) if isinstance(told, dict) else told
            found["gave", encode(payload)] += 1
    assert sum(found.values()) > 60
    assert not {one for one in found - calls if one[0] == "given"}
    # The answer to a token is what was sent with it, not what the function gave that was asked.
    tokens = sum(event.type == "TaskSubmitted" for event in history.events)
    assert sum((found - calls).values()) == tokens > 0


def events(*types):
    """A history of these types in one line, each `Type` or `(Type, details)`."""
    made = []
    for number, given in enumerate(types, 1):
        kind, details = given if isinstance(given, tuple) else (given, {})
        made.append(
            {
                "id": number,
                "previousEventId": number - 1,
                "type": kind,
                "timestamp": 1_700_000_000 + number,
                "someEventDetails": details,
            }
        )
    return made


def entered(kind, name):
    return (f"{kind}StateEntered", {"name": name, "input": "{}"})


def test_a_redriven_execution_goes_on_where_it_failed():
    told = events(
        ("ExecutionStarted", {"input": "{}"}),
        entered("Task", "A"),
        ("TaskScheduled", {"resource": "invoke"}),
        ("TaskFailed", {"error": "E"}),
        ("ExecutionFailed", {"error": "E"}),
        ("ExecutionRedriven", {"redriveCount": 1}),
        ("TaskScheduled", {"resource": "invoke"}),
    )
    history = history_of(ARN, "Main", told)
    (one,) = transitions(history)
    assert (one.status, one.attempts, len(one.failures)) == ("open", 2, 1)
    stands = standing(history, [one])
    assert (stands.status, stands.waiting[0].reason) == ("RUNNING", "function")
    told += events("TaskSucceeded", ("TaskStateExited", {"name": "A", "output": "{}"}))
    for number, event in enumerate(told, 1):
        event.update(id=number, previousEventId=number - 1)
    assert transitions(history_of(ARN, "Main", told))[0].status == "left"


def test_a_redrive_that_enters_the_state_anew_leaves_the_failed_one_failed():
    failing = [entered("Task", "A"), "TaskScheduled", ("TaskFailed", {"error": "E"})]
    told = events(
        *failing,
        ("ExecutionFailed", {"error": "E"}),
        "ExecutionRedriven",
        entered("Task", "A"),
        "TaskScheduled",
    )
    history = history_of(ARN, "Main", told)
    first, second = transitions(history)
    assert (first.status, first.error) == ("failed", "E")
    assert (second.status, second.path) == ("open", "Main/A")
    assert standing(history, [first, second]).waiting[0].transition.number == 2


@pytest.mark.parametrize(
    "told",
    [
        events("MapIterationSucceeded", "ParallelStateFailed", "TaskSucceeded", "NewKindOfEvent"),
        events(("TaskStateExited", {"name": "never entered"})),
        events(entered("Task", "A"), entered("Task", "A"), ("TaskStateExited", {"name": "B"})),
        events(("MapIterationStarted", {"index": "x"}), ("ExecutionFailed", {})),
        events("ParallelStateStarted", "ExecutionSucceeded"),
    ],
)
def test_a_history_that_does_not_fit_together_is_read_as_far_as_it_goes(told):
    made = transitions(history_of(ARN, "Main", told))
    assert all(one.path.startswith("Main/") for one in made)
