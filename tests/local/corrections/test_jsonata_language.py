from __future__ import annotations

import pytest

from statebag.local.expressions import Expressions
from tests.local.machines import chain, run, task

QUERY = "States.QueryEvaluationError"


@pytest.fixture(scope="module")
def expressions():
    made = Expressions()
    yield made
    made.close()


def jsonata(*states):
    return chain(*states, QueryLanguage="JSONata")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$states.input.n + 1", 3),
        ("$states.input.n / 2", 1),
        ("$states.input.big", 2**70),
        ("$states.input.real", 1.0),
        ("$states.input.nil", None),
        ("$states.input.text", 'a "quoted"\nline'),
        ("$states.input.list[$ > 1]", [2, 3]),
        ("$states.input.list.($ * 2)", [2, 4, 6]),
        ("{'a': $states.input.nil, 'b': [1..3]}", {"a": None, "b": [1, 2, 3]}),
        ("$partition([1,2,3], 2)", [[1, 2], [3]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$hash('text', 'MD5')", "1cb251ec0d568de6a929b520c4aed8d1"),
        ("$parse('{\"a\": [1]}')", {"a": [1]}),
        ("$length($uuid())", 36),
        ("$random(7) = $random(7)", True),
        ("$exists($states.errorOutput)", False),
    ],
)
def test_expressions_give_plain_json(expressions, expression, value):
    data = {
        "n": 2, "big": 2**70, "real": 1.0, "nil": None, "list": [1, 2, 3],
        "text": 'a "quoted"\nline',
    }  # fmt: skip
    result = expressions.jsonata(expression, {"states": {"input": data}})
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "expression",
    ["$states.input.gone", "1 +", "$error('secret')", "function($x){$x}", "$eval('1')"],
)
def test_what_gives_no_json_fails_without_telling_a_value(expressions, expression):
    with pytest.raises(ValueError) as caught:
        expressions.jsonata(expression, {"states": {"input": {}}})
    assert "secret" not in str(caught.value)


def test_a_workflow_in_jsonata_runs():
    definition = jsonata(
        (
            "Call",
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "work", "Payload": "{% {'n': $states.input.n} %}"},
                "Assign": {"seen": "{% $states.result.Payload.n %}"},
                "Output": "{% {'n': $states.result.Payload.n, 'kept': $states.input.text} %}",
            },
        ),
        (
            "Pick",
            {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $seen = 3 %}", "Next": "Each"}],
                "Default": "Wrong",
            },
        ),
        (
            "Each",
            {
                "Type": "Map",
                "Items": "{% [1..$states.input.n] %}",
                "ItemSelector": {
                    "i": "{% $states.context.Map.Item.Value %}",
                    "at": "{% $states.context.Map.Item.Index %}",
                },
                "ItemProcessor": chain(
                    ("P", {"Type": "Pass", "Output": "{% $states.input.i * $seen %}"})
                ),
                "Output": {"products": "{% $states.result %}", "text": "{% $states.input.kept %}"},
                "Next": "Done",
            },
        ),
        ("Done", {"Type": "Succeed"}),
        ("Wrong", {"Type": "Fail"}),
    )
    execution = run(
        definition,
        {"n": 2, "text": 'a "b"'},
        {"work": lambda event, _context: {"n": event["n"] + 1}},
    )
    assert execution.output == {"products": [3, 6, 9], "text": 'a "b"'}


def test_a_catch_sees_the_error_output():
    def work(_event, _context):
        raise KeyError("k")

    definition = jsonata(
        (
            "T",
            task(
                Catch=[
                    {
                        "ErrorEquals": ["KeyError"],
                        "Output": "{% $states.errorOutput.Error %}",
                        "Next": "R",
                    }
                ]
            ),
        ),
        ("R", {"Type": "Pass"}),
    )
    assert run(definition, {}, {"work": work}).output == "KeyError"


@pytest.mark.parametrize("expression", ["{% $states.input.gone %}", "{% $number('x') %}"])
def test_an_expression_that_fails_fails_the_state(expression):
    execution = run(jsonata(("P", {"Type": "Pass", "Output": expression})), {})
    assert (execution.status, execution.error) == ("FAILED", QUERY)


def test_a_task_can_catch_a_query_that_fails():
    state = task(
        Arguments="{% $states.input.gone %}", Catch=[{"ErrorEquals": [QUERY], "Next": "R"}]
    )
    definition = jsonata(("T", state), ("R", {"Type": "Pass"}))
    execution = run(definition, {}, {"work": print})
    assert execution.status == "SUCCEEDED"
    assert execution.transitions[0].error == QUERY


def test_the_result_of_a_task_that_gives_null_is_null():
    state = task(Output="{% {'r': $states.result} %}")
    assert run(jsonata(("T", state)), {}, {"work": lambda _e, _c: None}).output == {"r": None}
