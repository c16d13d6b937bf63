"""Intrinsic functions, each against what CloudFormation documents."""

import pytest

from statebag.asl.cloudformation import Resolver
from statebag.errors import ConfigurationError

TEMPLATE = {
    "Parameters": {
        "Stage": {"Type": "String", "Default": "dev"},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Needed": {"Type": "String"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/my/setting"},
    },
    "Resources": {
        "Fn": {"Type": "AWS::Serverless::Function"},
        "Named": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"FunctionName": {"Fn::Sub": "judge-${Stage}"}, "AutoPublishAlias": "up"},
        },
        "Flow": {"Type": "AWS::Serverless::StateMachine", "Properties": {"Name": "flow"}},
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
        "Other": {"Type": "AWS::MSK::Cluster"},
    },
}


def resolver(**parameters):
    return Resolver(TEMPLATE, parameters, "eu-west-1")


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "Fn"}, "Fn"),
        ({"Ref": "Named"}, "judge-dev"),
        ({"Ref": "Named.Alias"}, "arn:aws:lambda:eu-west-1:123456789012:function:judge-dev:up"),
        ({"Ref": "Bucket"}, "Bucket"),
        ({"Ref": "Queue"}, "https://sqs.eu-west-1.amazonaws.com/123456789012/q"),
        ({"Ref": "Flow"}, "arn:aws:states:eu-west-1:123456789012:stateMachine:flow"),
        ({"Fn::GetAtt": ["Fn", "Arn"]}, "arn:aws:lambda:eu-west-1:123456789012:function:Fn"),
        ({"Fn::GetAtt": "Named.Arn"}, "arn:aws:lambda:eu-west-1:123456789012:function:judge-dev"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::Bucket"),
        ({"Fn::GetAtt": ["Queue", "QueueName"]}, "q"),
        (
            {"Fn::Sub": "${Fn.Arn}:$LATEST"},
            "arn:aws:lambda:eu-west-1:123456789012:function:Fn:$LATEST",
        ),
        ({"Fn::Sub": "${!Kept} ${Stage}"}, "${Kept} dev"),
        ({"Fn::Sub": ["${A}-${Stage}", {"A": {"Ref": "Fn"}, "Stage": 2}]}, "Fn-2"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 3]]}, "a-dev-3"),
        ({"Fn::Select": [1, {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": ["|", "x|y"]}]}, "x"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "Stage"}]}, {"b": ["dev"]}),
        ({"Ref": "Stage", "beside": 1}, {"Ref": "Stage", "beside": 1}),
    ],
)
def test_intrinsics(value, resolved):
    assert resolver().resolve(value, "$") == resolved


def test_a_given_parameter_wins_over_the_default_and_serves_where_there_is_none():
    given = resolver(Stage="prod", Needed="n", Stored="s")
    assert given.text({"Fn::Sub": "${Stage}${Needed}${Stored}"}, "$") == "prodns"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"Ref": "Nobody"}, "no such parameter or resource"),
        ({"Ref": "Needed"}, "--parameter Needed=VALUE"),
        ({"Ref": "Stored"}, "--parameter Stored=VALUE"),
        ({"Ref": ["x"]}, "Ref must have a name, not"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "no such resource"),
        ({"Fn::GetAtt": ["Other", "Arn"]}, "AWS::MSK::Cluster"),
        ({"Fn::GetAtt": ["Bucket", "DomainName"]}, "does not know Fn::GetAtt"),
        ({"Fn::GetAtt": "Fn"}, "must have a resource and an attribute, not"),
        ({"Fn::Sub": "${Nobody}"}, "no such parameter or resource"),
        ({"Fn::Sub": 3}, "Fn::Sub must have a string"),
        ({"Fn::If": ["C", 1, 2]}, "Fn::If: the template has no condition"),
        ({"Fn::ImportValue": "x"}, "does not evaluate Fn::ImportValue"),
        ({"Fn::Join": ["", "text"]}, "Fn::Join must have a list"),
        ({"Fn::Select": [5, ["a"]]}, "no item 5"),
        ({"Fn::Split": ["", "a"]}, "delimiter"),
    ],
)
def test_what_cannot_be_resolved_says_where(value, says):
    with pytest.raises(ConfigurationError) as caught:
        resolver().resolve({"X": value}, "$.Resources")
    assert says in str(caught.value)
    assert caught.value.path == "$.Resources.X"


def test_an_unknown_parameter_is_refused():
    with pytest.raises(ConfigurationError, match="no parameter Stagee"):
        resolver(Stagee="x")


def test_text_is_asked_for_and_a_list_is_there():
    with pytest.raises(ConfigurationError, match="must be a string or a number, not list"):
        resolver().text({"Ref": "Zones"}, "$")
    assert [resolver().text(value, "$") for value in (True, 5, 1.5)] == ["true", "5", "1.5"]


def test_functions_inside_of_functions_do_not_multiply():
    text: object = "x" * 10
    for _ in range(40):
        text = {"Fn::Sub": ["${A}${A}", {"A": text}]}
    with pytest.raises(ConfigurationError, match="more than 4,000,000 characters"):
        resolver().text(text, "$")
    empty: object = ""
    for _ in range(40):
        empty = {"Fn::Sub": ["${A}${A}", {"A": empty}]}
    assert resolver().text(empty, "$") == ""
    long = {"Fn::Join": ["", ["x" * 3_000_000, "x" * 3_000_000]]}
    with pytest.raises(ConfigurationError, match="more than 4,000,000 characters"):
        resolver().text(long, "$")


def test_a_name_of_two_others_is_computed_once():
    resources = {
        f"R{n}": {
            "Type": "AWS::SNS::Topic" if n % 2 else "AWS::S3::Bucket",
            "Properties": {
                ("TopicName" if n % 2 else "BucketName"): {
                    "Fn::Select": [0, [{"Ref": f"R{n + 1}"}, {"Ref": f"R{n + 1}"}]]
                }
            },
        }
        for n in range(40)
    }
    resources["R40"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "end"}}
    made = Resolver({"Resources": resources}, {}, "us-east-1")
    assert made.name_of("R0").endswith("end")


@pytest.mark.parametrize(
    "properties",
    [
        {"FunctionName": {"Ref": "Live"}, "Name": "live"},
        {"FunctionName": {"Fn::GetAtt": ["Live", "AliasArn"]}, "Name": "live"},
        {"FunctionName": "work", "Name": {"Fn::Sub": "${Live.AliasArn}"}},
    ],
)
@pytest.mark.parametrize("value", [{"Ref": "Live"}, {"Fn::GetAtt": ["Live", "AliasArn"]}])
def test_a_reference_that_needs_its_own_value_is_refused(properties, value):
    alias = {"Type": "AWS::Lambda::Alias", "Properties": properties}
    with pytest.raises(ConfigurationError, match="refers to itself") as refused:
        Resolver({"Resources": {"Live": alias}}, {}, "eu-west-1").resolve(value, "$.V")
    assert refused.value.path.startswith("$.Resources.Live.Properties.")


def test_a_long_chain_of_references_is_refused():
    resources = {
        f"A{n}": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": f"A{n + 1}"}, "Name": "live"},
        }
        for n in range(2_000)
    }
    with pytest.raises(ConfigurationError, match="more than 50 values refer to each other"):
        Resolver({"Resources": resources}, {}, "eu-west-1").resolve({"Ref": "A0"}, "$.V")
