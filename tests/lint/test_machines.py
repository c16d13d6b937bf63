"""What a template tells of its functions."""

import json
import textwrap

import pytest

from statebag.lint.linter import Options, lint
from tests.lint.machines import machine, task

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Resources:
      Flow:
        Type: AWS::Serverless::StateMachine
        Properties:
          DefinitionUri: m.asl.json
          DefinitionSubstitutions: {StepArn: !GetAtt Step.Arn}
      Step:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: code, Handler: HANDLER}
"""
STEP = "import statebag\n\n@statebag.step\ndef handler(state, context):\n    return state\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "code" / "parts").mkdir(parents=True)
    definition = machine(A=task("${StepArn}", sealed=False))
    (tmp_path / "m.asl.json").write_text(json.dumps(definition))
    return tmp_path


def told(folder, handler, **files):
    for name, text in files.items():
        (folder / "code" / f"{name.replace('__', '/')}.py").write_text(text)
    file = folder / "template.yaml"
    file.write_text(textwrap.dedent(TEMPLATE).replace("HANDLER", handler))
    return {one.code for one in lint([file], Options()).findings}


SEALS = {"SB301"}  # what seals must retry
UNSEALED = {"SB101"}


@pytest.mark.parametrize("statement", ["import bags", "from bags import sealed", "  import bags"])
def test_a_module_beside_the_handler_seals(folder, statement):
    assert told(folder, "app.handler", app=statement, bags=STEP) == SEALS


@pytest.mark.parametrize(
    "statement",
    ["import parts.bags", "from parts.bags import sealed", "from parts import other, bags"],
)
def test_a_module_of_a_package(folder, statement):
    assert told(folder, "app.handler", app=statement, parts__bags=STEP) == SEALS


def test_a_handler_in_a_package(folder):
    assert told(folder, "parts.app.handler", parts__app=STEP) == SEALS
    assert told(folder, "parts/app.handler", parts__app=STEP) == SEALS


def test_modules_that_import_each_other_and_do_not_seal(folder):
    files = {"app": "import one", "one": "import app, json", "unused": STEP}
    assert told(folder, "app.handler", **files) == UNSEALED


def test_code_that_is_not_here_says_nothing(folder):
    assert told(folder, "missing.handler") == UNSEALED
