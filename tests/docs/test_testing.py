"""The page on tests: its five lines, in a project of their own."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
TEMPLATE = """
Resources:
  Orders: {Type: AWS::Serverless::SimpleTable, Properties: {TableName: orders}}
  Load:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: ., Handler: app.load, Environment: {Variables: {TABLE: !Ref Orders}}}
  Sum:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: ., Handler: app.sum_up}
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Load
        States:
          Load:
            Type: Task
            Resource: !GetAtt Load.Arn
            Parameters: {execution_id.$: $$.Execution.Id, orders.$: $.orders}
            Next: Sum
          Sum: {Type: Task, Resource: !GetAtt Sum.Arn, End: true}
"""
CODE = """
import os
import boto3
import statebag

@statebag.step
def load(state, context):
    found = boto3.client("dynamodb").scan(TableName=os.environ["TABLE"])["Items"]
    return {**state, "rows": [found] * 5_000}

@statebag.step
def sum_up(state, context):
    return {**state, "status": "DONE" if len(state["rows"][0]) == 1 else "EMPTY"}
"""


def test_the_five_lines_test_a_workflow(tmp_path):
    section = PAGE.read_text("utf-8").partition("## In CI, in five lines")[2]
    code = re.search(r"^```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1]
    assert len(code.strip().splitlines()) == 5
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "app.py").write_text(CODE)
    (tmp_path / "test_workflow.py").write_text(code)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_what_the_table_names_is_there():
    from statebag.testing import pytest_plugin
    from statebag.testing.ran_workflow import RanWorkflow

    section = PAGE.read_text("utf-8").partition("## In CI, in five lines")[2].partition("\n## ")[0]
    for name in re.findall(r"^\| `ran\.(\w+)", section, re.MULTILINE):
        assert name == "execution" or callable(getattr(RanWorkflow, name))
    assert {"run_workflow", "statebag_store"} <= set(pytest_plugin.__all__)
