"""Files that are meant to be definitions or templates."""

from pathlib import Path

import pytest

from statebag.asl.meant_files import is_meant_by_name, is_meant_by_text


@pytest.mark.parametrize(
    "name",
    [
        "orders.asl.json",
        "ORDERS.ASL.JSON",
        "orders.asl.yaml",
        "orders.asl.yml",
        "orders.asl",
        "template.yaml",
        "template.yml",
        "template.json",
        "Stack.template.json",
        "stack.template",
    ],
)
def test_a_name_of_a_definition_or_template(name):
    assert is_meant_by_name(Path("some") / name)


@pytest.mark.parametrize(
    "name",
    ["package.json", "docker-compose.yml", "asl.json", "my-template.yaml", "template.yaml.bak"],
)
def test_a_name_of_another_file(name):
    assert not is_meant_by_name(Path("template.yaml") / name)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"StartAt": "A", "States": {', True),
        ("StartAt: A\nStates: [\n", True),
        ("Resources:\n  M: {Type: AWS::Serverless::StateMachine\n", True),
        ("Resources:\n  M: {Type: AWS::StepFunctions::StateMachine\n", True),
        ('{"name": "app", "scripts": {', False),
        ("services: [\n", False),
        ('{"StartAt": "A"', False),
        ("United States: 1", False),
        ("", False),
    ],
)
def test_a_text_with_the_fields_of_a_state_machine(text, meant):
    assert is_meant_by_text(text) is meant
