"""What AWS refuses when a machine is created, each beside one that it takes."""

import json

import pytest

from statebag.lint.linter import Options, lint
from statebag.lint.refused import is_timestamp
from tests.lint.machines import codes, found, machine

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **PASS}
INVOKE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "f"},
}
READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}


def each(processor=DISTRIBUTED, **more):
    return {"Type": "Map", "ItemProcessor": processor, "ResultPath": None, **more}


def choice(**rule):
    return {"Type": "Choice", "Choices": [{"Variable": "$.x", **rule, "Next": "End"}]}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (each(Label="a b"), each(Label="a-b_c")),
        (each(Label="x" * 41), each(Label="x" * 40)),
        (each(Label='a"b'), each(Label="${Label}")),
        (each(Label=""), each(Label="é")),
        (each(PASS, Label="a"), each(PASS)),
        (each(PASS, ItemBatcher={"MaxItemsPerBatch": 3}),
         each(ItemBatcher={"MaxItemsPerBatch": 3})),
        (each(ToleratedFailureCount=1, ToleratedFailureCountPath="$.n"),
         each(ToleratedFailureCountPath="$.n")),
        (each(ItemReader={**READER, "ReaderConfig": {"MaxItems": 1, "MaxItemsPath": "$.n"}}),
         each(ItemReader={**READER, "ReaderConfig": {"MaxItems": 1}})),
        (each(ItemReader={**READER, "Arguments": {"Bucket": "b", "Key": "k"}}),
         each(ItemReader={**READER, "Parameters": {"Bucket": "b", "Key": "k"}})),
        (each(ItemReader={**READER, "Resource": "arn:aws:states:::s3:headObject"}),
         each(ItemReader=READER)),
        (each(ItemReader={**READER, "ReaderConfig": {"InputType": "XML"}}),
         each(ItemReader={**READER, "ReaderConfig": {"InputType": "CSV"}})),
        (each({**DISTRIBUTED, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}), each()),
        (each({**PASS, "ProcessorConfig": {"Mode": "SOMETIMES"}}),
         each({**PASS, "ProcessorConfig": {"Mode": "INLINE"}})),
        ({"Type": "Wait", "Timestamp": "2024-02-30T00:00:00Z"},
         {"Type": "Wait", "Timestamp": "2024-02-29T00:00:00Z"}),
        ({"Type": "Wait", "Timestamp": "2024-02-28"}, {"Type": "Wait", "Timestamp": "${When}"}),
        ({**INVOKE, "Credentials": {}}, {**INVOKE, "Credentials": {"RoleArn": "arn:x"}}),
        ({**INVOKE, "Parameters": {}}, {**INVOKE, "Parameters": {"FunctionName.$": "$.f"}}),
        ({**INVOKE, "Parameters": {"FunctionName": "f", "x": 1, "x.$": "$.x"}},
         {**INVOKE, "Parameters": {"FunctionName": "f", "x.$": "$.x"}}),
        ({"Type": "Pass", "Parameters": [{"x": 1, "x.$": "$.x"}]},
         {"Type": "Pass", "Parameters": [{"x": 1}, {"x.$": "$.x"}]}),
        ({"Type": "Pass", "Assign": {"states": 1}}, {"Type": "Pass", "Assign": {"state": 1}}),
        ({"Type": "Pass", "Assign": {"a-b.$": "$.x"}}, {"Type": "Pass", "Assign": {"ab.$": "$.x"}}),
        ({"Type": "Pass", "Assign": {"x" * 81: 1}}, {"Type": "Pass", "Assign": {"x" * 80: 1}}),
        ({**INVOKE, "Retry": [{"ErrorEquals": ["A"], "JitterStrategy": "HALF"}]},
         {**INVOKE, "Retry": [{"ErrorEquals": ["A"], "JitterStrategy": "NONE"}]}),
    ],
)  # fmt: skip
def test_it_is_found_and_what_is_right_is_not(tmp_path, wrong, right):
    assert "SB010" in codes(found(tmp_path, machine(A=wrong)))
    assert "SB010" not in codes(found(tmp_path, machine(A=right)))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (choice(NumericEquals="1"), choice(NumericEquals=1)),
        (choice(StringEquals=1), choice(StringEquals="1")),
        (choice(BooleanEquals="true"), choice(BooleanEquals=True)),
        (choice(IsPresent="yes"), choice(IsPresent=False)),
        (choice(TimestampLessThan="today"), choice(TimestampLessThan="2024-01-01T00:00:00Z")),
    ],
)
def test_what_a_rule_compares_with(tmp_path, wrong, right):
    end = {"Type": "Succeed"}
    assert "SB010" in codes(found(tmp_path, machine(A=wrong, End=end)))
    assert "SB010" not in codes(found(tmp_path, machine(A=right, End=end)))


@pytest.mark.parametrize("text", ["{% 1", "1 %}", {"a": ["{% 1"]}])
def test_half_an_expression(tmp_path, text):
    definition = machine(A={"Type": "Pass", "Output": text})
    assert "SB010" in codes(found(tmp_path, {**definition, "QueryLanguage": "JSONata"}))
    whole = machine(A={"Type": "Pass", "Output": {"a": "{% 1 %}", "b": "50 % {"}})
    assert codes(found(tmp_path, {**whole, "QueryLanguage": "JSONata"})) == []


def test_a_machine_in_jsonata_has_no_state_in_jsonpath(tmp_path):
    definition = machine(A={"Type": "Pass", "QueryLanguage": "JSONPath"})
    assert codes(found(tmp_path, definition)) == []
    assert "SB010" in codes(found(tmp_path, {**definition, "QueryLanguage": "JSONata"}))
    other = machine(A={"Type": "Pass", "QueryLanguage": "JSONata"})
    assert codes(found(tmp_path, other)) == []


@pytest.mark.parametrize("fields", [{"Version": "2.0"}, {"TimeoutSeconds": 0}])
def test_fields_of_the_machine(tmp_path, fields):
    assert "SB010" in codes(found(tmp_path, {**machine(A={"Type": "Succeed"}), **fields}))
    right = {**machine(A={"Type": "Succeed"}), "Version": "1.0", "TimeoutSeconds": 5}
    assert codes(found(tmp_path, right)) == []


def express(tmp_path, resource, kind="EXPRESS", parameters=None):
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters or {}}
    properties = {"Type": kind, "Definition": machine(S={**state, "ResultPath": None})}
    resources = {"M": {"Type": "AWS::Serverless::StateMachine", "Properties": properties}}
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"Resources": resources}))
    return codes(lint([file], Options()))


@pytest.mark.parametrize("wait", [".sync:2", ".waitForTaskToken"])
def test_an_express_machine_waits_for_nobody(tmp_path, wait):
    resource = f"arn:aws:states:::states:startExecution{wait}"
    given = {"StateMachineArn": "arn:x", "Input": {"t.$": "$$.Task.Token"}}
    assert "SB010" in express(tmp_path, resource, parameters=given)
    assert "SB010" not in express(tmp_path, resource, "STANDARD", given)


def test_nor_does_an_express_child(tmp_path):
    task = {**INVOKE, "Resource": INVOKE["Resource"] + ".waitForTaskToken", "End": True}
    inner = {"StartAt": "T", "States": {"T": task}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    assert "SB010" in codes(found(tmp_path, machine(A=each({"ProcessorConfig": config, **inner}))))
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    right = machine(A=each({"ProcessorConfig": config, **inner}))
    assert "SB010" not in codes(found(tmp_path, right))


def test_times():
    assert is_timestamp("2024-02-29T23:59:59.123Z")
    assert is_timestamp("2024-02-29T23:59:59+02:00")
    for text in ("2023-02-29T00:00:00Z", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "", "x"):
        assert not is_timestamp(text)
