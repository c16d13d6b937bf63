"""Templates as other tools make them: the CDK, and the Serverless Framework with its plugin."""

import json

import pytest

from statebag.asl.machines import machines_in
from statebag.asl.template import Template
from statebag.errors import ConfigurationError
from statebag.lint.linter import Options, lint
from statebag.local import load_workflow, run

KEY = "0123456789abcdef" * 4 + ".json"
STEP = """import statebag

@statebag.step
def handler(state, context):
    return {"seen": True, "execution_id": state["execution_id"]}
"""
TASKS = {
    "StartAt": "Load",
    "States": {
        "Load": {"Type": "Task", "Resource": "${LoadArn}", "Next": "Sum"},
        "Sum": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${SumArn}", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": True,
        },
    },
}


def function(handler, **properties):
    code = {"S3Bucket": {"Fn::Sub": "assets-${AWS::AccountId}"}, "S3Key": "code.zip"}
    about = {"Code": code, "Handler": handler, "Runtime": "python3.11", **properties}
    return {"Type": "AWS::Lambda::Function", "Properties": about}


@pytest.fixture
def of_cdk(tmp_path):
    """As `cdk synth` writes it: a definition from a file, an alias, code as a folder."""
    out = tmp_path / "cdk.out"
    code = out / "asset.0a1b"
    code.mkdir(parents=True)
    resources = {}
    for name in ("Load", "Sum"):
        (code / f"{name.lower()}.py").write_text(STEP)
        made = function(f"{name.lower()}.handler")
        resources[name] = {**made, "Metadata": {"aws:asset:path": "asset.0a1b"}}
    named = {"FunctionName": {"Ref": "Load"}}
    resources["LoadVersion"] = {"Type": "AWS::Lambda::Version", "Properties": named}
    version = {"Fn::GetAtt": ["LoadVersion", "Version"]}
    alias = {**named, "FunctionVersion": version, "Name": "live"}
    resources["Live"] = {"Type": "AWS::Lambda::Alias", "Properties": alias}
    resources["Machine"] = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "DefinitionS3Location": {"Bucket": {"Fn::Sub": "assets"}, "Key": KEY},
            "DefinitionSubstitutions": {
                "LoadArn": {"Ref": "Live"},
                "SumArn": {"Fn::GetAtt": ["Sum", "Arn"]},
            },
        },
    }
    (out / f"asset.{KEY}").write_text(json.dumps(TASKS))
    file = out / "Orders.template.json"
    file.write_text(json.dumps({"Resources": resources}))
    return file


@pytest.fixture
def of_serverless(tmp_path):
    """As `serverless package` writes it with serverless-step-functions: names are digests."""
    (tmp_path / "handlers").mkdir()
    (tmp_path / ".serverless").mkdir()
    resources = {}
    for name in ("Load", "Sum"):
        (tmp_path / "handlers" / f"{name.lower()}.py").write_text(STEP)
        resources[f"{name}LambdaFunction"] = function(f"handlers/{name.lower()}.handler")
    text = json.dumps(TASKS).replace("LoadArn", "9cf4605e997b").replace("SumArn", "e858a7d78e01")
    names = {
        "9cf4605e997b": {"Fn::GetAtt": ["LoadLambdaFunction", "Arn"]},
        "e858a7d78e01": {"Fn::GetAtt": ["SumLambdaFunction", "Arn"]},
    }
    resources["Machine"] = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"DefinitionString": {"Fn::Sub": [text, names]}},
    }
    file = tmp_path / ".serverless" / "cloudformation-template-update-stack.json"
    file.write_text(json.dumps({"Resources": resources}))
    return file


@pytest.mark.parametrize("tool", ["of_cdk", "of_serverless"])
def test_lint_knows_what_each_function_does(tool, request):
    file = request.getfixturevalue(tool)
    report = lint([file], Options())
    assert report.machines == 1
    assert {one.code for one in report.findings} <= {"SB207", "SB301"}, "all functions seal"
    text = " ".join(one.message for one in report.findings)
    assert "9cf4605e997b" not in text
    assert "e858a7d78e01" not in text


@pytest.mark.parametrize("tool", ["of_cdk", "of_serverless"])
def test_it_runs(tool, request, tmp_path):
    file = request.getfixturevalue(tool)
    workflow = load_workflow(file, environment={"STATEBAG_STORE": f"file://{tmp_path}/store"})
    done = run(workflow, input={"execution_id": "a/b"})
    assert (done.status, done.error) == ("SUCCEEDED", None)
    assert [one.state for one in done.transitions] == ["Load", "Sum"]


def test_a_version_and_an_alias_are_the_function(of_cdk):
    document = json.loads(of_cdk.read_text())
    template = Template(of_cdk, document, parameters={}, region="us-east-1")
    resolve = template._resolver.resolve
    assert resolve({"Ref": "Live"}, "$").endswith(":function:Load:live")
    assert resolve({"Fn::GetAtt": ["Live", "AliasArn"]}, "$").endswith(":function:Load:live")
    assert resolve({"Ref": "LoadVersion"}, "$").endswith(":function:Load:1")
    assert resolve({"Fn::GetAtt": ["LoadVersion", "Version"]}, "$") == "1"


def test_values_of_a_sub(tmp_path):
    text = '{"StartAt": "${a}", "States": {"P": {"Type": "Wait", "Seconds": ${n}, "End": true}}, '
    text += '"Comment": "${!kept} ${other} ${joined}"}'
    names = {"a": "P", "n": 5, "joined": {"Fn::Join": ["-", ["x", {"Ref": "Y"}]]}}
    sub = {"Fn::Sub": [text, names]}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": sub}}
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"Resources": {"M": machine}}))
    (found,) = machines_in(file, named=True)
    assert found.value["StartAt"] == "P"
    assert found.value["States"]["P"]["Seconds"] == 5
    assert found.value["Comment"] == "${!kept} ${other} x-${Y}"


@pytest.mark.parametrize(
    "properties",
    [
        {"DefinitionS3Location": {"Bucket": "b", "Key": "orders.json"}},
        {"DefinitionUri": "s3://bucket/orders.json"},
        {"DefinitionUri": {"Bucket": "b", "Key": "orders.json"}},
    ],
)
def test_a_definition_in_a_bucket_is_not_passed_over(tmp_path, properties):
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    file = tmp_path / "template.json"
    document = {"Resources": {"M": machine}}
    file.write_text(json.dumps(document))
    report = lint([file], Options())
    assert [(one.code, one.path) for one in report.findings] == [("SB001", "$")]
    assert "the definition of M is in a bucket" in report.findings[0].message
    template = Template(file, document, parameters={}, region="us-east-1")
    with pytest.raises(ConfigurationError, match="is in S3, and is not read") as caught:
        template.definition("M", {})
    assert caught.value.hint
