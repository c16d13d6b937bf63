"""The model of a definition: states at every depth, transitions, languages, positions."""

import pytest

from statebag.asl.model import Definition, Target

PASS = {"Type": "Pass", "End": True}
INNER = {"StartAt": "In", "States": {"In": PASS}}
DEFINITION = {
    "StartAt": "Each",
    "QueryLanguage": "JSONata",
    "States": {
        "Each": {
            "Type": "Map",
            "QueryLanguage": "JSONPath",
            "ItemProcessor": {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED"}},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "odd name"}],
            "Next": "odd name",
        },
        "odd name": {
            "Type": "Parallel",
            "Branches": [INNER, {**INNER, "QueryLanguage": "JSONPath"}],
            "Next": "Pick",
        },
        "Pick": {"Type": "Choice", "Choices": [{"Next": "Each"}, {}], "Default": "gone"},
        "Alone": {"Type": "Succeed"},
    },
}


def test_states_at_every_depth_by_path_outer_before_inner():
    states = Definition(DEFINITION).states
    assert [*states] == [
        "$.States.Each",
        "$.States['odd name']",
        "$.States.Pick",
        "$.States.Alone",
        "$.States.Each.ItemProcessor.States.In",
        "$.States['odd name'].Branches[0].States.In",
        "$.States['odd name'].Branches[1].States.In",
    ]
    each = states["$.States.Each"]
    assert (each.name, each.kind, each.is_distributed) == ("Each", "Map", True)
    assert states["$.States.Each.ItemProcessor.States.In"].machine is each.machines[0]
    assert not states["$.States.Pick"].is_distributed


def test_the_language_is_that_of_what_a_state_stands_in():
    languages = {path: one.language for path, one in Definition(DEFINITION).states.items()}
    assert [*languages.values()] == [
        "JSONPath", "JSONata", "JSONata", "JSONata", "JSONPath", "JSONata", "JSONPath",
    ]  # fmt: skip


def test_transitions_with_their_places():
    model = Definition(DEFINITION)
    assert [*model.states["$.States.Each"].targets()] == [
        Target("$.States.Each.Next", "Next", "odd name"),
        Target("$.States.Each.Catch[0].Next", "Catch", "odd name"),
    ]
    assert [(one.path, one.name) for one in model.states["$.States.Pick"].targets()] == [
        ("$.States.Pick.Default", "gone"),
        ("$.States.Pick.Choices[0].Next", "Each"),
        ("$.States.Pick.Choices[1].Next", None),
    ]
    assert model.machine.reached() == {"Each", "odd name", "Pick"}


@pytest.mark.parametrize(
    "value",
    [
        None, [], {"States": []}, {"StartAt": 1, "States": {"A": 1}},
        {"StartAt": "A", "States": {"A": {"Type": ["Map"], "Choices": 1, "Catch": [2]}}},
        {"States": {"A": {"Type": "Parallel", "Branches": [1, {}]}}},
        {"States": {"A": {"Type": "Map", "ItemProcessor": None}}},
    ],
)  # fmt: skip
def test_any_value_has_a_model(value):
    model = Definition(value)
    assert model.machine.start_at in (None, "A")
    for state in model.states.values():
        assert [one.name for one in state.targets()] in ([], [None])
        assert not state.is_distributed


def test_machines_that_are_nested_without_an_end():
    value = {"StartAt": "A", "States": {"A": PASS}}
    for _ in range(3_000):
        value = {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": value}}}
    assert len(Definition(value).states) == 3_001


def test_without_a_text_there_are_no_positions():
    assert Definition(DEFINITION).position("$.States.Each") is None
