"""Definitions in files, templates and folders."""

import json

import pytest

from statebag.asl.machines import files_below, machines_in, with_resource_texts
from statebag.asl.model import Definition, Position
from statebag.errors import ConfigurationError

MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
TEMPLATE = """
Resources:
  Inline:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionSubstitutions: {Arn: !GetAtt Step.Arn}
      Definition:
        StartAt: A
        States:
          A: {Type: Succeed}
  Text:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      DefinitionString: !Join
        - ""
        - ['{"StartAt": "A", "States": {"A": {"Type": "', !Ref Kind, '"}}}']
  File:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: m.asl.json}
  None:
    Type: AWS::Serverless::StateMachine
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "m.asl.json").write_text(json.dumps(MACHINE, indent=1))
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "notes.txt").write_text("no definition")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "m.json").write_text(json.dumps(MACHINE))
    return tmp_path


def test_each_form_of_a_definition_in_a_template(folder):
    inline, text, file = machines_in(folder / "template.yaml", named=True)
    assert (inline.name, text.name, file.name) == ("Inline", "Text", "File")
    assert inline.value == file.value == MACHINE
    assert text.value["States"]["A"]["Type"] == "${Kind}"
    assert inline.substitutions == {"Arn": {"Fn::GetAtt": ["Step", "Arn"]}}
    assert Definition(inline.value, inline.positions).position("$.States.A") == Position(10, 11)
    assert Definition(file.value, file.positions).position("$.States.A.Type") == Position(5, 4)
    assert text.positions == {}
    assert (file.file, file.folder) == (str(folder / "m.asl.json"), folder)


def test_a_folder_gives_what_may_be_a_definition(folder):
    files = [file.name for file, named in files_below([folder]) if not named]
    assert files == ["m.asl.json", "other.json", "template.yaml"]
    assert [*files_below([folder / "notes.txt"])] == [(folder / "notes.txt", True)]


def test_a_placeholder_where_a_number_is_meant(folder):
    (folder / "m.json").write_text('{"StartAt": "A", "States": {"A": {"Seconds": ${Wait}}}}')
    (machine,) = machines_in(folder / "m.json", named=True)
    assert machine.value["States"]["A"]["Seconds"] == "${Wait}"


@pytest.mark.parametrize("name", ["other.json", "notes.txt", "gone.json"])
def test_a_file_without_a_machine_is_an_error_if_it_was_named(folder, name):
    assert [*machines_in(folder / name, named=False)] == []
    with pytest.raises(ConfigurationError, match=name):
        list(machines_in(folder / name, named=True))


def test_functions_of_cloudformation_in_a_definition_are_texts(tmp_path):
    """A Resource by !Sub, !Join, !GetAtt or !Ref is text with placeholders, as in a file."""
    file = tmp_path / "template.yaml"
    file.write_text(
        """
Resources:
  M:
    Type: AWS::Serverless::StateMachine
    Properties:
      Type: EXPRESS
      Definition:
        StartAt: A
        States:
          A: {Type: Task, Resource: !Sub "arn:${AWS::Partition}:states:::sqs:sendMessage", Next: B}
          B: {Type: Task, Resource: !GetAtt Step.Arn, Next: C}
          C: {Type: Task, Resource: !Join [":", [arn, !Ref AWS::Partition, x]], Next: D}
          D: {Type: Task, Resource: !Ref Step, Parameters: {Q: !Sub ["${a}-b", {a: 1}]}, End: true}
"""
    )
    (one,) = machines_in(file, named=True)
    states = one.value["States"]
    assert one.express
    assert [states[name]["Resource"] for name in "ABCD"] == [
        "arn:aws:states:::sqs:sendMessage",
        "${Step.Arn}",
        "arn:aws:x",
        "${Step}",
    ]
    assert states["D"]["Parameters"] == {"Q": "1-b"}


def test_functions_of_cloudformation_in_a_bare_definition_are_texts_in_resources_alone(tmp_path):
    """As in definitions of the Serverless Framework."""
    definition = {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Task",
                "Resource": {"Fn::Sub": "arn:${AWS::Partition}:states:::lambda:invoke"},
                "Parameters": {
                    "FunctionName": {"Fn::GetAtt": ["pay", "Arn"]},
                    "Payload": {"Ref": "a"},
                },
                "End": True,
            }
        },
    }
    state = with_resource_texts(definition)["States"]["A"]
    assert state["Resource"] == "arn:aws:states:::lambda:invoke"
    assert state["Parameters"] == {"FunctionName": "${pay.Arn}", "Payload": {"Ref": "a"}}
    (tmp_path / "m.json").write_text(json.dumps(definition))
    (one,) = machines_in(tmp_path / "m.json", named=True)
    assert one.value["States"]["A"] == state


def test_a_truth_in_the_map_of_a_sub_is_written_as_json(tmp_path):
    text = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": ${b}, "End": true}}}'
    properties = {"DefinitionString": {"Fn::Sub": [text, {"b": True}]}}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"Resources": {"M": machine}}))
    (one,) = machines_in(file, named=True)
    assert one.value["States"]["A"]["Result"] is True


def test_a_sub_whose_names_stand_for_more_and_more_text_is_refused(tmp_path):
    value = {"Fn::Sub": "x" * 10}
    for _ in range(40):
        value = {"Fn::Sub": ["${a}${a}", {"a": value}]}
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"DefinitionString": value},
    }
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"Resources": {"M": machine}}))
    with pytest.raises(ConfigurationError, match="makes a text of more than"):
        list(machines_in(file, named=True))
