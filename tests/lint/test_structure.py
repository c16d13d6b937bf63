"""What a validator finds: each fault with a definition that has it, beside one that has not."""

import copy

import pytest

from tests.lint.machines import codes, found, machine, task

WAIT = {"Type": "Wait", "Seconds": 1}
CHOICE = {
    "Type": "Choice",
    "Choices": [{"Variable": "$.n", "NumericGreaterThan": 1, "Next": "End"}],
    "Default": "End",
}
LAMBDA = "arn:aws:states:::lambda:invoke"


def good():
    """One state of each kind, with nothing to find but notes."""
    return machine(
        Call={
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"Message.$": "States.Format('{}, {}', $.a, $.b.c[0])"},
            "TimeoutSeconds": 60,
            "HeartbeatSeconds": 30,
            "ResultPath": None,
            "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 2, "BackoffRate": 1.5}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Pause"}],
        },
        Pause=copy.deepcopy(WAIT),
        Pick=copy.deepcopy(CHOICE),
        End={"Type": "Succeed"},
    )


def places(report, code):
    return [one.path for one in report.findings if one.code == code]


def changed(state, **fields):
    """The good definition with some fields of a state; None takes one away, ... stands for null."""
    definition = good()
    for name, value in fields.items():
        if value is None:
            definition["States"][state].pop(name)
        else:
            definition["States"][state][name] = None if value is ... else value
    return definition


def test_a_definition_in_order(tmp_path):
    assert codes(found(tmp_path, good())) == []


@pytest.mark.parametrize(
    ("state", "fields", "code", "place"),
    [
        ("Call", {"Parameters": {"a.$": "$.b["}}, "SB005", "$.States.Call.Parameters.a.$"),
        ("Call", {"Parameters": {"a.$": "b"}}, "SB005", "$.States.Call.Parameters.a.$"),
        ("Call", {"Parameters": {"a.$": 1}}, "SB005", "$.States.Call.Parameters.a.$"),
        ("Call", {"Parameters": {"x": [{"a.$": "States.Default($.b, 1)"}]}}, "SB005",
         "$.States.Call.Parameters.x[0].a.$"),
        ("Call", {"Parameters": {"a.$": "States.Format('{}', $.b"}}, "SB005",
         "$.States.Call.Parameters.a.$"),
        ("Call", {"Parameters": {"a.$": "States.Hash($.b)"}}, "SB005",
         "$.States.Call.Parameters.a.$"),
        ("Call", {"ResultPath": "$.a[*]"}, "SB005", "$.States.Call.ResultPath"),
        ("Call", {"ResultPath": "$$.Execution"}, "SB005", "$.States.Call.ResultPath"),
        ("Call", {"ResultPath": 1}, "SB006", "$.States.Call.ResultPath"),
        ("Call", {"InputPath": "a"}, "SB005", "$.States.Call.InputPath"),
        ("Call", {"TimeoutSeconds": "60"}, "SB006", "$.States.Call.TimeoutSeconds"),
        ("Call", {"TimeoutSeconds": 0}, "SB006", "$.States.Call.TimeoutSeconds"),
        ("Call", {"TimeoutSeconds": 60.5}, "SB006", "$.States.Call.TimeoutSeconds"),
        ("Call", {"TimeoutSeconds": True}, "SB006", "$.States.Call.TimeoutSeconds"),
        ("Call", {"HeartbeatSeconds": 60}, "SB006", "$.States.Call.HeartbeatSeconds"),
        ("Call", {"TimeoutSecondsPath": "$.t"}, "SB010", "$.States.Call"),
        ("Call", {"Comment": 1}, "SB006", "$.States.Call.Comment"),
        ("Call", {"Assign": []}, "SB006", "$.States.Call.Assign"),
        ("Call", {"Arguments": {}}, "SB003", "$.States.Call.Arguments"),
        ("Call", {"Parametres": {}}, "SB003", "$.States.Call.Parametres"),
        ("Pause", {"SecondsPath": "$.s"}, "SB001", "$.States.Pause"),
        ("Pause", {"Seconds": None}, "SB001", "$.States.Pause"),
        ("Pause", {"Seconds": "1"}, "SB006", "$.States.Pause.Seconds"),
        ("Pause", {"Seconds": -1}, "SB006", "$.States.Pause.Seconds"),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong(tmp_path, state, fields, code, place):
    report = found(tmp_path, changed(state, **fields))
    assert code in codes(report)
    assert place in places(report, code)


@pytest.mark.parametrize(
    "text",
    [
        "$",
        "$$",
        "$$.Map.Item.Value",
        "$.a.b-c",
        "$['a b'][0]",
        "$.[0].x",
        "$.[*].['bucket', 'key']",
        "$.items[?(@.price > 3)].name",
        "$[?(@.code==es)].text",
        "$.a[0:2]",
        "$..name",
        "$.list.length()",
        "$$.Execution.Name ",
        "$variable.field",
        "States.UUID()",
        "States.Format('a \\'quoted\\' {}', States.ArrayGetItem(States.StringSplit($.k , '/'), 0))",
        "States.JsonMerge($.a, States.StringToJson('{\"b\": 1}'), false)",
        "States.MathAdd($.n, -1)",
    ],
)
def test_paths_and_calls_that_engines_take(tmp_path, text):
    report = found(tmp_path, changed("Call", Parameters={"x.$": text}))
    assert "SB005" not in codes(report)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"Variable": "$.n", "NumericGreatThan": 1}, "SB003"),
        ({"Variable": "$.n"}, "SB001"),
        ({"NumericEquals": 1}, "SB001"),
        ({"Variable": "$.n", "NumericEquals": 1, "IsNull": True}, "SB001"),
        ({"Variable": "n", "NumericEquals": 1}, "SB005"),
        ({"Variable": "$.n", "NumericEqualsPath": "m"}, "SB005"),
        ({"And": []}, "SB006"),
        ({"Not": [{"Variable": "$.n", "IsNull": True}]}, "SB006"),
        ({"Not": {"Variable": "$.n"}}, "SB001"),
        ({"Or": [{"Variable": "$.n", "IsNull": True}], "IsNull": True}, "SB006"),
    ],
)
def test_a_rule_that_is_wrong(tmp_path, rule, code):
    report = found(tmp_path, changed("Pick", Choices=[{**rule, "Next": "End"}]))
    assert code in codes(report)


@pytest.mark.parametrize(
    "rule",
    [
        {"Not": {"Variable": "$.n", "IsPresent": True}},
        {"And": [{"Variable": "$.n", "IsString": True}, {"Variable": "$.n", "StringMatches": "*"}]},
        {"Variable": "$.n", "TimestampLessThanEqualsPath": "$.m", "Comment": "in time"},
        {"Variable": "$$.Execution.Input.n", "BooleanEquals": True},
    ],
)
def test_rules_that_are_right(tmp_path, rule):
    assert codes(found(tmp_path, changed("Pick", Choices=[{**rule, "Next": "End"}]))) == []


def test_a_state_in_jsonata(tmp_path):
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"Message": "{% $string($states.input.a) & '!' %}"},
        "TimeoutSeconds": "{% $states.input.t %}",
        "Output": "{% $states.result %}",
    }
    assert codes(found(tmp_path, machine(A=state))) == []
    broken = {**state, "Output": {"x": ["{% $states.input[ %}"]}}
    assert places(found(tmp_path, machine(A=broken)), "SB005") == ["$.States.A.Output.x[0]"]
    other = {**state, "ResultPath": "$.x"}
    assert places(found(tmp_path, machine(A=other)), "SB003") == ["$.States.A.ResultPath"]


def test_a_choice_in_jsonata(tmp_path):
    definition = changed(
        "Pick", Choices=[{"Condition": "{% $states.input.n > 1 %}", "Next": "End"}]
    )
    definition["States"]["Pick"]["QueryLanguage"] = "JSONata"
    assert codes(found(tmp_path, definition)) == []
    definition["States"]["Pick"]["Choices"] = [{"Variable": "$.n", "IsNull": True, "Next": "End"}]
    assert codes(found(tmp_path, definition)) == ["SB001", "SB003"]


def test_placeholders_may_become_anything(tmp_path):
    definition = changed("Call", TimeoutSeconds="${Seconds}", ResultPath="${Where}")
    definition["States"]["Call"]["Parameters"] = {"Message.$": "${Path}"}
    assert codes(found(tmp_path, definition)) == []


def test_an_entry_that_is_never_used(tmp_path):
    twice = [{"ErrorEquals": ["Busy"]}, {"ErrorEquals": ["Busy"], "MaxAttempts": 9}]
    report = found(tmp_path, changed("Call", Retry=twice))
    assert places(report, "SB007") == ["$.States.Call.Retry[1]"]
    twice[1]["ErrorEquals"] = ["Busy", "Slow"]
    assert codes(found(tmp_path, changed("Call", Retry=twice))) == []


def test_an_entry_with_a_field_it_has_not(tmp_path):
    report = found(tmp_path, changed("Call", Retry=[{"ErrorEquals": ["A"], "Interval": 1}]))
    assert places(report, "SB003") == ["$.States.Call.Retry[0].Interval"]
    assert "IntervalSeconds" in report.findings[0].fix


def test_a_loop_without_a_way_out(tmp_path):
    loop = {"StartAt": "A", "States": {"A": {**WAIT, "Next": "B"}, "B": {**WAIT, "Next": "A"}}}
    assert codes(found(tmp_path, loop)) == ["SB010"]
    way = {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "A"}]}
    stuck = {
        "StartAt": "W",
        "States": {**loop["States"], "W": {**way, "Default": "E"}, "E": {"Type": "Fail"}},
    }
    assert codes(found(tmp_path, stuck)) == ["SB008"]
    inner = machine(M={"Type": "Map", "ItemProcessor": loop})
    assert "SB008" in codes(found(tmp_path, inner))
    loop["States"]["B"] = {**CHOICE, "Default": "A"}
    loop["States"]["End"] = {"Type": "Fail"}
    assert codes(found(tmp_path, loop)) == []


class TestPathsThatFindNothing:
    def test_after_a_selector(self, tmp_path):
        select = {"value.$": "$.Payload"}
        after = {"Type": "Pass", "Parameters": {"x.$": "$.valeu"}}
        report = found(tmp_path, machine(A=task("A", ResultSelector=select), B=after))
        assert places(report, "SB009") == ["$.States.B.Parameters.x.$"]
        after["Parameters"]["x.$"] = "$.value"
        assert codes(found(tmp_path, machine(A=task("A", ResultSelector=select), B=after))) == []

    def test_where_one_way_gives_it(self, tmp_path):
        definition = changed("Pick", Default="Give")
        definition["States"]["Pick"]["Choices"][0]["Next"] = "Skip"
        definition["States"] |= {
            "Give": {"Type": "Pass", "Parameters": {"x": 1, "y": 1}, "Next": "Read"},
            "Skip": {"Type": "Pass", "Parameters": {"y": 1}, "Next": "Read"},
            "Read": {"Type": "Pass", "InputPath": "$.y", "Next": "End"},
        }
        assert codes(found(tmp_path, definition)) == []
        definition["States"]["Read"]["InputPath"] = "$.z"
        assert places(found(tmp_path, definition), "SB009") == ["$.States.Read.InputPath"]

    def test_what_a_rule_asks_for_may_be_missing(self, tmp_path):
        definition = changed(
            "Pick", Choices=[{"Variable": "$.x", "IsPresent": True, "Next": "End"}]
        )
        definition["States"]["Pause"] = {"Type": "Pass", "Result": {"y": 1}, "Next": "Pick"}
        assert codes(found(tmp_path, definition)) == []

    def test_of_unknown_values_nothing_is_said(self, tmp_path):
        definition = machine(
            A={"Type": "Task", "Resource": LAMBDA, "Parameters": {"FunctionName": "f"}},
            B={"Type": "Pass", "Parameters": {"x.$": "$.StatusCode", "y.$": "$.Payload.deep[3].z"}},
        )
        assert codes(found(tmp_path, definition)) == []
