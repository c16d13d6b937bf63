from __future__ import annotations

import pytest

from statebag.local import run
from tests.local.machines import chain


def made(output, given=None, **machine):
    definition = chain(("P", {"Type": "Pass", "Output": output}), QueryLanguage="JSONata")
    return run(definition, input=given, **machine)


@pytest.mark.parametrize(
    ("output", "value"),
    [
        (
            {"a": ["{% $states.input.n %}", {"b": "{% 1 + 1 %}"}], "c": None},
            {"a": [3, {"b": 2}], "c": None},
        ),
        ("{% $states.input.list %}", [7]),
        ("{% $states.input.list[0] %}", 7),
        ("{% $states.context.State.Name %}", "P"),
        (" {% $states.input %} ", " {% $states.input %} "),
        ("{% $states.input.people.name %}", ["x", "y"]),
        ("{% $range(1, 5, 2) %}", [1, 3, 5]),
        ("{% $range(1, 1, 1) %}", 1),
        ("{% $partition([1, 2, 3], 2) %}", [[1, 2], [3]]),
        ("{% $merge([$states.input.o, {'b': 2}]) %}", {"a": 1, "b": 2}),
    ],
)  # fmt: skip
def test_expressions_anywhere_in_a_value(output, value):
    given = {"n": 3, "list": [7], "people": [{"name": "x"}, {"name": "y"}], "o": {"a": 1}}
    assert made(output, given).output == value


@pytest.mark.parametrize(
    ("output", "location"),
    [("{% $gone %}", "Output"), ({"a": {"b": "{% $states.input.x %}"}}, "Output/a/b")],
)
def test_an_expression_that_gives_nothing_says_where(output, location):
    execution = made(output)
    assert execution.error == "States.QueryEvaluationError"
    assert execution.cause.endswith(
        f"specified for the field '{location}' returned nothing (undefined)."
    )
    failed = execution.history[-2]
    assert failed["type"] == "EvaluationFailed"
    assert failed["previousEventId"] == 0  # as recorded: what entering the state follows
    assert failed["evaluationFailedEventDetails"]["location"] == location
    assert failed["evaluationFailedEventDetails"]["state"] == "P"


def test_a_template_of_paths_goes_into_arrays_and_keeps_what_is_no_path():
    parameters = {"list": [{"a.$": "$.x"}, "$.x", 1], "plain": {"deep.$": "$.x"}}
    execution = run(chain(("P", {"Type": "Pass", "Parameters": parameters})), input={"x": 5})
    assert execution.output == {"list": [{"a": 5}, "$.x", 1], "plain": {"deep": 5}}


def test_variables_are_seen_in_expressions():
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"v": "{% {'n': [1, 2]} %}"}}),
        ("B", {"Type": "Pass", "Output": {"plain": "{% $v.n %}", "sum": "{% $sum($v.n) %}"}}),
        QueryLanguage="JSONata",
    )
    assert run(definition).output == {"plain": [1, 2], "sum": 3}


def test_a_result_of_another_type_is_named():
    state = {"Type": "Wait", "Seconds": "{% 'soon' %}"}
    execution = run(chain(("W", state), QueryLanguage="JSONata"))
    assert execution.cause.endswith("Expected 'number', but was 'string' for value: \"soon\"")
