"""Mappings and Conditions: as in the CloudFormation User Guide ("Intrinsic function reference")."""

import json

import pytest

from statebag.asl.cloudformation import Resolver
from statebag.errors import ConfigurationError
from tests.asl.test_template import template

CONDITIONS = {
    "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]},
    "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsDev"}]},
    "Any": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsDev"}]},
    "Same": {"Fn::Equals": [{"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Items"]}, "10"]},
    "Loop": {"Condition": "Loop"},
    "Odd": {"Fn::Contains": [["a"], "a"]},
}
MAPPINGS = {"Sizes": {"prod": {"Items": 10, "Names": ["a", "b"]}, "dev": {"Items": 1}}}


def resolved(value, stage="prod", resources=None):
    template = {
        "Parameters": {"Stage": {"Type": "String", "Default": "dev"}},
        "Mappings": MAPPINGS,
        "Conditions": CONDITIONS,
        "Resources": resources or {},
    }
    return Resolver(template, {"Stage": stage}, "eu-west-1").resolve(value, "$.V")


@pytest.mark.parametrize(
    ("name", "prod", "dev"),
    [
        ("IsProd", True, False),
        ("IsDev", False, True),
        ("Both", False, False),
        ("Any", True, True),
        ("Same", True, False),
    ],
)
def test_a_condition_chooses_one_of_two_values(name, prod, dev):
    value = {"Fn::If": [name, {"Ref": "Stage"}, "other"]}
    assert resolved(value) == ("prod" if prod else "other")
    assert resolved(value, "dev") == ("dev" if dev else "other")


def test_the_value_that_is_not_chosen_is_not_evaluated():
    assert resolved({"Fn::If": ["IsProd", 1, {"Fn::ImportValue": "x"}]}) == 1


def test_a_property_or_an_item_may_be_left_out():
    without = {"Fn::If": ["IsDev", "x", {"Ref": "AWS::NoValue"}]}
    assert resolved({"a": 1, "b": without}) == {"a": 1}
    assert resolved([1, without]) == [1]
    nested = {"Fn::If": ["IsProd", without, 2]}
    assert resolved({"a": nested}) == {}


def test_a_value_in_a_mapping():
    find = {"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Items"]}
    assert (resolved(find), resolved(find, "dev")) == (10, 1)
    assert resolved({"Fn::Join": ["-", {"Fn::FindInMap": ["Sizes", "prod", "Names"]}]}) == "a-b"
    assert resolved({"Fn::Sub": ["${N}!", {"N": find}]}) == "10!"


def test_a_default_of_a_mapping():
    value = {"Fn::FindInMap": ["Sizes", "test", "Items", {"DefaultValue": {"Ref": "Stage"}}]}
    assert resolved(value) == "prod"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"Fn::FindInMap": ["Sizes", "test", "Items"]}, "Sizes.test.Items"),
        ({"Fn::FindInMap": ["Gone", "test", "Items"]}, "Gone.test.Items"),
        ({"Fn::FindInMap": "Sizes"}, "a mapping and two keys"),
        ({"Fn::If": ["Gone", 1, 2]}, "no condition of this name"),
        ({"Fn::If": [["IsProd"], 1, 2]}, "no condition of this name"),
        ({"Fn::If": ["IsProd", 1]}, "a condition and two values"),
        ({"Fn::If": ["Loop", 1, 2]}, "that refers to itself"),
        ({"Fn::If": ["Odd", 1, 2]}, "must be one of Fn::Equals"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_its_place(value, says):
    with pytest.raises(ConfigurationError, match=says) as refused:
        resolved(value)
    assert refused.value.path.startswith("$.")


def test_a_name_may_depend_on_a_condition():
    name = {"Fn::If": ["IsProd", "orders", {"Ref": "AWS::NoValue"}]}
    resources = {"Work": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}}
    value = {"Fn::GetAtt": ["Work", "QueueUrl"]}
    home = "https://sqs.eu-west-1.amazonaws.com/123456789012"
    assert resolved(value, resources=resources) == f"{home}/orders"
    assert resolved(value, "dev", resources=resources) == f"{home}/Work"


@pytest.mark.parametrize(
    ("kind", "attribute", "value"),
    [
        ("AWS::SNS::Topic", "TopicArn", "arn:aws:sns:eu-west-1:123456789012:R"),
        ("AWS::SNS::Topic", "TopicName", "R"),
        ("AWS::Events::EventBus", "Name", "R"),
        ("AWS::Events::EventBus", "Arn", "arn:aws:events:eu-west-1:123456789012:event-bus/R"),
        ("AWS::ECS::Cluster", "Arn", "arn:aws:ecs:eu-west-1:123456789012:cluster/R"),
    ],
)
def test_attributes_of_resources_that_workflows_use(kind, attribute, value):
    resources = {"R": {"Type": kind}}
    assert resolved({"Fn::GetAtt": ["R", attribute]}, resources=resources) == value


@pytest.mark.parametrize("attribute", ["Arn", "CollectionEndpoint"])
def test_what_only_aws_knows_can_be_given_as_a_substitution(tmp_path, attribute):
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Where}"}}}
    definition["States"]["A"]["End"] = True
    resources = {
        "R": {"Type": "AWS::OpenSearchServerless::Collection"},
        "M": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Definition": definition,
                "DefinitionSubstitutions": {"Where": {"Fn::GetAtt": ["R", attribute]}},
            },
        },
    }
    found = template(tmp_path, json.dumps({"Resources": resources}))
    with pytest.raises(ConfigurationError) as refused:
        found.definition("M", {})
    assert refused.value.hint == "Give it a value: --substitution Where=VALUE"
    given = found.definition("M", {"Where": "here"})
    assert given["States"]["A"]["Result"] == "here"


def test_a_mapping_has_no_functions_to_evaluate():
    """As in CloudFormation; such a function could refer to its own place."""
    inner = {"Fn::FindInMap": ["A", "a", "b"]}
    found = Resolver({"Mappings": {"A": {"a": {"b": inner}}}, "Resources": {}}, {}, "eu-west-1")
    assert found.resolve(inner, "$.V") == inner


def test_many_conditions_that_refer_to_each_other_are_refused():
    chain = {f"C{n}": {"Condition": f"C{n + 1}"} for n in range(2_000)}
    resolver = Resolver({"Conditions": chain, "Resources": {}}, {}, "eu-west-1")
    with pytest.raises(ConfigurationError, match="more than 50 conditions"):
        resolver.resolve({"Fn::If": ["C0", 1, 2]}, "$.V")


def test_a_condition_without_a_value_is_refused_alike_each_time():
    without = {"Fn::Equals": [{"Fn::ImportValue": "x"}, "a"]}
    resolver = Resolver({"Conditions": {"C": without}, "Resources": {}}, {}, "eu-west-1")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="Fn::ImportValue"):
            resolver.resolve({"Fn::If": ["C", 1, 2]}, "$.V")
