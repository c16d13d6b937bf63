"""What `lint --fix` writes makes a machine run, changes nothing else, and is written once."""

import json
import shutil
from pathlib import Path

import pytest

from statebag import Statebag
from statebag.errors import ConfigurationError
from statebag.lint.fixing import fix
from statebag.lint.linter import Options, lint
from statebag.local import run
from statebag.local.workflow import load_workflow
from statebag.testing.process import forget
from tests.cli.program import is_one_clear_line, statebag
from tests.lint.machines import machine, task

ADOPT = Path(__file__).parents[2] / "docs" / "adopt"
HANDLERS = {"ReadPageArn": "read_page", "CheckMeterArn": "check_meter", "ReportArn": "report"}
ID = {"execution_id.$": "$$.Execution.Id"}
ADDED = {
    "ErrorEquals": ["StoreUnavailable"],
    "IntervalSeconds": 1,
    "MaxAttempts": 5,
    "BackoffRate": 2,
    "JitterStrategy": "FULL",
}


def fixed(tmp_path, definition, **options):
    """The definition after the fix, and the changes; a second fix must write nothing."""
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(definition, indent=2))
    changes = fix([file], Options(**options))
    text = file.read_bytes()
    assert not [one for one in fix([file], Options(**options)) if one.is_written]
    assert file.read_bytes() == text
    return json.loads(text), changes


@pytest.mark.parametrize("name", ["meters", "meters-jsonata"])
def test_it_leads_from_the_definition_before_to_the_one_after(name, tmp_path):
    file = tmp_path / "m.asl.json"
    shutil.copy(ADOPT / "before" / f"{name}.asl.json", file)
    result = statebag("lint", "--fix", file)
    lines = result.stdout.splitlines()
    assert file.read_bytes() == (ADOPT / "after" / f"{name}.asl.json").read_bytes()
    step = '@statebag.step(bag_path="$.state")'
    assert f"{file}: written: $.States.ReadPage: passes execution_id; put {step} " in lines[0]
    assert {"STATEBAG_CONTROL=$.more,$.meters", "STATEBAG_MOVABLE=$.readings"} <= {*lines}
    assert result.exit_code == 4  # the paths are still to be set
    environment = {"STATEBAG_STORE": (tmp_path / "store").as_uri()}
    environment |= dict(line.split("=", 1) for line in lines if line.startswith("STATEBAG_"))
    forget()
    loaded = load_workflow(
        file,
        handlers={one: f"{ADOPT}/after/meters.py:{what}" for one, what in HANDLERS.items()},
        environment=environment,
    )
    given = json.loads((ADOPT / "input.json").read_text("utf-8"))
    ran = run(loaded.definition, functions=loaded.functions, input=given, strict=True)
    assert (ran.status, ran.error, ran.cause) == ("SUCCEEDED", None, None)
    state = Statebag(environment["STATEBAG_STORE"]).open(ran.output)
    assert state["report"]["readings"] == len(given["meters"]) * 24 * 60
    forget()


def test_a_definition_in_which_nothing_is_to_be_done(tmp_path):
    for file in [*ADOPT.glob("after/*.json"), *ADOPT.parents[1].glob("examples/*/*.asl.json")]:
        copy = tmp_path / file.name
        shutil.copy(file, copy)
        assert fix([copy], Options(sealed=("*",))) == []
        assert copy.read_bytes() == file.read_bytes()


class TestPayload:
    @pytest.mark.parametrize(
        ("parameters", "after", "step"),
        [
            ({"Payload": {"a.$": "$.a"}}, {**ID, "a.$": "$.a"}, "@statebag.step around"),
            ({"Payload": {}}, ID, "@statebag.step around"),
            ({"Payload.$": "$.work"}, {**ID, "state.$": "$.work"}, '(bag_path="$.state") around'),
        ],
    )
    def test_a_function_through_invoke(self, tmp_path, parameters, after, step):
        state = task("f", sealed=False)
        state["Parameters"] = {"FunctionName": "f", **parameters}
        written, changes = fixed(tmp_path, machine(A=state))
        assert written["States"]["A"]["Parameters"] == {"FunctionName": "f", "Payload": after}
        assert step in changes[0].message
        assert written["States"]["A"]["Retry"] == [ADDED]

    @pytest.mark.parametrize(
        ("fields", "field", "after"),
        [
            ({}, "Parameters", {**ID, "state.$": "$"}),
            ({"Parameters": {"a": 1}}, "Parameters", {**ID, "a": 1}),
            (
                {"QueryLanguage": "JSONata"},
                "Arguments",
                {
                    "execution_id": "{% $states.context.Execution.Id %}",
                    "state": "{% $states.input %}",
                },
            ),
            (
                {"QueryLanguage": "JSONata", "Arguments": "{% $states.input.x %}"},
                "Arguments",
                {
                    "execution_id": "{% $states.context.Execution.Id %}",
                    "state": "{% $states.input.x %}",
                },
            ),
        ],
    )
    def test_a_function_by_its_arn(self, tmp_path, fields, field, after):
        arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
        state = {"Type": "Task", "Resource": arn, **fields}
        written, _ = fixed(tmp_path, machine(A=state))
        assert written["States"]["A"] == {**state, field: after, "Retry": [ADDED]}

    @pytest.mark.parametrize(
        "payload",
        [
            "a text",
            7,
            None,
            ["$.a"],
            {"run.$": "$$.Execution.Id"},  # its scope is named in the decorator
            {"execution_id.$": "$.id"},
        ],
    )
    def test_a_payload_that_is_not_understood_is_left(self, tmp_path, payload):
        state = task("f", sealed=False, Retry=[{"ErrorEquals": ["States.ALL"]}])
        state["Parameters"]["Payload"] = payload
        definition = machine(A=state)
        assert fixed(tmp_path, definition) == (definition, [])

    def test_a_call_without_a_payload_is_left(self, tmp_path):
        state = task("f", sealed=False)
        del state["Parameters"]["Payload"]
        definition = machine(A=state)
        assert fixed(tmp_path, definition) == (definition, [])

    def test_what_is_said_not_to_seal_or_is_accepted_is_left(self, tmp_path):
        definition = machine(A=task("f", sealed=False))
        assert fixed(tmp_path, definition, unsealed=("f",)) == (definition, [])
        assert fixed(tmp_path, definition, ignored=frozenset({"SB101"})) == (definition, [])
        definition["States"]["A"]["Comment"] = "statebag: ignore SB101 small"
        assert fixed(tmp_path, definition) == (definition, [])

    def test_a_service_is_left(self, tmp_path):
        definition = machine(
            A={
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:dynamodb:scan",
                "Parameters": {"TableName": "t"},
            },
            B={
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}},
            },
        )
        assert fixed(tmp_path, definition) == (definition, [])

    def test_a_function_that_gets_its_state_in_two_forms(self, tmp_path):
        whole = task("f", sealed=False)
        whole["Parameters"] = {"FunctionName": "f", "Payload.$": "$"}
        definition = machine(A=task("f", sealed=False), B=whole)
        written, changes = fixed(tmp_path, definition)
        assert written == definition
        assert ["two forms" in one.message for one in changes] == [True, True]

    def test_a_child_of_a_distributed_map(self, tmp_path):
        """Its own id would not open what its parent sealed."""
        inner = machine(I=task("f", sealed=False))
        inner["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        mapped = {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": inner, "ResultPath": None}
        definition = machine(M=mapped)
        written, changes = fixed(tmp_path, definition)
        assert written == definition
        assert [one.is_written for one in changes] == [False]
        assert "ItemSelector" in changes[0].message


class TestRetry:
    LAMBDA = ("Lambda.ServiceException", "Lambda.TooManyRequestsException")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ([], [ADDED]),
            (
                [{"ErrorEquals": [*LAMBDA], "MaxAttempts": 9}],
                [{"ErrorEquals": ["StoreUnavailable", *LAMBDA], "MaxAttempts": 9}],
            ),
            (
                [{"ErrorEquals": [*LAMBDA], "MaxAttempts": 0}],
                [{"ErrorEquals": [*LAMBDA], "MaxAttempts": 0}, ADDED],
            ),
            (
                [{"ErrorEquals": ["Mine", *LAMBDA]}, {"ErrorEquals": ["States.Timeout"]}],
                [{"ErrorEquals": ["Mine", *LAMBDA]}, {"ErrorEquals": ["States.Timeout"]}, ADDED],
            ),
        ],
    )
    def test_where_it_is_written(self, tmp_path, before, after):
        definition = machine(A=task("f", Retry=before))
        written, changes = fixed(tmp_path, definition)
        assert [one.message for one in changes] == ["Retry has StoreUnavailable"]
        assert written == machine(A=task("f", Retry=after))
        assert lint([tmp_path / "machine.asl.json"], Options()).findings == []

    def test_states_with_odd_names_in_machines_in_machines(self, tmp_path):
        inner = machine(**{"a b": task("f", Retry=[]), "States": task("f", Retry=[])})
        other = machine(**{"x['.y": task("f", Retry=[])})
        parallel = {"Type": "Parallel", "Branches": [inner, other], "ResultPath": None}
        written, changes = fixed(tmp_path, machine(Both=parallel))
        assert len(changes) == 3
        for branch in written["States"]["Both"]["Branches"]:
            assert all(state["Retry"] == [ADDED] for state in branch["States"].values())


@pytest.mark.parametrize("form", ["yaml", "template", "inline"])
def test_other_files_are_refused_and_not_changed(tmp_path, form):
    definition = machine(A=task("f", Retry=[]))
    resource = {"Type": "AWS::Serverless::StateMachine", "Properties": {"Definition": definition}}
    document = {"yaml": definition}.get(form, {"Resources": {"M": resource}})
    file = tmp_path / ("m.json" if form == "template" else "m.yaml")
    file.write_text(("# kept\n" if form != "template" else "") + json.dumps(document, indent=2))
    good = tmp_path / "good.asl.json"
    good.write_text(json.dumps(definition))
    before = file.read_bytes()
    result = statebag("lint", "--fix", file, good)
    assert result.exit_code == 20
    assert is_one_clear_line(result.stderr)
    assert "would lose its comments" in result.stderr
    assert file.read_bytes() == before
    assert "StoreUnavailable" in good.read_text()


def test_a_yaml_file_in_which_nothing_is_to_be_done(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text("# kept\n" + json.dumps(machine(A=task("f")), indent=2))
    assert fix([file], Options()) == []


def test_a_file_that_cannot_be_written(tmp_path, monkeypatch):
    file = tmp_path / "m.asl.json"
    file.write_text(json.dumps(machine(A=task("f", Retry=[]))))

    def full(_path, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigurationError, match="cannot be written: No space left") as caught:
        fix([file], Options())
    assert caught.value.hint


def test_the_definition_of_a_template(tmp_path):
    """Its functions' settings count, and the template itself stays."""
    definition = machine(A=task("F", sealed=False), B=task("F", Retry=[]))
    (tmp_path / "m.asl.json").write_text(json.dumps(definition, indent=2))
    template = {
        "Resources": {
            "M": {
                "Type": "AWS::Serverless::StateMachine",
                "Properties": {"DefinitionUri": "m.asl.json"},
            },
            "F": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"Environment": {"Variables": {"STATEBAG_STORE": "s3://b/p"}}},
            },
        }
    }
    file = tmp_path / "template.json"
    file.write_text(json.dumps(template))
    changes = fix([file], Options())
    found = [(one.path, one.message) for one in changes]
    # F is known to seal, so that nothing is told of its payload.
    assert found == [(f"$.States.{name}", "Retry has StoreUnavailable") for name in "AB"]
    assert json.loads(file.read_text()) == template


def test_a_function_in_another_language_is_left(tmp_path):
    definition = machine(A=task("F", sealed=False), B=task("Other", sealed=False))
    file = tmp_path / "m.asl.json"
    file.write_text(json.dumps(definition, indent=2))
    functions = {"F": "python3.12", "Other": "nodejs22.x"}
    template = {
        "Resources": {
            "M": {
                "Type": "AWS::Serverless::StateMachine",
                "Properties": {"DefinitionUri": "m.asl.json"},
            },
            **{
                name: {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": runtime}}
                for name, runtime in functions.items()
            },
        }
    }
    (tmp_path / "template.json").write_text(json.dumps(template))
    changes = fix([tmp_path / "template.json"], Options())
    (left,) = [one for one in changes if not one.is_written]
    assert left.path == "$.States.B"
    assert "Other runs on nodejs22.x, where nothing opens bags" in left.message
    after = json.loads(file.read_text())
    assert after["States"]["B"] == definition["States"]["B"]


def test_a_retry_comes_with_the_id(tmp_path):
    """The function is to be decorated, so one call writes both."""
    after, changes = fixed(tmp_path, machine(A=task("f", sealed=False, Retry=[])))
    assert after["States"]["A"]["Retry"] == [ADDED]
    assert [one.is_written for one in changes] == [True, True]


def test_a_child_of_a_distributed_map_that_has_an_id_already(tmp_path):
    work = task("f", payload={"execution_id.$": "$.execution_id"}, sealed=False)
    definition = machine(
        Each={
            "Type": "Map",
            "ItemsPath": "$.rows",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **machine(Work=work),
            },
        },
    )
    _, changes = fixed(tmp_path, definition, unsealed=())
    assert not [one for one in changes if not one.is_written]


def test_the_lines_go_to_stderr_beside_json(tmp_path):
    file = tmp_path / "m.asl.json"
    file.write_text(json.dumps(machine(A=task("f", Retry=[]))))
    result = statebag("lint", "--fix", file, "--format", "json")
    assert json.loads(result.stdout)["findings"] == []
    assert result.stderr == f"{file}: written: $.States.A: Retry has StoreUnavailable\n"
