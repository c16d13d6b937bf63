"""The hints about definitions, histories, Step Functions and the command line."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError, NoRegionError

from statebag import Policy, Statebag
from statebag.asl import documents
from statebag.asl.arns import ACCOUNT, parse_execution_arn
from statebag.asl.cloudformation import Resolver
from statebag.asl.definition import problems_of
from statebag.asl.documents import read_text
from statebag.asl.machines import machines_in
from statebag.asl.template import Template, parse_definition
from statebag.cli.bag_source import read_file_or_execution
from statebag.cli.executions import Executions
from statebag.cli.json_input import read_json
from statebag.cli.json_output import check_output
from statebag.cli.path_argument import path_argument
from statebag.cli.stores import check_scope_is_there
from statebag.collector import lambda_handler as collect
from statebag.history.events import history_of
from statebag.history.replay import transitions
from statebag.history.standing import standing
from statebag.lint.linter import Options, lint
from statebag.local.settings_file import settings_file
from statebag.opening.map_results import read_map_results
from statebag.sinks.from_environment import watchers
from statebag.state_data_manager import ACTIONS, lambda_handler
from statebag.stepfunctions import query, start_execution
from statebag.stepfunctions.execution_ends import execution_ends
from statebag.stepfunctions.workflows import Asked
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from tests.bags import noise
from tests.hints.trial import Trial, check_trial
from tests.history.test_replay import events
from tests.test_collector import CONTEXT

PREFIX = f"arn:aws:states:us-east-1:{ACCOUNT}"
ARN = f"{PREFIX}:execution:Main:run-1"
MACHINE = f"{PREFIX}:stateMachine:Orders"
PASS = {"Type": "Pass", "End": True}
IMPORTED = {"Fn::ImportValue": "shared"}  # which only AWS knows


def machine(**states):
    return {"StartAt": next(iter(states)), "States": states}


def checked(definition):
    """Raise the first problem of a definition."""
    for problem in problems_of(definition):
        raise problem


def settings(world, text, name="statebag.toml"):
    return settings_file(world.file(name, text).parent)


def resolved(value, **given):
    return Resolver({"Parameters": {"Stage": {}}, "Resources": {}}, given, "eu-west-1").resolve(
        value, "$"
    )


def template(world, resources):
    document = {"Resources": resources}
    path = world.file("template.json", json.dumps(document))
    return Template(path, document, parameters={}, region="eu-west-1")


def definition_of(world, properties):
    kind = "AWS::Serverless::StateMachine"
    return template(world, {"M": {"Type": kind, "Properties": properties}}).definition("M", {})


def function_of(world, **properties):
    kind = "AWS::Serverless::Function"
    return template(world, {"F": {"Type": kind, "Properties": properties}}).function("F", {})


def machines(world, name, value):
    found = list(machines_in(world.file(name, json.dumps(value)), named=True))
    assert found
    return found


def templated(**properties):
    kind = "AWS::StepFunctions::StateMachine"
    return {"Resources": {"M": {"Type": kind, "Properties": properties}}}


def loaded(world, name, value):
    """Raise what is wrong with the machine of a file."""
    (one,) = machines(world, name, value)
    if one.problem is not None:
        raise one.problem


def history(*told):
    return history_of(ARN, "Main", events(*told))


STARTED = ("ExecutionStarted", {"input": '{"n": 1}'})
CUT = ("ExecutionStarted", {"input": '{"n": ', "inputDetails": {"truncated": True}})
WITHOUT = ("PassStateEntered", {"name": "A"})


class Answers:
    """boto3's client of Step Functions, with one answer for all requests."""

    def __init__(self, **answer):
        self.answer = answer

    def describe_execution(self, **_):
        if "code" in self.answer:
            raise ClientError({"Error": {"Code": self.answer["code"]}}, "DescribeExecution")
        if "error" in self.answer:
            raise self.answer["error"]
        return self.answer


DONE = {"status": "SUCCEEDED", "output": '{"n": 1}'}


def asked(**answer):
    return query(Statebag(MemoryStore()), ARN, client=Answers(**answer))


def ended(code=None):
    answer = {"code": code} if code else {"status": "RUNNING", "startDate": None}
    return execution_ends(PREFIX, client=Answers(**answer))("Main/run-1")


def started(arn):
    class Starts:
        def start_execution(self, **_):
            return {"executionArn": ARN}

    return start_execution(Statebag(MemoryStore()), arn, {"n": 1}, client=Starts())


def scope_of(world, scope):
    store = FileStore(world.folder)
    Statebag(store, policy=Policy(carry_bytes=0)).seal({"t": noise(40_000, 1)}, scope="m/e")
    check_scope_is_there(store, scope)


def results(world, transformation=None, *, roots=(), second=None):
    """The children of a Map Run in a folder that may lie outside the client's root."""
    bucket = world.folder / uuid.uuid4().hex
    bucket.mkdir()
    store = FileStore(bucket)
    child = {"ExecutionArn": ARN, "Name": "run-1", "Status": "SUCCEEDED", "Input": "{}"}
    records = [{**child, "Output": "1"}, second or {**child, "Output": "2"}]
    store.put("map/s.json", json.dumps(records).encode())
    store.put(
        "map/manifest.json",
        json.dumps(
            {
                "DestinationBucket": "b",
                "MapRunArn": f"{PREFIX}:mapRun:Main:1",
                "ResultFiles": {"SUCCEEDED": [{"Key": "map/s.json", "Size": 1}]},
            }
        ).encode(),
    )
    details = {"Bucket": "b", "Key": "map/manifest.json"}
    return list(read_map_results(lambda _, key: (store, key), details, transformation))


def outside_roots(world, roots=()):
    from statebag.opening.result_roots import ResultRoots

    world.setenv("AWS_ACCESS_KEY_ID", "k")
    world.setenv("AWS_SECRET_ACCESS_KEY", "s")
    world.setenv("AWS_REGION", "eu-west-1")
    return ResultRoots(FileStore(world.folder), Policy(result_roots=roots)).locate("b", "map/a")


def on_path(text, value):
    return path_argument(text).of(value)


def bag_at(world):
    """The two ways to name an event, of an execution whose history is kept here."""
    from statebag.local import run

    run(
        machine(A=PASS),
        functions={},
        input={"n": 1},
        name="Main",
        execution_name="run-1",
        histories=world.folder,
    )
    executions = Executions(world.folder)
    assert executions.bag(ARN, 1) == read_file_or_execution(f"{ARN}@1", executions) == {"n": 1}


def where_it_ended():
    failed = ("TaskStateEntered", {"name": "A", "input": "{}"}), ("ExecutionFailed", {"error": "E"})
    told = history(STARTED, *failed)
    assert standing(told, transitions(told)).state.path == "Main/A"


TRIALS = (
    Trial(
        "Correct the file, or remove it.",
        lambda w: settings(w, "template = "),
        lambda w: settings(w, "template = 'x'"),
    ),
    Trial(
        "Did you mean {}? | The settings are {}.",
        lambda w: settings(w, "templat = 'x'"),
        lambda w: settings(w, "template = 'x'"),
        "Did you mean template?",
    ),
    Trial(
        "Write [tool.statebag].",
        lambda w: settings(w, "[tool]\nstatebag = 'x'", "pyproject.toml"),
        lambda w: settings(w, "[tool.statebag]\nstore = 'x'", "pyproject.toml"),
    ),
    Trial(
        "docs/settings.md has an example of each.",
        lambda w: settings(w, "env = 'A=1'"),
        lambda w: settings(w, "env = {A = '1'}"),
    ),
    Trial(
        "`statebag log` shows the numbers.",
        lambda _: parse_execution_arn(f"{ARN}@last"),
        lambda _: parse_execution_arn(f"{ARN}@{history(STARTED).events[-1].id}"),
    ),
    Trial(
        "{} _FORM",
        lambda _: parse_execution_arn("arn:aws:states"),
        lambda _: parse_execution_arn(ARN),
        "Use arn:aws:states:<region>:<account>:execution:<state machine>:<name>.",
    ),
    Trial(
        "Look for Fn::Sub or Fn::Join inside another one: each may multiply the text",
        lambda _: resolved({"Fn::Join": ["x" * 4096, ["y"] * 1024]}),
        lambda _: resolved({"Fn::Join": ["x", ["y"] * 1024]}),
    ),
    Trial(
        "It has: {}",
        lambda _: resolved("x", Stagee="a"),
        lambda _: resolved("x", Stage="a"),
        "It has: Stage",
    ),
    Trial(
        "Give one: --parameter {}=VALUE",
        lambda _: resolved({"Ref": "Stage"}),
        lambda _: resolved({"Ref": "Stage"}, Stage="a"),
    ),
    Trial(
        "Use {}.",
        lambda _: checked(machine(A={"Type": "Passs", "End": True})),
        lambda _: checked(machine(A=PASS)),
        "Use Task, ",
    ),
    Trial(
        "The states here are {}.",
        lambda _: checked(machine(A={"Type": "Pass", "Next": "B"})),
        lambda _: checked(machine(A={"Type": "Pass", "Next": "C"}, C=PASS)),
    ),
    Trial(
        "Rename one: names are unique in the definition, branches and maps included.",
        lambda _: checked(
            machine(A={"Type": "Parallel", "End": True, "Branches": [machine(A=PASS)]})
        ),
        lambda _: checked(
            machine(A={"Type": "Parallel", "End": True, "Branches": [machine(B=PASS)]})
        ),
    ),
    Trial(
        "{} _LIMITS",
        lambda w: read_text(w.file("a.json", b"x" * (documents.MOST_BYTES + 1))),
        lambda w: read_text(w.file("a.json", b"x" * documents.MOST_BYTES)),
        "A file may have 4,000,000 bytes",
    ),
    Trial(
        'It is a JSON or YAML object with "StartAt" and "States", or a template',
        lambda w: machines(w, "m.json", {"n": 1}),
        lambda w: machines(w, "m.json", machine(A=PASS)),
    ),
    Trial(
        'It is a JSON object with "StartAt" and "States"',
        lambda _: parse_definition('{"n": 1}', "m", {}),
        lambda _: parse_definition(json.dumps(machine(A=PASS)), "m", {}),
    ),
    Trial(
        "A definition has at most 1 MB: look for a value that is itself a long text",
        lambda _: parse_definition("${A}" * 500, "m", {"A": "x" * 10_000}),
        lambda _: parse_definition(
            json.dumps(machine(A={**PASS, "Result": "${A}"})), "m", {"A": "x"}
        ),
    ),
    Trial(
        "{} hint",
        lambda w: function_of(w, PackageType="Image"),
        lambda w: function_of(w, Handler="module.function", Runtime="python3.13"),
        "Put a Python function in its place: --handler F=module:function",
    ),
    Trial(
        "Write the value there, or a parameter with a Default",
        lambda w: definition_of(w, {"Definition": machine(A={**PASS, "Result": IMPORTED})}),
        lambda w: definition_of(w, {"Definition": machine(A={**PASS, "Result": "shared"})}),
    ),
    Trial(
        "Name a template, a definition (*.asl.json), or a folder that has one.",
        lambda w: lint([w.folder], Options()),
        lambda w: (w.file("m.asl.json", json.dumps(machine(A=PASS))), lint([w.folder], Options())),
    ),
    Trial(
        "Name the definition's file.",
        lambda w: loaded(w, "t.json", templated(DefinitionString={"Fn::ImportValue": "m"})),
        lambda w: loaded(w, "m.asl.json", machine(A=PASS)),
    ),
    Trial(
        "Give it one of them.",
        lambda w: loaded(w, "t.json", templated()),
        lambda w: loaded(w, "t.json", templated(DefinitionString=json.dumps(machine(A=PASS)))),
    ),
    Trial(
        "Run the template as it was before packaging, or the definition's file",
        lambda w: definition_of(w, {"DefinitionUri": "s3://bucket/m.json"}),
        lambda w: (
            w.file("m.json", json.dumps(machine(A=PASS))),
            definition_of(w, {"DefinitionUri": "m.json"}),
        ),
    ),
    Trial(
        "Use either --at or ARN@EVENT.",
        lambda w: Executions(w.folder).bag(f"{ARN}@2", 3),
        bag_at,
    ),
    Trial(
        "{} hint",
        lambda w: read_json(str(w.file("a.json", '{"n": 1}'.encode("utf-16")))),
        lambda w: read_json(str(w.file("a.json", b'{"n": 1}'))),
        "Save it as UTF-8 without a byte order mark",
    ),
    Trial(
        "Make it, or choose another place for --output",
        lambda w: check_output(w.folder / "new" / "out.json"),
        lambda w: (
            (w.folder / "new").mkdir(),
            check_output(w.folder / "new" / "out.json"),
            check_output(w.folder / "out.json"),
        ),
    ),
    Trial(
        "{} self._there(value)",
        lambda _: on_path("$.a[-9]", [1, 2]),
        lambda _: on_path("$.a[-2]", [1, 2]),
        "At $.a is an array of 2 items.",
    ),
    Trial(
        "{} _HINT",
        lambda _: on_path("$[?(@.a =~ /x/)]", [{"a": "x"}]),
        lambda _: on_path("$[?(@.a == 'x' && !(@.b < 1 || @.b >= 9))]", [{"a": "x", "b": 2}]),
        "Compare with ==, !=, <, <=, > or >=, and combine with &&, || and !.",
    ),
    Trial("Check the name, or {}", lambda w: scope_of(w, "m/f"), lambda w: scope_of(w, "m/e")),
    Trial(
        "Give {}.",
        lambda w: (w.setenv("STATEBAG_STORE", "memory://h"), collect({"keep": 7}, CONTEXT)),
        lambda w: (w.setenv("STATEBAG_STORE", "memory://h"), collect({"keep": ["m/e"]}, CONTEXT)),
        "Give a list of strings.",
    ),
    Trial(
        "Its settings are {}.",
        lambda w: (w.setenv("STATEBAG_STORE", "memory://h"), collect({"dry": True}, CONTEXT)),
        lambda w: (w.setenv("STATEBAG_STORE", "memory://h"), collect({"dry_run": True}, CONTEXT)),
    ),
    Trial(
        "Give a finite number, at most 999999999.",
        lambda _: collect({"retention_days": float("inf")}, CONTEXT),
        lambda w: (
            w.setenv("STATEBAG_STORE", "memory://h"),
            collect({"retention_days": 999999999}, CONTEXT),
        ),
    ),
    Trial(
        "What is left of it cannot be opened; look at the event before or after it.",
        lambda _: history(CUT).payload_at(1).value(),
        lambda _: (
            history(CUT, ("PassStateEntered", {"name": "A", "input": "{}"})).payload_at(2).value()
        ),
    ),
    Trial(
        "Read the history with its execution data.",
        lambda _: history(WITHOUT).payload_at(1).value(),
        lambda _: history(STARTED).payload_at(1).value(),
    ),
    Trial(
        "Ask again in a moment.",
        lambda _: history().payload_at(),
        lambda _: history(STARTED, ("PassStateEntered", {"name": "A", "input": "{}"})).payload_at(),
    ),
    Trial(
        "Use {}, or None.",
        lambda w: results(w, "OTHER"),
        lambda w: (results(w, "NONE"), results(w, None)),
    ),
    Trial(
        "Pass the transformation that the ResultWriter's WriterConfig names.",
        lambda w: results(w, "NONE", second={"n": 1}),
        lambda w: results(w, "COMPACT", second={"n": 1}),
    ),
    Trial(
        "Name their address in Policy.result_roots (STATEBAG_RESULT_ROOTS).",
        outside_roots,
        lambda w: outside_roots(w, ("s3://b/map",)),
    ),
    Trial(
        "STATEBAG_METRICS=emf, STATEBAG_LOG=json, STATEBAG_TRACING=otel.",
        lambda w: (w.setenv("STATEBAG_METRICS", "yes"), watchers()),
        lambda w: (w.setenv("STATEBAG_METRICS", "emf"), watchers()),
    ),
    Trial(
        "Use {}.",
        lambda _: lambda_handler({"action": "nothing"}),
        lambda w: (
            w.setenv("STATEBAG_STORE", "memory://h"),
            lambda_handler({"action": next(iter(ACTIONS)), "state_data": {}}),
        ),
        "Use update_and_compress, ",
    ),
    Trial(
        "Use arn:aws:states:<region>:<account>.",
        lambda _: execution_ends("arn:aws:s3"),
        lambda _: execution_ends(PREFIX, client=Answers()),
    ),
    Trial(
        "Allow states:DescribeExecution, or leave this account out: without an answer a year is"
        " added.",
        lambda _: ended("AccessDeniedException"),
        lambda _: ended(),
    ),
    Trial(
        "Use arn:aws:states:<region>:<account>:stateMachine:<name>.",
        lambda _: started("Orders"),
        lambda _: started(MACHINE),
    ),
    Trial(
        "Use arn:aws:states:<region>:<account>:execution:<state machine>:<name>.",
        lambda _: query(Statebag(MemoryStore()), "run-1", client=Answers(**DONE)),
        lambda _: asked(**DONE),
    ),
    Trial("Ask again when it has.", lambda _: asked(status="RUNNING"), lambda _: asked(**DONE)),
    Trial(
        "`statebag log` shows where it ended.",
        lambda _: asked(status="FAILED"),
        lambda _: where_it_ended(),
    ),
    Trial(
        "Allow states:{}.",
        lambda _: asked(code="AccessDeniedException"),
        lambda _: asked(**DONE),
        "Allow states:DescribeExecution.",
    ),
    Trial(
        "Allow kms:Decrypt with the state machine's key.",
        lambda _: asked(code="KmsAccessDeniedException"),
        lambda _: asked(**DONE),
    ),
    Trial(
        "Set credentials and AWS_DEFAULT_REGION.",
        lambda _: asked(error=NoRegionError()),
        lambda w: (
            [w.setenv(name, "k") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")],
            w.setenv("AWS_DEFAULT_REGION", "eu-west-1"),
            Asked(None, None),
        ),
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: (trial.shown or trial.hint)[:60])
def test_a_hint_is_given_and_helps(trial, tmp_path, monkeypatch):
    check_trial(trial, tmp_path, monkeypatch)
