"""What `init` finds out: paths before anything is decorated, functions without code, the file."""

import json

import pytest

from statebag.cli.workflow_facts import facts_of, found_template
from statebag.errors import ConfigurationError

DEFINITION = {
    "StartAt": "Read",
    "States": {
        "Read": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${Read}", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Next": "More",
        },
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.더", "BooleanEquals": True, "Next": "Read"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}


def sam(code, definition=DEFINITION):
    return {
        "Resources": {
            "ReadFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": code, "Handler": "app.read", "Runtime": "python3.12"},
            },
            "Flow": {
                "Type": "AWS::Serverless::StateMachine",
                "Properties": {
                    "Definition": definition,
                    "DefinitionSubstitutions": {"Read": {"Fn::GetAtt": ["ReadFunction", "Arn"]}},
                },
            },
        }
    }


@pytest.fixture
def template(tmp_path):
    def written(value, name="template.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")
        return tmp_path / name

    (tmp_path / "app.py").write_text("def read(event, context): return event\n")
    return written


def test_paths_are_found_before_a_function_is_decorated(template, tmp_path):
    facts = facts_of(template(sam(".")))
    assert facts.control == ("$.더",)
    assert facts.undecorated == ("ReadFunction",)
    assert facts.handlers == {}
    (tmp_path / "app.py").write_text("import statebag\n")
    after = facts_of(template(sam(".")))
    assert (after.control, after.undecorated) == (("$.더",), ())


def test_a_function_whose_code_is_elsewhere_needs_a_name(template):
    facts = facts_of(template(sam("s3://bucket/key")))
    assert facts.handlers == {"ReadFunction": ""}
    assert facts_of(template(DEFINITION, "m.asl.json")).handlers == {"Read": ""}


def test_a_template_of_the_cdk_leads_to_its_code(template, tmp_path):
    made = sam({"S3Bucket": "b", "S3Key": "k"})
    function = made["Resources"]["ReadFunction"]
    function["Type"] = "AWS::Lambda::Function"
    function["Properties"]["Code"] = function["Properties"].pop("CodeUri")
    function["Metadata"] = {"aws:asset:path": "asset.1"}
    file = template(made, "cdk.out/S.template.json")
    assert facts_of(file).handlers == {"ReadFunction": ""}
    (tmp_path / "cdk.out" / "asset.1").mkdir()
    (tmp_path / "cdk.out" / "asset.1" / "app.py").write_text("def read(e, c): return e\n")
    facts = facts_of(file)
    assert (facts.handlers, facts.undecorated) == ({}, ("ReadFunction",))


def test_mistakes_are_counted(template):
    broken = {**DEFINITION, "States": {**DEFINITION["States"], "X": {"Type": "Task"}}}
    assert facts_of(template(broken, "m.asl.json")).problems > 0
    assert facts_of(template(DEFINITION, "m.asl.json")).problems == 0


def test_the_one_file_of_a_folder(template, tmp_path):
    with pytest.raises(ConfigurationError, match=r"no template\.yaml and no"):
        found_template(tmp_path)
    (tmp_path / "cdk.json").write_text("{}")
    with pytest.raises(ConfigurationError) as caught:
        found_template(tmp_path)
    assert "cdk synth" in caught.value.hint
    (tmp_path / "cdk.json").unlink()
    first = template(DEFINITION, "a.asl.json")
    assert found_template(tmp_path) == first
    template(DEFINITION, "b.asl.json")
    with pytest.raises(ConfigurationError, match=r"2 files with a workflow: a\.asl\.json"):
        found_template(tmp_path)
    of_sam = template(sam("."))
    assert found_template(tmp_path) == of_sam
