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
    inline, text, file, none = machines_in(folder / "template.yaml", named=True)
    assert none.value is None
    assert "does not have Definition" in str(none.problem)
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


@pytest.mark.parametrize(
    ("name", "text", "position"),
    [
        ("a.asl.json", '{"StartAt": "A",\n "States": {,}}', Position(2, 13)),
        ("a.asl.json", '{"StartAt": "A"', Position(1, 16)),
        ("a.asl.yaml", "StartAt: A\nStates: [\n", Position(3, 1)),
        ("a.asl", "{,}", Position(1, 2)),
        ("template.yaml", "Resources:\n  A: {\n", Position(3, 1)),
        ("template.yml", "A: 1\nA: 2\n", Position(2, 1)),
        ("flow.json", '{"StartAt": "A",\n "States": {,}}', Position(2, 13)),
        ("deploy.yml", "M: {Type: AWS::Serverless::StateMachine\n", Position(2, 1)),
    ],
)
def test_what_is_meant_to_be_a_definition_and_cannot_be_read_is_not_skipped(
    tmp_path, name, text, position
):
    (tmp_path / name).write_text(text)
    (one,) = machines_in(tmp_path / name, named=False)
    assert one.value is None
    assert one.problem is not None
    assert one.positions == {"$": position}
    with pytest.raises(ConfigurationError, match=rf"line {position.line}\b"):
        list(machines_in(tmp_path / name, named=True))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"name": '),
        ("docker-compose.yml", "services: [\n"),
        ("template.yaml", "Resources: {}\n"),  # a template without a machine
        ("template.yaml", "kind: Pod\n"),
    ],
)
def test_files_of_other_kinds_are_skipped(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert [*machines_in(tmp_path / name, named=False)] == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"StartAt": "\xff"}', "is not UTF-8"),
        (b"[1]", "is not a state machine's definition"),
        (b" " * 4_000_001, "more than 4,000,000 bytes"),
        (None, "there is no file"),
    ],
)
def test_a_definition_that_is_no_text_is_not_skipped(tmp_path, content, found):
    file = tmp_path / "m.asl.json"
    if content is None:
        file.symlink_to(tmp_path / "gone.json")
    else:
        file.write_bytes(content)
    ((path, named),) = files_below([tmp_path])
    (one,) = machines_in(path, named=named)
    assert found in str(one.problem)


def test_a_misspelt_field_keeps_a_definition_in_the_lint(tmp_path):
    (tmp_path / "m.asl.json").write_text('{"StartAt": "A", "Sates": {}}')
    (one,) = machines_in(tmp_path / "m.asl.json", named=False)
    assert one.value == {"StartAt": "A", "Sates": {}}


@pytest.mark.parametrize(
    ("properties", "file", "found"),
    [
        ({"DefinitionUri": "gone.asl.json"}, "gone.asl.json", "there is no file"),
        ({"DefinitionUri": "bad.asl.json"}, "bad.asl.json", "is not JSON"),
        ({"DefinitionUri": "s3://bucket/key"}, "template.json", "in a bucket"),
        ({"DefinitionString": {"Ref": "Text"}}, "template.json", "only the deployment knows"),
        ({"DefinitionString": "{,}"}, "template.json", "neither JSON nor YAML"),
        ({}, "template.json", "does not have Definition"),
        (None, "template.json", "does not have Definition"),
    ],
)
def test_a_machine_of_a_template_whose_definition_cannot_be_read(tmp_path, properties, file, found):
    (tmp_path / "bad.asl.json").write_text("{,}")
    machine = {"Type": "AWS::Serverless::StateMachine", "Properties": properties}
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Resources": {"M": machine}}, indent=1))
    (one,) = machines_in(template, named=False)
    assert one.value is None
    assert found in str(one.problem)
    assert one.file == str(tmp_path / file)
    if file == "template.json":
        assert one.positions == {"$": Position(3, 3)}


def test_a_named_file_is_given_once(tmp_path):
    (tmp_path / "m.asl.json").write_text(json.dumps(MACHINE))
    file = tmp_path / "m.asl.json"
    assert [*files_below([tmp_path, file])] == [(file, True)]
