"""The names of functions in a definition, in all the forms that AWS's documentation shows."""

import pytest

from statebag.asl.function_references import bind_references

HERE = "arn:aws:lambda:us-east-1:123456789012:function:"


def task(resource, **rest):
    return {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": resource, **rest}}}


def invoke(name, field="Parameters", resource="arn:aws:states:::lambda:invoke"):
    return task(resource, **{field: {"FunctionName": name}})


def bind(definition, known=(), given=()):
    return bind_references([definition], known, given, "us-east-1")


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        (task("${JudgeArn}"), "JudgeArn"),
        (task("${Judge.Arn}"), "Judge.Arn"),
        (task("${Judge.Arn}:$LATEST"), "Judge.Arn"),
        (invoke("${JudgeArn}"), "JudgeArn"),
        (invoke("${JudgeArn}", "Arguments"), "JudgeArn"),
        (invoke("${J}", resource="arn:aws:states:::lambda:invoke.waitForTaskToken"), "J"),
        (invoke("${J}", resource="arn:aws-cn:states:::aws-sdk:lambda:invoke"), "J"),
        (task("arn:aws:lambda:us-east-1:123456789012:function:${Judge}"), "Judge"),
        (task("arn:aws:lambda:REGION:ACCOUNT_ID:function:FUNCTION_NAME"), "FUNCTION_NAME"),
        (task("arn:aws:lambda:eu-west-1:999999999999:function:far:prod"), "far"),
        (task("judge"), "judge"),
        (invoke("judge:live"), "judge"),
        (invoke("123456789012:function:judge"), "judge"),
    ],
)
def test_a_name_that_nothing_is_bound_to_is_reported(definition, name):
    assert bind(definition).unbound == (name,)


@pytest.mark.parametrize(
    ("definition", "given", "function", "becomes"),
    [
        (task("${JudgeArn}"), "JudgeArn", "JudgeArn", HERE + "JudgeArn"),
        (task("${Judge.Arn}:$LATEST"), "Judge", "Judge", HERE + "Judge"),
        (task("${Judge.Arn}"), "Judge.Arn", "Judge", HERE + "Judge"),
        (task(HERE + "${Judge}"), "Judge", "Judge", HERE + "Judge"),
        (task("arn:aws:lambda:R:A:function:F"), "F", "F", HERE + "F"),
        (task("arn:aws:lambda:R:A:function:F"), "arn:aws:lambda:R:A:function:F", "F", HERE + "F"),
        (task("judge"), "judge", "judge", HERE + "judge"),
        (task(HERE + "judge:live"), "judge", "judge", HERE + "judge:live"),
    ],
)
def test_a_bound_name_becomes_a_functions_arn(definition, given, function, becomes):
    names = bind(definition, given=[given])
    assert names.functions == {function: given}
    assert names.unbound == ()
    assert definition["States"]["T"]["Resource"] == becomes


def test_known_functions_need_no_binding_and_may_have_one():
    assert bind(task(HERE + "judge"), known=["judge"]).functions == {"judge": None}
    assert bind(task(HERE + "judge"), ["judge"], ["judge"]).functions == {"judge": "judge"}


@pytest.mark.parametrize(
    "definition",
    [
        task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName.$": "$.f"}),
        task("arn:aws:states:::lambda:invoke", Arguments={"FunctionName": "{% $f %}"}),
        task("arn:aws:states:::lambda:invoke", Arguments="{% $all %}"),
    ],
)
def test_names_that_are_computed_are_left_to_the_run(definition):
    names = bind(definition)
    assert (names.dynamic, names.unbound) == (True, ())


def test_other_services_and_activities_are_no_functions():
    for resource in (
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:us-east-1:123456789012:activity:wait",
        "arn:aws:states:::dynamodb:getItem",
    ):
        names = bind(task(resource, Parameters={"FunctionName": "${No}"}))
        assert (names.functions, names.unbound, names.dynamic) == ({}, (), False)


def test_functions_in_branches_and_maps_are_found_in_order():
    inner = {name: task(name)["States"] for name in ("a", "b", "c", "d")}
    definition = {
        "States": {
            "P": {"Type": "Parallel", "Branches": [{"States": inner["a"]}, {"States": inner["b"]}]},
            "M": {"Type": "Map", "ItemProcessor": {"States": inner["c"]}},
            "O": {"Type": "Map", "Iterator": {"States": inner["d"]}},
        }
    }
    assert bind(definition).unbound == ("a", "b", "c", "d")
