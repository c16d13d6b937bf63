"""docs/adopt.md as a new user follows it: each definition, change and command."""

import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from statebag import Policy, Statebag, sdk_task
from statebag.local import run as run_workflow
from statebag.local.workflow import load_workflow
from statebag.testing.process import forget
from tests.cli.program import statebag

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adopt.md").read_text("utf-8")
FOLDER = ROOT / "docs" / "adopt"
NAMES = ("meters", "meters-jsonata")
INPUT = json.loads((FOLDER / "input.json").read_text("utf-8"))
CONTROL = "$.more,$.meters"
MOVABLE = "$.readings"
LIMIT = 262_144
MAP_OVER_NO_LIST = {"meters": "States.Runtime", "meters-jsonata": "States.QueryEvaluationError"}
HANDLERS = {"ReadPageArn": "read_page", "CheckMeterArn": "check_meter", "ReportArn": "report"}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def run(when, name, environment, input_value=INPUT, functions=None, *, strict=True):
    forget()
    loaded = load_workflow(
        FOLDER / when / f"{name}.asl.json",
        handlers={
            placeholder: f"{FOLDER / (functions or when)}/meters.py:{function}"
            for placeholder, function in HANDLERS.items()
        },
        environment=environment,
    )
    return run_workflow(
        loaded.definition, functions=loaded.functions, input=input_value, strict=strict
    )


@pytest.fixture
def store(tmp_path):
    return (tmp_path / "store").as_uri()


@pytest.fixture
def sealed(store):
    return {"STATEBAG_STORE": store, "STATEBAG_CONTROL": CONTROL, "STATEBAG_MOVABLE": MOVABLE}


@pytest.fixture(scope="module")
def expected():
    """What the plain functions make of the input, called one after the other."""
    spec = importlib.util.spec_from_file_location("plain_meters", FOLDER / "before" / "meters.py")
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    state = plain.read_page(INPUT, None)
    while state["more"]:
        state = plain.read_page(state, None)
    state["checks"] = [
        plain.check_meter({"meter": meter, "readings": state["readings"]}, None)
        for meter in state["meters"]
    ]
    state = plain.report(state, None)
    assert len(json.dumps(state)) > 4 * LIMIT
    return state


@pytest.mark.parametrize("name", NAMES)
def test_before_it_fails_at_the_limit(name, store):
    ran = run("before", name, {"STATEBAG_STORE": store, "STATEBAG_PLAIN": "1"})
    assert (ran.status, ran.error) == ("FAILED", "States.DataLimitExceeded")


@pytest.mark.parametrize("name", NAMES)
def test_after_it_ends_with_the_very_state(name, sealed, store, expected):
    ran = run("after", name, sealed)
    assert (ran.status, ran.error, ran.cause) == ("SUCCEEDED", None, None)
    assert len(json.dumps(ran.output)) < LIMIT // 3
    assert Statebag(store).open(ran.output) == expected


@pytest.mark.parametrize("name", NAMES)
def test_without_the_control_paths_a_moved_field_fails_the_definition_not_the_data(name, store):
    """Why STATEBAG_CONTROL is asked for: a Map over what left plain form finds a stub."""
    many = {"meters": [f"meter {n:03} {'x' * 600}" for n in range(60)], "hour": 22}
    state = {**many, "more": False, "readings": []}
    without = Statebag(store, policy=Policy()).seal(state, scope="machine/run")
    named = Policy(control=tuple(CONTROL.split(",")))
    assert not isinstance(without["meters"], list)
    kept = Statebag(store, policy=named).seal(state, scope="machine/run")
    assert kept["meters"] == many["meters"]
    deployed = {"input_value": many, "strict": False}
    ran = run("after", name, {"STATEBAG_STORE": store}, **deployed)
    assert (ran.status, ran.transitions[-1].state) == ("FAILED", "CheckMeters")
    control = {"STATEBAG_STORE": store, "STATEBAG_CONTROL": CONTROL}
    assert run("after", name, control, **deployed).status == "SUCCEEDED"


@pytest.mark.parametrize("name", NAMES)
def test_back_to_plain_with_what_is_in_flight(name, sealed, store):
    small = {"meters": ["m-01"]}
    back = {**sealed, "STATEBAG_PLAIN": "1"}
    ran = run("after", name, back, small)
    assert ran.status == "SUCCEEDED"
    assert "__statebag__" not in json.dumps(ran.output)
    assert run("after", name, back).error == "States.DataLimitExceeded"
    # An execution whose bag was made before, and whose next step is plain.
    bag = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256)).seal(
        {**ran.output, "hour": 22, "more": True}, scope="machine/run"
    )
    assert "__statebag__" in json.dumps(bag)
    last = run("after", name, back, bag)
    assert last.status == "SUCCEEDED"
    assert len(last.output["readings"]) == 24 * 60 + 60


def test_running_executions_need_the_functions_they_began_with(store, sealed):
    ran = run("before", "meters", sealed, functions="after")
    assert (ran.status, ran.error) == ("FAILED", "InvalidState")


def listed(when, store):
    """The listing of a bucket whose objects' names have more bytes than a payload may."""
    forget()
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="pages")
        for number in range(270):
            s3.put_object(Bucket="pages", Key=f"{number:03}/{'x' * 1000}", Body=b"1234")
        handlers = {"SummarizeArn": f"{FOLDER / when}/listing.py:summarize"}
        if when == "after":
            handlers["SdkTaskArn"] = "statebag.sdk_task:lambda_handler"
        loaded = load_workflow(
            FOLDER / when / "listing.asl.json",
            handlers=handlers,
            environment={"STATEBAG_STORE": store, "STATEBAG_SDK_CALLS": "s3:listObjectsV2"},
        )
        return [
            run_workflow(
                loaded.definition,
                functions=loaded.functions,
                input={"bucket": bucket},
                strict=False,
            )
            for bucket in ("pages", "no-such-bucket")
        ]


def test_a_task_without_a_function(store):
    before, _ = listed("before", store)
    assert (before.status, before.error) == ("FAILED", "States.DataLimitExceeded")
    after, nothing = listed("after", store)
    assert (after.status, after.output) == ("SUCCEEDED", {"count": 270, "bytes": 1080})
    assert (nothing.status, nothing.output) == ("SUCCEEDED", {"count": 0, "bytes": 0})


def test_the_fields_of_its_event_are_on_the_page():
    section = PAGE.partition("### A Task without a function")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert {*named, "state_name"} == set(sdk_task._KNOWN)


@pytest.mark.parametrize("block", blocks("diff"), ids=lambda block: block.splitlines()[0])
def test_each_change_leads_from_one_file_to_the_other(block):
    old, new, *lines = block.splitlines()
    assert old.startswith("--- before/")
    assert new.startswith("+++ after/")
    before = [line[1:] for line in lines if line[:1] in "- "]
    after = [line[1:] for line in lines if line[:1] in "+ "]
    assert {line[:1] for line in lines} >= {"+", " "}
    assert "\n".join(before) in (FOLDER / old[4:]).read_text("utf-8")
    assert "\n".join(after) in (FOLDER / new[4:]).read_text("utf-8")


def test_nothing_else_is_changed():
    """Undoing what the page says gives the file from before."""
    for name in NAMES:
        before = json.loads((FOLDER / "before" / f"{name}.asl.json").read_text("utf-8"))
        after = json.loads((FOLDER / "after" / f"{name}.asl.json").read_text("utf-8"))
        assert undone(after) == before
    text = (FOLDER / "after" / "meters.py").read_text("utf-8")
    text = text.replace('@statebag.step(bag_path="$.state")\n', "").replace(
        "import statebag\n\n", ""
    )
    plain = (FOLDER / "before" / "meters.py").read_text("utf-8")
    assert text.split('"""', 2)[2] == plain.split('"""', 2)[2]


def undone(value):
    if isinstance(value, list):
        return [undone(item) for item in value if item != "StoreUnavailable"]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, member in value.items():
        if key == "Payload" and isinstance(member, dict):
            (inner,) = (name for name in member if name.startswith("state"))
            found[inner.replace("state", "Payload")] = member[inner]
        else:
            found[key] = undone(member)
    return found


def test_the_states_on_the_page_are_those_of_the_files():
    known = []
    for file in sorted(FOLDER.glob("after/*.json")):
        pending = [json.loads(file.read_text("utf-8"))]
        while pending:
            one = pending.pop()
            known.append(one)
            if isinstance(one, dict | list):
                pending.extend(one.values() if isinstance(one, dict) else one)
    shown = blocks("json")
    assert len(shown) == 2
    for text in shown:
        assert json.loads(text) in known


def test_every_command_of_the_page(tmp_path, monkeypatch):
    monkeypatch.delenv("STATEBAG_STORE", raising=False)
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) == 9
    codes, outputs = [], []
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "statebag"
        if arguments[0] == "cat":
            arguments += ["--store", (tmp_path / ".statebag" / "store").as_uri()]
        result = statebag(*arguments)
        codes.append(result.exit_code)
        outputs.append(result.stdout)
    assert codes == [3, 4, 4, 0, 0, 0, 0, 0, 0]
    named = f"STATEBAG_CONTROL={CONTROL}\nSTATEBAG_MOVABLE={MOVABLE}\n"
    assert outputs[3] == named
    assert named in outputs[2]
    fixed = (tmp_path / "before" / "meters.asl.json").read_bytes()
    assert fixed == (FOLDER / "after" / "meters.asl.json").read_bytes()
    assert json.loads(outputs[-1])["minute"] == 24 * 60 - 1
