"""What a Catch hides, and what it does not."""

import pytest

from tests.lint.machines import codes, found, machine, task

ALL = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "After"}


def caught(after, handler=ALL, **more):
    """A sealing Task with a Catch that goes on to `after`, and a success behind that."""
    first = task("A", Catch=[handler], Next="Ok", **more)
    definition = machine(A=first, Ok={"Type": "Succeed"})
    definition["States"]["After"] = {**after, "Next": "Ok"}
    return definition


@pytest.mark.parametrize(
    "after",
    [
        {"Type": "Pass"},
        {"Type": "Wait", "Seconds": 1},
        {"Type": "Pass", "Parameters": {"e.$": "$.error"}},
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"Message.$": "$.errors"},
        },
    ],
)
def test_an_error_that_nobody_sees(tmp_path, after):
    report = found(tmp_path, caught(after), ignored=frozenset({"SB203"}))
    assert "SB302" in codes(report)


@pytest.mark.parametrize(
    "after",
    [
        task("B", payload={"error.$": "$.error"}),
        task("B", payload={"error.$": "States.Format('{}', $.error.Cause)"}),
        task("B", payload={"state.$": "$"}),
        {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Tell"},
    ],
)
def test_an_error_that_is_handed_to_somebody(tmp_path, after):
    assert "SB302" not in codes(found(tmp_path, caught(after)))


def test_an_error_that_a_rule_looks_at(tmp_path):
    definition = caught({"Type": "Pass"})
    definition["States"]["After"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.error.Error", "StringMatches": "Blob*", "Next": "No"}],
        "Default": "Ok",
    }
    definition["States"]["No"] = {"Type": "Fail"}
    assert codes(found(tmp_path, definition)) == []


def test_an_error_that_is_thrown_away(tmp_path):
    handler = {**ALL, "ResultPath": None}
    report = found(tmp_path, caught(task("B"), handler))
    assert codes(report) == ["SB302"]


def test_around_a_map(tmp_path):
    """The iterations seal; what they lost arrives at the Map's own Catch."""
    mapped = {
        "Type": "Map",
        "ItemsPath": "$.rows",
        "ItemProcessor": machine(I=task("f")),
        "Comment": "statebag: at most 2 items",
        "Catch": [ALL],
        "Next": "Ok",
    }
    definition = machine(M=mapped, Ok={"Type": "Succeed"})
    definition["States"]["After"] = {"Type": "Pass", "Next": "Ok"}
    report = found(tmp_path, definition)
    assert codes(report) == ["SB302"]
    assert report.findings[0].path == "$.States.M.Catch[0]"
    definition["States"]["After"] = {"Type": "Fail"}
    assert codes(found(tmp_path, definition)) == []
    del mapped["ItemProcessor"]["States"]["I"]["Parameters"]["Payload"]["execution_id.$"]
    definition["States"]["After"] = {"Type": "Pass", "Next": "Ok"}
    assert "SB302" not in codes(found(tmp_path, definition))


class TestJsonata:
    def caught(self, handler, after):
        first = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "A", "Payload": {"execution_id": "{% 'x' %}"}},
            "Retry": [{"ErrorEquals": ["StoreUnavailable"]}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "After", **handler}],
            "Output": "{% $states.result.Payload %}",
            "Next": "Ok",
        }
        definition = machine(A=first, Ok={"Type": "Succeed"})
        definition["States"]["After"] = {**after, "Next": "Ok"}
        return {**definition, "QueryLanguage": "JSONata"}

    def test_what_nobody_sees(self, tmp_path):
        dropped = {"Output": "{% $states.input %}"}
        assert codes(found(tmp_path, self.caught(dropped, {"Type": "Pass"}))) == ["SB302"]
        unread = {"Assign": {"e": "{% $states.errorOutput %}"}, "Output": {}}
        assert codes(found(tmp_path, self.caught(unread, {"Type": "Pass"}))) == ["SB302"]

    def test_what_somebody_sees(self, tmp_path):
        tell = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {"Message": "{% $string($e) %}"},
        }
        kept = {"Assign": {"e": "{% $states.errorOutput %}"}, "Output": {}}
        assert codes(found(tmp_path, self.caught(kept, tell))) == []
        tell["Arguments"] = {"Message": "{% $states.input.e %}"}
        handed = {"Output": {"e": "{% $states.errorOutput %}"}}
        assert codes(found(tmp_path, self.caught(handed, tell))) == []

    def test_what_takes_the_place_of_the_state(self, tmp_path):
        tell = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Arguments": {}}
        assert "SB303" in codes(found(tmp_path, self.caught({}, tell)))


def test_a_catch_for_what_is_too_large(tmp_path):
    """Who names States.DataLimitExceeded knows what to do then."""
    definition = machine(A=task("A"), B=task("B", ResultPath="$.b"))
    big = {"bag_bytes": 140_000}
    assert codes(found(tmp_path, definition, **big)) == ["SB102"]
    definition["States"]["B"]["Catch"] = [
        {"ErrorEquals": ["States.DataLimitExceeded"], "ResultPath": "$.error", "Next": "No"}
    ]
    definition["States"]["No"] = {"Type": "Fail"}
    assert codes(found(tmp_path, definition, **big)) == []
