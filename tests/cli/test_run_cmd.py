"""`statebag run`, from templates to exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from statebag.cli.group import cli

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Globals:
      Function:
        Environment:
          Variables: {STATEBAG_STORE: "s3://bucket/x", STATEBAG_REPLICAS: "s3://other/x", STEP: one,
            STATEBAG_CONTROL: "$.total,$.step,$.replicas"}
    Resources:
      Flow:
        Type: AWS::Serverless::StateMachine
        Properties:
          Definition:
            StartAt: Begin
            States:
              Begin:
                Type: Pass
                Parameters: {execution_id.$: $$.Execution.Id, words.$: $.words}
                Next: Grow
              Grow: {Type: Task, Resource: !GetAtt Grow.Arn, Next: Count}
              Count: {Type: Task, Resource: !GetAtt Count.Arn, End: true}
      Grow:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: grow, Handler: app.handler}
      Count:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: count
          Handler: app.handler
          Environment: {Variables: {STEP: two}}
"""
GROW = """
import os, statebag
print("GROW IS IMPORTED")
@statebag.step
def handler(state, context):
    print("grow sees", os.environ["STEP"])
    return {**state, "text": [os.urandom(300).hex() for _ in range(state["words"])]}
"""
COUNT = """
import os, statebag
@statebag.step
def handler(state, context):
    text = state.pop("text")
    return {**state, "total": sum(map(len, text)), "step": os.environ["STEP"],
            "replicas": os.environ["STATEBAG_REPLICAS"]}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("STATEBAG_STORE", "STATEBAG_PLAIN", "STATEBAG_REPLICAS", "STEP"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "template.yaml").write_text(textwrap.dedent(TEMPLATE))
    for name, code in (("grow", GROW), ("count", COUNT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(code)
    (tmp_path / "small.json").write_text('{"words": 2}')
    (tmp_path / "large.json").write_text('{"words": 1000}')
    return tmp_path


def run(*arguments, stdin=None):
    before = dict(os.environ)
    result = CliRunner().invoke(cli, ["run", *arguments], input=stdin)
    assert dict(os.environ) == before
    assert "Traceback" not in result.output
    return result


def machine(folder, states, **handlers):
    """A bare definition in a file, and one file with the functions."""
    (folder / "m.asl.json").write_text(
        json.dumps({"StartAt": next(iter(states)), "States": states})
    )
    (folder / "functions.py").write_text("\n".join(handlers.values()))
    return ["m.asl.json", *(f"--handler={name}=functions.py:{name}" for name in handlers)]


def task(function, **rest):
    return {
        "Type": "Task",
        "Resource": function,
        **({} if "Next" in rest else {"End": True}),
        **rest,
    }


def test_a_state_over_the_limit_succeeds_with_bags_and_fails_without(folder):
    sealed = run("template.yaml", "--input", "large.json", "--json")
    assert sealed.exit_code == 0, sealed.stderr
    result = json.loads(sealed.stdout)
    assert result["status"] == "SUCCEEDED"
    assert result["output"]["total"] == 600_000
    begin, grow, count = result["transitions"]
    assert (begin["usage"], grow["state"], count["kind"]) == (None, "Grow", "Task")
    assert grow["usage"]["plain_bytes"] > 600_000
    assert grow["output_bytes"] < 262_144
    assert result["totals"]["puts"] == grow["usage"]["puts"] + count["usage"]["puts"] > 0
    assert result["totals"]["largest_plain_bytes"] == grow["usage"]["plain_bytes"]
    assert list((folder / ".statebag/store").rglob("*.pack"))

    plain = run("template.yaml", "--input", "large.json", "--json", "--plain")
    assert plain.exit_code == 3
    result = json.loads(plain.stdout)
    assert (result["status"], result["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert result["output"] is None


def test_functions_see_their_own_variables_and_only_the_store_is_another(folder):
    result = json.loads(run("template.yaml", "--input", "small.json", "--json").stdout)
    assert (result["output"]["step"], result["output"]["replicas"]) == ("two", "")
    given = run("template.yaml", "--input", "small.json", "--json", "--env", "STEP=given")
    assert json.loads(given.stdout)["output"]["step"] == "given"


def test_what_functions_print_goes_to_the_standard_error(folder):
    result = run("template.yaml", "--input", "small.json", "--json")
    json.loads(result.stdout)
    assert "GROW IS IMPORTED" in result.stderr
    assert "grow sees one" in result.stderr


def test_the_table_and_the_output(folder):
    result = run("template.yaml", "--input", "large.json", "--name", "first-run", "--as-deployed")
    lines = result.stdout.splitlines()
    assert all(len(line) <= 100 for line in lines)
    [grow] = [line for line in lines if line.startswith("Grow ")]
    assert re.fullmatch(r"Grow +60\d,\d{3} +[\d,]+ +[\d.]+% +\d+ +\d+ +1 +0 +[\d.]+ s *", grow), (
        grow
    )
    assert any(line.startswith("3 transitions ") for line in lines)
    assert any(line.startswith("SUCCEEDED  first-run, ") for line in lines)
    assert '  "total": 600000,' in lines
    progress = [line.split()[:2] for line in result.stderr.splitlines()]
    assert ["1", "Begin"] in progress
    assert ["3", "Count"] in progress


def test_output_goes_whole_to_a_file(folder):
    result = run("template.yaml", "--input", "large.json", "--output", "out.json")
    assert json.loads(Path("out.json").read_text())["total"] == 600_000
    assert "The whole output is in out.json." in result.stdout
    # Opened: what the functions returned, and no stub.
    assert "__statebag__" not in Path("out.json").read_text()
    bag = run("template.yaml", "--input", "large.json", "--output", "bag.json", "--bag")
    assert bag.exit_code == 0
    assert "__statebag__" in Path("bag.json").read_text()
    assert "base64" not in bag.stdout
    assert '"data"' not in bag.stdout
    states = {"A": {"Type": "Fail", "Error": "No", "Cause": "because"}}
    failed = run(*machine(folder, states), "--output", "none.json")
    assert "none.json is not written: there is no output" in failed.stderr
    assert not Path("none.json").exists()


def test_the_input_comes_from_a_file_or_the_standard_input_or_is_empty(folder):
    arguments = [*machine(folder, {"A": {"Type": "Pass", "End": True}}), "--json"]
    assert json.loads(run(*arguments).stdout)["output"] == {}
    given = run(*arguments, "--input", "-", stdin='{"n": 123456789012345678901234567890}')
    assert json.loads(given.stdout)["output"] == {"n": 123456789012345678901234567890}


@pytest.mark.parametrize(
    ("stdin", "code", "says"),
    [
        ("{", 15, "the standard input is not JSON: line 1, column 2"),
        ("[NaN]", 15, "(at $[0])"),
        ("[1e999]", 15, "(at $[0])"),
        (json.dumps("x" * 262_143), 19, "262,145 bytes"),
    ],
)
def test_an_input_that_is_no_input(folder, stdin, code, says):
    result = run(
        *machine(folder, {"A": {"Type": "Pass", "End": True}}), "--input", "-", stdin=stdin
    )
    assert result.exit_code == code
    assert says in result.stderr
    assert result.stdout == ""


def test_an_input_that_is_not_utf8(folder):
    (folder / "latin.json").write_bytes(b'"\xe9"')
    result = run(*machine(folder, {"A": {"Type": "Succeed"}}), "--input", "latin.json")
    assert result.exit_code == 15
    assert result.stderr.startswith("error: latin.json is not UTF-8 text")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["none.yaml"], 2, "'none.yaml' does not exist"),
        (["template.yaml", "--input", "none.json"], 2, "none.json"),
        (["template.yaml", "--handler", "Grow"], 2, "NAME=MODULE:FUNCTION"),
        (["template.yaml", "--env", "A=1", "--env", "A=2"], 2, "A is given twice"),
        (["template.yaml", "--name", "a b"], 2, "1 to 80 letters"),
        (["template.yaml", "--timeout", "0"], 2, "--timeout"),
        (
            ["template.yaml", "--output", "no/folder/x"],
            20,
            "the folder of no/folder/x does not exist",
        ),
        (["template.yaml", "--store", "/dev/null/x"], 20, "/dev/null/x"),
        (["template.yaml", "--store", "ftp://x"], 20, "no store for the scheme"),
        (["template.yaml", "--machine", "No"], 20, "It has: Flow"),
        (["template.yaml", "--parameter", "No=1"], 20, "no parameter No"),
        (["broken.json"], 20, "broken.json is not JSON: line 1"),
        (["dangling.json"], 20, "there is no state 'B' here"),
        (["placeholders.json"], 20, "--handler JudgeArn=module:function"),
    ],
)
def test_bad_arguments_are_one_line_and_a_code(folder, arguments, code, says):
    (folder / "broken.json").write_text('{"StartAt": ')
    for name, resource, target in (("dangling", "x", "B"), ("placeholders", "${JudgeArn}", None)):
        state = {"Type": "Pass", "Next": target} if target else task(resource)
        text = json.dumps({"StartAt": "A", "States": {"A": state}})
        (folder / f"{name}.json").write_text(text)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert says in result.stderr
    assert result.stdout == ""
    if code > 2:
        [line] = result.stderr.splitlines()
        assert line.startswith("error: ")


def test_an_output_that_cannot_be_opened_is_an_error_that_names_the_other_way(folder):
    code = (
        "from statebag import Policy, Statebag\n"
        "def judge(e, c):\n"
        "    client = Statebag('memory://x', policy=Policy(carry_bytes=0))\n"
        "    return client.seal({'text': 'x' * 50_000}, scope='m/r')\n"
    )
    arguments = machine(folder, {"Judge": task("${judge}")}, judge=code)
    result = run(*arguments, "--output", "out.json")
    assert result.exit_code == 12
    assert "SUCCEEDED" in result.stdout
    assert "sealed: 50,011 bytes" in result.stdout
    assert "out.json is not written: " in result.stderr
    assert "--bag writes the bag itself." in result.stderr
    assert not (folder / "out.json").exists()
    assert run(*arguments, "--output", "out.json", "--bag").exit_code == 0
    assert (folder / "out.json").exists()
    assert run(*arguments, "--bag").exit_code == 2


def test_metrics_and_logs_of_functions_are_not_in_the_table(folder):
    variables = ("--env", "STATEBAG_METRICS=emf", "--env", "STATEBAG_LOG=json")
    told = run("template.yaml", "--input", "large.json", *variables)
    quiet = run("template.yaml", "--input", "large.json")
    assert told.exit_code == 0
    assert [line.split()[:2] for line in told.stdout.splitlines()[2:6]] == [
        line.split()[:2] for line in quiet.stdout.splitlines()[2:6]
    ]
    assert "_aws" not in told.stdout
    assert "_aws" in told.stderr


def test_a_plain_run_shows_the_columns_that_it_has(folder):
    result = run("template.yaml", "--input", "small.json", "--plain")
    assert result.stdout.splitlines()[0].split() == ["state", "payload", "limit", "time"]


def test_a_handler_that_raises_fails_the_execution_with_its_error_and_cause(folder):
    code = "class Rejected(Exception): pass\ndef judge(e, c):\n    raise Rejected('no good')\n"
    arguments = machine(folder, {"Judge": task("${judge}")}, judge=code)
    result = run(*arguments)
    assert result.exit_code == 3
    assert re.search(r"^Judge Rejected ", result.stdout, re.MULTILINE)
    assert "\nerror: Rejected\ncause: no good\n" in result.stdout
    assert f'File "{folder}/functions.py", line 3, in judge' in result.stdout
    body = json.loads(run(*arguments, "--json").stdout)
    assert body["error"] == "Rejected"
    assert json.loads(body["cause"])["errorMessage"] == "no good"


def test_an_execution_that_takes_too_long(folder):
    states = {"A": {"Type": "Wait", "Seconds": 600, "End": True}}
    arguments = [*machine(folder, states), "--real-time"]
    result = run(*arguments, "--timeout", "0.2", "--json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (3, "TIMED_OUT")
    assert run(*arguments, "--wait-scale", "0").exit_code == 0


def test_a_long_run_has_one_row_for_each_state(folder):
    states = {
        "All": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
            "End": True,
        }
    }
    arguments = [*machine(folder, states), "--input", "-"]
    text = json.dumps({"items": list(range(50))})
    short = run(*arguments, stdin=text).stdout
    assert re.search(r"^  One x50 ", short, re.MULTILINE)
    assert "--all" in short
    full = run(*arguments, "--all", stdin=text).stdout
    assert len(re.findall(r"^  One \[\d+\] ", full, re.MULTILINE)) == 50


PROGRAM = Path(sys.executable).with_name("statebag")


def test_the_program_itself_on_a_terminal_that_knows_ascii_only(folder):
    states = {"A": {"Type": "Pass", "Result": "h\u00e9" * 2000, "End": True}}
    result = subprocess.run(
        [PROGRAM, "run", *machine(folder, states)],
        capture_output=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert result.returncode == 0, result.stderr
    assert b"SUCCEEDED" in result.stdout
    assert b"h\\xe9h" in result.stdout


# As a shell starts a job in the background, and the other way round, whatever these tests inherit.
IGNORED = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
NOT_IGNORED = (
    sys.executable,
    "-c",
    """import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])""",
)


@pytest.mark.parametrize("started", [IGNORED, NOT_IGNORED], ids=["ignored", "not ignored"])
def test_an_interrupted_run_says_so_and_ends(folder, started):
    states = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Wait", "Seconds": 600, "End": True},
    }
    with subprocess.Popen(
        [*started, PROGRAM, "run", *machine(folder, states), "--real-time"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the first state was left: the run is under way
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=240)
        finally:
            process.kill()
    assert (process.returncode, said.splitlines()[-1]) == (130, "interrupted")


def test_the_program_itself_asks_for_an_answer_and_takes_the_pasted_command(folder):
    """One run in a process of its own, its task answered from another one, as a person would."""
    states = {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "${ask}", "Payload": {"token.$": "$$.Task.Token"}},
            "End": True,
        }
    }
    arguments = machine(folder, states, ask="def ask(event, context): return 'asked'\n")
    with subprocess.Popen(
        [PROGRAM, "run", *arguments, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.strip().startswith("echo "):
                break
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
        answered = subprocess.run(
            line,
            shell=True,
            cwd=elsewhere,
            env={**os.environ, "PATH": path},
            timeout=240,
            check=False,
            capture_output=True,
            text=True,
        )
        out, _ = process.communicate(timeout=240)
    assert (answered.returncode, answered.stderr) == (0, "answered\n")
    assert process.returncode == 0
    assert json.loads(out)["output"] == {}


def unnamed(folder):
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.route", "IsPresent": True, "Next": "End"}],
        "Default": "Missed",
    }
    states = {
        "A": task("a", Next="C"),
        "C": choice,
        "Missed": {"Type": "Fail", "Error": "Missed"},
        "End": {"Type": "Succeed"},
    }
    code = """
import statebag
@statebag.step(scope="$.run")
def a(state, context):
    return {"run": "m/e", "route": "x", "other": 1}
"""
    return machine(folder, states, a=code)


def test_a_path_that_was_not_named_ends_the_run_whatever_the_size_of_the_data(folder):
    arguments = unnamed(folder)
    Path("in.json").write_text('{"run": "m/e"}')
    refused = run(*arguments, "--input", "in.json")
    assert refused.exit_code == 3
    assert "Statebag.PathNotNamed" in refused.stdout
    assert "The state 'C' reads $.route" in refused.stdout
    assert (
        "STATEBAG_CONTROL=$.kept,$.run,$.route "
        in run(*arguments, "--input", "in.json", "--env", "STATEBAG_CONTROL=$.kept").stdout
    )
    named = run(*arguments, "--input", "in.json", "--env", "STATEBAG_CONTROL=$.kept,$.route")
    assert named.exit_code == 0
    assert run(*arguments, "--input", "in.json", "--as-deployed").exit_code == 0
    assert run(*arguments, "--input", "in.json", "--plain").exit_code == 0


def fan_in(folder, **fields):
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
        "End": True,
        **fields,
    }
    code = """
import statebag
@statebag.step(scope="$.run")
def a(state, context):
    return {"run": "m/e", "items": [1, 2, 3], "other": 1}
"""
    Path("in.json").write_text('{"run": "m/e"}')
    arguments = machine(folder, {"A": task("a", Next="Each"), "Each": each}, a=code)
    return [*arguments, "--input", "in.json"]


def test_items_that_a_comment_bounds_are_a_control_path_and_a_warning_says_what_to_set(folder):
    ran = run(*fan_in(folder, Comment="statebag: at most 3 items"))
    assert ran.exit_code == 0
    assert "warning: The functions run with STATEBAG_CONTROL=$.items, because" in ran.stderr
    assert "Set this variable on each function that you deploy" in ran.stderr


def test_what_sets_the_variable_wins_over_the_comment(folder, monkeypatch):
    arguments = fan_in(folder, Comment="statebag: at most 3 items")
    refused = run(*arguments, "--env", "STATEBAG_CONTROL=$.other")
    assert refused.exit_code == 3
    assert "The state 'Each' reads $.items" in refused.stdout
    monkeypatch.setenv("STATEBAG_CONTROL", "$.other")
    assert run(*arguments).exit_code == 3


def test_without_a_bound_the_items_have_to_be_named(folder):
    assert run(*fan_in(folder)).exit_code == 3
    deployed = run(*fan_in(folder, Comment="statebag: at most 3 items"), "--as-deployed")
    assert "The functions run with" not in deployed.stderr


def test_a_function_that_is_not_decorated_is_found(folder):
    sealing = """
import statebag
@statebag.step(scope="$.run")
def a(state, context):
    return {"rows": ["r" * 100] * 1000}
"""
    counting = "def b(event, context):\n    return {'count': len(event)}\n"
    arguments = machine(folder, {"A": task("a", Next="B"), "B": task("b")}, a=sealing, b=counting)
    Path("in.json").write_text('{"run": "m/e"}')
    for deployed in ([], ["--as-deployed"]):
        refused = run(*arguments, "--input", "in.json", *deployed)
        assert refused.exit_code == 3
        assert "Statebag.NotOpened" in refused.stdout
        assert "The state 'B' gives a stub to the function b" in refused.stdout
    allowed = run(*arguments, "--input", "in.json", "--allow-unopened", "b", "--json")
    assert allowed.exit_code == 0
    assert allowed.stderr.count("warning: The state 'B' gives a stub") == 1
    assert len(json.loads(allowed.stdout)["warnings"]) == 1


def test_a_case_of_a_mock_file_answers_the_tasks(folder):
    responses = {"Busy": {"0": {"Throw": {"Error": "Busy"}}, "1": {"Return": {"n": 7}}}}
    cases = {"BankIsBusy": {"Ask": "Busy"}}
    config = {"StateMachines": {"M": {"TestCases": cases}, "N": {"TestCases": cases}}}
    Path("mocks.json").write_text(json.dumps({**config, "MockedResponses": responses}))
    retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3600}]
    definition, *_ = machine(folder, {"Ask": task("${NobodyHere}", Retry=retry)})
    arguments = [definition, "--mocks", "mocks.json", "--case"]
    ran = run(*arguments, "M#BankIsBusy", "--json")
    assert (ran.exit_code, json.loads(ran.stdout)["output"]) == (0, {"n": 7})
    assert "Name the machine: M, N" in run(*arguments, "BankIsBusy").stderr
    assert run(definition, "--mocks", "mocks.json").exit_code == 2


def test_a_definition_with_a_syntax_error_is_an_error_with_its_line(folder):
    (folder / "m.asl.json").write_text('{"StartAt": "A",\n "States": {,}}')
    result = run("m.asl.json")
    assert result.exit_code == 20
    assert "m.asl.json is not JSON: line 2, column 13" in result.stderr


CHILDREN = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "End": True,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work",
                "States": {"Work": task("work")},
            },
        },
    },
}
WORK = "def work(event, context): raise ValueError('no such row')"


def test_the_first_failed_child_of_a_distributed_map_is_named(folder):
    (folder / "in.json").write_text("[1, 2]")
    files = machine(folder, CHILDREN["States"], work=WORK)
    failed = run(*files, "--input", "in.json")
    assert failed.exit_code == 3
    told = failed.stderr
    assert "the first failed child: ValueError in state " in told
    assert "/Work\n" in told
    assert "its cause: no such row" in told
    child, whole = (line for line in told.splitlines() if line.startswith("look into"))
    assert child.startswith("look into it: statebag log arn:")
    assert whole.startswith("look into the whole run: statebag log arn:")
    shown = CliRunner().invoke(cli, child.partition("statebag ")[2].split())
    assert "FAILED in state Work" in shown.stdout


def test_the_first_failed_child_is_named_where_a_catch_took_the_maps_error(folder):
    (folder / "in.json").write_text("[1]")
    each = {k: one for k, one in CHILDREN["States"]["Each"].items() if k != "End"}
    states = {
        "Each": {
            **each,
            "Next": "Stop",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Stop"}],
        },
        "Stop": {"Type": "Fail", "Error": "Stopped"},
    }
    failed = run(*machine(folder, states, work=WORK), "--input", "in.json")
    assert "the first failed child: ValueError" in failed.stderr
    assert "its cause: no such row" in failed.stderr


def test_of_maps_in_maps_the_innermost_child_is_named(folder):
    (folder / "in.json").write_text("[[1]]")
    outer = {
        **CHILDREN["States"]["Each"],
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **CHILDREN,
            "StartAt": "Each",
        },
    }
    failed = run(*machine(folder, {"Outer": outer}, work=WORK), "--input", "in.json")
    assert "the first failed child: ValueError" in failed.stderr
    assert "its cause: no such row" in failed.stderr


def test_without_children_nothing_is_said_of_them(folder):
    failed = run(*machine(folder, {"A": {"Type": "Fail", "Error": "No"}}))
    assert failed.exit_code == 3
    assert "child" not in failed.stderr
    assert "look into it: statebag log arn:" in failed.stderr
