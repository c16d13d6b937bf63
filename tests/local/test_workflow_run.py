from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from statebag.errors import ConfigurationError, InvalidState, LimitExceeded
from statebag.local import load_mocks, run
from tests.forks import in_child
from tests.local.machines import chain, task


def test_a_definition_may_be_a_file(tmp_path):
    file = tmp_path / "flow.asl.json"
    file.write_text(json.dumps(chain(("T", task("double")))))
    execution = run(file, input=4, functions={"double": lambda event, _: event * 2})
    assert execution.output == 8
    assert ":execution:flow:" in execution.arn


TEMPLATE = """
Resources:
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: Flow
      Definition:
        StartAt: A
        States:
          A: {Type: Task, Resource: !GetAtt Add.Arn, Next: B}
          B: {Type: Task, Resource: !GetAtt Gone.Arn, End: true}
  Add:
    Type: AWS::Serverless::Function
    Properties: {Handler: code.add, CodeUri: ., Environment: {Variables: {MORE: "3"}}}
  Gone:
    Type: AWS::Serverless::Function
    Properties: {Handler: nowhere.handler, CodeUri: .}
"""


CODE = """
import os
def add(event, context):
    return event + int(os.environ["MORE"])
"""


def test_a_definition_may_be_a_template_whose_functions_run(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "code.py").write_text(CODE)
    execution = run(str(tmp_path / "template.yaml"), input=1, mocks={"B": {"Return": "mocked"}})
    assert execution.output == "mocked"
    assert '"4"' not in str(execution.history)
    assert any(
        event.get("lambdaFunctionSucceededEventDetails", {}).get("output") == "4"
        for event in execution.history
    )


@pytest.mark.parametrize("value", [float("nan"), {1: 2}.keys(), "\ud800"])
def test_an_input_that_is_no_json_is_refused(value):
    with pytest.raises(InvalidState, match="the input"):
        run(chain(("P", {"Type": "Pass"})), input=value)


def test_an_input_over_the_limit_is_refused_with_both_sizes():
    with pytest.raises(LimitExceeded, match=r"262,146 bytes.*262,144"):
        run(chain(("P", {"Type": "Pass"})), input="x" * 262_144)


def test_a_definition_is_not_changed_and_may_change_afterwards():
    definition = chain(("P", {"Type": "Pass", "Result": {"a": [1]}}))
    before = json.dumps(definition)
    output = run(definition).output
    output["a"].append(2)
    assert json.dumps(definition) == before
    assert run(definition).output == {"a": [1]}


def test_a_structure_that_is_wrong_is_refused_with_its_place():
    with pytest.raises(ConfigurationError) as caught:
        run({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
    assert caught.value.path == "$.States.A.Next"


def test_runs_in_several_threads_at_once():
    definition = chain(
        ("T", task(Retry=[{"ErrorEquals": ["States.ALL"]}])), ("P", {"Type": "Wait", "Seconds": 9})
    )
    ended = {}

    def go(n):
        ended[n] = run(definition, input=n, functions={"work": lambda event, _: event * 10}).output

    threads = [threading.Thread(target=go, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {n: n * 10 for n in range(6)}


def test_a_run_inside_of_a_run():
    inner = chain(("P", {"Type": "Pass", "Result": "inner"}))
    execution = run(chain(("T", task())), functions={"work": lambda *_: run(inner).output})
    assert execution.output == "inner"


def test_an_express_machine_waits_for_nobody():
    state = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
    with pytest.raises(ConfigurationError, match="Express"):
        run(chain(("T", state)), type="EXPRESS", mocks={"T": {"Return": 1}})


def test_nothing_of_aws_is_loaded_where_it_is_not_used():
    code = (
        "import sys\n"
        "from statebag.local import run\n"
        "d = {'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'Next': 'B'},"
        " 'B': {'Type': 'Task', 'Resource': 'f', 'End': True}}}\n"
        "assert run(d, functions={'f': lambda e, c: 1}).output == 1\n"
        "print([m for m in ('moto', 'boto3', 'botocore', 'jsonata', 'yaml', 'jsonpath_ng')"
        " if m in sys.modules])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert told.stdout.strip() == "[]"


def test_a_workflow_without_services_needs_no_extra(monkeypatch):
    import boto3  # what a program has imported for its own sake

    assert boto3.__name__ in sys.modules
    for module in ("workflow_run", "interpreter.run_check"):
        monkeypatch.setattr(f"statebag.local.{module}.find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "moto", None)
    assert run(chain(("P", {"Type": "Pass", "Result": 1}))).output == 1
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets"}
    with pytest.raises(ConfigurationError, match="moto") as caught:
        run(chain(("T", state)))
    assert "statebag[local]" in caught.value.hint
    with pytest.raises(ConfigurationError, match="jsonata-python") as caught:
        run(chain(("P", {"Type": "Pass", "QueryLanguage": "JSONata"})))
    assert caught.value.path == "$.States.P"


def test_what_a_listener_raises_ends_the_run():
    def listen(_arn, event):
        if event["type"] == "WaitStateEntered":
            raise KeyError("mine")

    inner = chain(("W", {"Type": "Wait", "Seconds": 5}), ("P", {"Type": "Pass"}))
    definition = chain(("M", {"Type": "Map", "ItemProcessor": inner}))
    with pytest.raises(KeyError, match="mine"):
        run(definition, input=[1, 2], on_event=listen)
    assert run(definition, input=[1, 2]).output == [1, 2]


def test_mocks_of_a_file(tmp_path):
    file = tmp_path / "mocks.json"
    file.write_text(
        json.dumps(
            {
                "StateMachines": {"Flow": {"TestCases": {"Retried": {"T": "Twice"}}}},
                "MockedResponses": {
                    "Twice": {"0-1": {"Throw": {"Error": "A"}}, "2": {"Return": 5}}
                },
            }
        )
    )
    definition = chain(("T", task(Retry=[{"ErrorEquals": ["A"]}])))
    assert run(definition, mocks=load_mocks(file, "Retried")).output == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_child_runs_workflows_of_its_own():
    definition = chain(
        ("P", {"Type": "Pass", "Output": "{% $sum([1, $states.input]) %}"}),
        ("T", {"Type": "Task", "Resource": "work", "Arguments": "{% $states.input + 1 %}"}),
        QueryLanguage="JSONata",
    )

    def go():
        return run(definition, input=1, functions={"work": lambda event, _: event * 10}).output

    assert go() == 30
    assert in_child(go) == 30
    assert go() == 30
