"""SAM and CloudFormation templates: state machines, functions, and what is no use here."""

import json
import textwrap

import pytest

from statebag.asl.documents import parse_document
from statebag.asl.template import Template, parse_definition
from statebag.errors import ConfigurationError

DEFINITION = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Word}", "End": True}}}


def template(folder, text, *, region="us-east-1", **parameters):
    document = parse_document(textwrap.dedent(text), "template.yaml")
    return Template(folder / "template.yaml", document, parameters=parameters, region=region)


def machine(folder, properties):
    return template(folder, '{"Resources": {"M": ' + json.dumps(properties) + "}}")


def result(definition):
    return definition["States"]["A"]["Result"]


@pytest.mark.parametrize(
    "kind", ["AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine"]
)
@pytest.mark.parametrize(
    "form",
    [
        {"DefinitionUri": "flow.asl.json"},
        {"DefinitionUri": "flow.asl.yaml"},
        {"Definition": DEFINITION},
        {"DefinitionString": json.dumps(DEFINITION)},
        {"DefinitionString": {"Fn::Sub": [json.dumps(DEFINITION), {"Word": "${Word}"}]}},
        {
            "DefinitionString": {
                "Fn::Join": ["", [json.dumps(DEFINITION)[:9], json.dumps(DEFINITION)[9:]]]
            }
        },
    ],
)
def test_every_form_of_a_definition_is_found_and_substituted(tmp_path, kind, form):
    (tmp_path / "flow.asl.json").write_text(json.dumps(DEFINITION))
    (tmp_path / "flow.asl.yaml").write_text(
        "StartAt: A\nStates:\n  A:\n    Type: Pass\n    Result: ${Word}\n    End: true\n"
    )
    properties = {**form, "DefinitionSubstitutions": {"Word": {"Ref": "AWS::Region"}}}
    document = {"Type": kind, "Properties": properties}
    found = machine(tmp_path, document).definition("M", {})
    assert found["States"]["A"] == {"Type": "Pass", "Result": "us-east-1", "End": True}
    assert result(machine(tmp_path, document).definition("M", {"Word": "given"})) == "given"


def test_placeholders_without_a_substitution_stay_as_they_are_on_aws(tmp_path):
    document = {"Type": "AWS::Serverless::StateMachine", "Properties": {"Definition": DEFINITION}}
    assert result(machine(tmp_path, document).definition("M", {})) == "${Word}"


def test_a_placeholder_outside_of_quotes_becomes_a_number():
    text = '{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": ${Wait}, "End": true}}}'
    assert parse_definition(text, "m.json", {"Wait": 5})["States"]["W"]["Seconds"] == 5
    with pytest.raises(ConfigurationError, match="--substitution Wait=VALUE"):
        parse_definition(text, "m.json", {})


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({}, "does not have Definition"),
        ({"DefinitionUri": "absent.json"}, "there is no file"),
        ({"DefinitionUri": "s3://bucket/key"}, "in S3"),
        ({"DefinitionUri": {"Bucket": "b", "Key": "k"}}, "in S3"),
        ({"Definition": {"StartAt": "A"}}, "not a state machine's definition"),
        ({"DefinitionString": "{"}, "M is neither JSON nor YAML"),
        ({"Definition": {"Fn::Transform": {"Name": "AWS::Include"}}}, "Fn::Transform"),
        ({"Definition": DEFINITION, "DefinitionSubstitutions": {"W": {"Fn::If": []}}}, "Fn::If"),
    ],
)
def test_a_definition_that_is_not_there_says_why(tmp_path, properties, says):
    document = {"Type": "AWS::Serverless::StateMachine", "Properties": properties}
    with pytest.raises(ConfigurationError, match=says):
        machine(tmp_path, document).definition("M", {})


FUNCTIONS = """
    Parameters:
      Stage: {Type: String, Default: dev}
    Globals:
      Function:
        Runtime: python3.13
        CodeUri: code/
        Environment:
          Variables: {SHARED: global, LEVEL: low, STATEBAG_STORE: s3://bucket/x}
    Resources:
      Shared:
        Type: AWS::Serverless::LayerVersion
        Properties: {ContentUri: layer/}
      Plain:
        Type: AWS::Serverless::Function
        Properties:
          Handler: app.handler
      Named:
        Type: AWS::Serverless::Function
        Properties:
          FunctionName: !Sub judge-${Stage}
          CodeUri: ./other
          Handler: judge.run
          Layers: [!Ref Shared, "arn:aws:lambda:us-east-1:1:layer:tools:3"]
          Environment:
            Variables: {LEVEL: high, TABLE: !Ref Table, VERBOSE: true, FAR: !ImportValue far}
      Table:
        Type: AWS::DynamoDB::Table
      Old:
        Type: AWS::Lambda::Function
        Properties: {Handler: app.handler, Code: code, Runtime: python3.12}
      Image:
        Type: AWS::Serverless::Function
        Properties: {PackageType: Image}
      Node:
        Type: AWS::Serverless::Function
        Properties: {Handler: app.handler, Runtime: nodejs22.x}
      Inline:
        Type: AWS::Lambda::Function
        Properties: {Handler: index.handler, Code: {ZipFile: "x"}}
      InBucket:
        Type: AWS::Serverless::Function
        Properties: {Handler: index.handler, CodeUri: s3://b/k.zip}
      Nowhere:
        Type: AWS::Serverless::Function
        Properties: {Handler: index.handler, CodeUri: nowhere}
      NoHandler:
        Type: AWS::Serverless::Function
      LostLayer:
        Type: AWS::Serverless::Function
        Properties: {Handler: app.handler, Layers: [!Ref Lost]}
      Lost:
        Type: AWS::Serverless::LayerVersion
        Properties: {ContentUri: lost/}
"""


@pytest.fixture
def functions(tmp_path):
    for folder in ("code", "other", "layer/python"):
        (tmp_path / folder).mkdir(parents=True)
    return template(tmp_path, FUNCTIONS)


def test_a_function_with_all_from_globals(functions, tmp_path):
    source = functions.function("Plain", {})
    assert (source.name, source.handler) == ("Plain", "app.handler")
    assert source.folders == (tmp_path / "code",)
    assert source.environment == {
        "SHARED": "global",
        "LEVEL": "low",
        "STATEBAG_STORE": "s3://bucket/x",
    }
    assert source.origin == "template.yaml, function Plain"


def test_its_own_settings_win_over_globals_and_the_callers_over_both(functions, tmp_path):
    source = functions.function("Named", {"FAR": "near", "SHARED": None, "STATEBAG_STORE": "x"})
    assert source.name == "judge-dev"
    assert source.folders == (tmp_path / "other", tmp_path / "layer/python")
    assert source.environment == {
        "LEVEL": "high",
        "TABLE": "Table",
        "VERBOSE": "true",
        "FAR": "near",
        "STATEBAG_STORE": "x",
    }


def test_a_plain_cloudformation_function(functions, tmp_path):
    assert functions.function("Old", {}).folders == (tmp_path / "code",)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Image", "container image.*--handler Image=module:function"),
        ("Node", "nodejs22.x.*--handler Node=module:function"),
        ("Inline", "does not have the code of the function"),
        ("InBucket", "does not have the code of the function"),
        ("Nowhere", "nowhere, which is not a folder"),
        ("NoHandler", "has no Handler"),
        ("LostLayer", "the folder of the layer Lost"),
        ("Named", r"Fn::ImportValue.*Variables\.FAR.*--env FAR=VALUE"),
    ],
)
def test_a_function_that_cannot_run_here_says_why_and_what_to_do(functions, name, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        functions.function(name, {})
    assert caught.value.path is not None
    assert caught.value.path.startswith("$.Resources.")


def test_names_by_logical_id(functions):
    assert functions.functions()["Named"] == "judge-dev"
    assert "Table" not in functions.functions()


def test_a_document_without_resources_is_no_template(tmp_path):
    with pytest.raises(ConfigurationError, match="no Resources"):
        template(tmp_path, "Resources: 3")


def test_a_value_in_many_places_is_bounded():
    text = json.dumps(DEFINITION | {"Comment": "${Word}" * 5_000})
    with pytest.raises(ConfigurationError, match="once \\$\\{Word\\} and the placeholders"):
        parse_definition(text, "m.json", {"Word": "x" * 1_000})


def test_a_placeholder_without_quotes_in_yaml_becomes_a_number_or_a_truth():
    """AWS substitutes in the text of the definition, before it reads it."""
    text = """
StartAt: W
States:
  W:
    Type: Wait
    Seconds: ${Wait}  # seconds
    Next: P
  P:
    Type: Pass
    Result:
      count: "${Wait}"
      flag: ${Flag}
      text: ${Text}
      other: '${Flag} it is'
      list:
        - ${Half}
    End: true
"""
    values = {"Wait": "5", "Flag": "true", "Text": "a: b", "Half": "0.5"}
    states = parse_definition(text.replace('"${Wait}"', "n${Wait}"), "m.yaml", values)["States"]
    assert states["W"]["Seconds"] == 5
    assert states["P"]["Result"] == {
        "count": "n5",
        "flag": True,
        "text": "a: b",
        "other": "true it is",
        "list": [0.5],
    }
    quoted = parse_definition(text, "m.yaml", values)["States"]
    assert quoted["P"]["Result"]["count"] == "5"


def test_a_placeholder_with_and_without_quotes_stays_a_text():
    """Which of them is which is not known once the text was read."""
    states = "StartAt: P\nStates: {P: {Type: Pass, End: true}}\n"
    text = f"{states}Comment: '${{N}}'\nX: ${{N}}\n"
    assert parse_definition(text, "m.yaml", {"N": "5"})["X"] == "5"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"Fn::ImportValue": "shared"}, "Give it a value: --substitution Word=VALUE"),
        ({"Ref": "Nobody"}, "Give it a value: --substitution Word=VALUE"),
        ({"Ref": "Needed"}, "--parameter Needed=VALUE"),
    ],
)
def test_a_substitution_that_is_not_evaluated_is_given_as_the_hint_says(tmp_path, value, hint):
    properties = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "DefinitionString": json.dumps(DEFINITION),
            "DefinitionSubstitutions": {"Word": value},
        },
    }
    document = {"Parameters": {"Needed": {"Type": "String"}}, "Resources": {"M": properties}}
    with pytest.raises(ConfigurationError) as caught:
        template(tmp_path, json.dumps(document)).definition("M", {})
    assert hint in caught.value.hint
    assert caught.value.path == "$.Resources.M.Properties.DefinitionSubstitutions.Word"
    given = {"Word": "값"} if "substitution" in hint else {}
    parameters = {} if given else {"Needed": "값"}
    made = template(tmp_path, json.dumps(document), **parameters).definition("M", given)
    assert result(made) == "값"


def test_a_variable_that_is_not_evaluated_is_given_as_the_hint_says(tmp_path):
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Handler": "app.handler",
            "CodeUri": ".",
            "Environment": {"Variables": {"TABLE": {"Fn::ImportValue": "shared"}}},
        },
    }
    found = template(tmp_path, json.dumps({"Resources": {"F": function}}))
    with pytest.raises(ConfigurationError) as caught:
        found.environment("F", {})
    assert caught.value.hint == "Give it a value: --env TABLE=VALUE"
    assert found.environment("F", {"TABLE": "orders"})["TABLE"] == "orders"


def test_a_variable_or_a_substitution_that_a_condition_leaves_out_is_not_there(tmp_path):
    without = {"Fn::If": ["Never", "x", {"Ref": "AWS::NoValue"}]}
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${B}", "End": True}}}
    resources = {
        "F": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Environment": {"Variables": {"A": without, "B": "b"}}},
        },
        "M": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Definition": definition,
                "DefinitionSubstitutions": {"B": without},
            },
        },
    }
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    found = template(tmp_path, json.dumps({"Conditions": conditions, "Resources": resources}))
    assert found.environment("F", {}) == {"B": "b"}
    assert found.definition("M", {})["States"]["A"]["Result"] == "${B}"
