"""Inputs, answers and outputs of any size: against Step Functions in this process."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from statebag import (
    ConfigurationError,
    InvalidState,
    NotPermitted,
    Statebag,
    StoreUnavailable,
    step,
)
from statebag.asl.arns import ACCOUNT
from statebag.local import run
from statebag.stepfunctions import query, send_task_success, start_execution
from statebag.store.file import FileStore
from statebag.testing.process import forget
from tests.bags import noise

MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:Orders"
EXECUTION = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Orders:run-1"
LARGE = {"documents": [noise(10_000, n) for n in range(2000)], "note": "CANARY"}
RETRY = [{"ErrorEquals": ["StoreUnavailable"], "MaxAttempts": 2, "IntervalSeconds": 1}]


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SFN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path / "store"))
    forget()


@pytest.fixture
def sb(tmp_path):
    return Statebag(FileStore(tmp_path / "store"))


@pytest.fixture
def states():
    with mock_aws():
        client = boto3.client("stepfunctions", region_name="us-east-1")
        definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
        client.create_state_machine(
            name="Orders",
            definition=json.dumps(definition),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
        )
        yield client


def test_an_input_of_twenty_megabytes_starts_an_execution(sb, states):
    assert len(json.dumps(LARGE)) > 20_000_000
    arn = start_execution(sb, MACHINE, LARGE, name="run-1")
    assert arn == EXECUTION
    given = states.describe_execution(executionArn=arn)["input"]
    assert len(given.encode()) <= 98_304
    forget()
    assert Statebag(sb.store).open(json.loads(given), scope="Orders/run-1") == LARGE


def test_a_start_that_is_repeated_sends_the_same(sb):
    sent = []

    class Recording:
        def start_execution(self, **fields):
            sent.append(fields)
            return {"executionArn": EXECUTION}

    for _ in range(2):
        forget()
        start_execution(Statebag(sb.store), MACHINE, LARGE, name="run-1", client=Recording())
    assert sent[0] == sent[1]
    assert len(list(sb.store.list())) == len({info.name for info in sb.store.list()})


def started(states):
    machine = states.list_executions(stateMachineArn=MACHINE)
    return [one["name"] for one in machine["executions"]]


def test_while_it_runs_the_same_start_gives_the_same_arn(sb, states):
    for _ in range(2):
        forget()
        assert start_execution(sb, MACHINE, LARGE, name="run-1") == EXECUTION
    assert started(states) == ["run-1"]


def test_after_its_end_the_same_start_says_that_it_has_ended(sb, states):
    start_execution(sb, MACHINE, LARGE, name="run-1")
    states.stop_execution(executionArn=EXECUTION)
    with pytest.raises(InvalidState, match="of this name and input is ABORTED") as caught:
        start_execution(sb, MACHINE, LARGE, name="run-1")
    assert "nothing was started" in caught.value.message
    assert "another input" not in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert started(states) == ["run-1"]
    assert start_execution(sb, MACHINE, LARGE, name="run-2").endswith(":run-2")  # the hint


@pytest.mark.parametrize("ended", [True, False])
def test_another_input_under_the_name_says_so(sb, states, ended):
    start_execution(sb, MACHINE, LARGE, name="run-1")
    if ended:
        states.stop_execution(executionArn=EXECUTION)
    with pytest.raises(InvalidState, match="was started with another input and is") as caught:
        start_execution(sb, MACHINE, {"note": "CANARY"}, name="run-1")
    assert ("ABORTED" if ended else "RUNNING") in caught.value.message
    assert started(states) == ["run-1"]


@pytest.mark.parametrize(
    "described",
    [
        {"status": "SUCCEEDED", "inputDetails": {"included": False}},
        "AccessDeniedException",
        "ThrottlingException",
    ],
)
def test_where_step_functions_does_not_show_the_input_both_reasons_are_named(sb, described):
    client = boto3.client("stepfunctions", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_client_error("start_execution", "ExecutionAlreadyExists", "CANARY")
        if isinstance(described, str):
            stubber.add_client_error("describe_execution", described, "CANARY")
        else:
            known = {
                "executionArn": EXECUTION,
                "stateMachineArn": MACHINE,
                "startDate": datetime(2024, 1, 1, tzinfo=UTC),
            }
            stubber.add_response("describe_execution", {**known, **described})
        with pytest.raises(InvalidState) as caught:
            start_execution(sb, MACHINE, {}, name="run-1", client=client)
        stubber.assert_no_pending_responses()
    assert "has ended, or was started with another input" in caught.value.message
    assert "nothing was started" in caught.value.message
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_a_name_each_start_has_its_own_scope(sb, states):
    one, two = (start_execution(sb, MACHINE, LARGE) for _ in range(2))
    assert one != two
    scopes = {info.name.rpartition("/")[0] for info in sb.store.list()}
    assert scopes == {f"Orders/{arn.rpartition(':')[2]}" for arn in (one, two)}


def stubbed(operation, code, message="CANARY"):
    client = boto3.client("stepfunctions", region_name="us-east-1")
    stubber = Stubber(client)
    stubber.add_client_error(operation, code, message)
    stubber.activate()
    return client


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExecutionAlreadyExists", InvalidState),
        ("StateMachineDoesNotExist", ConfigurationError),
        ("InvalidName", ConfigurationError),
        ("AccessDeniedException", NotPermitted),
        ("ThrottlingException", StoreUnavailable),
        ("InternalServerError", StoreUnavailable),
    ],
)
def test_what_step_functions_refuses_is_a_typed_error(sb, code, kind):
    with pytest.raises(kind) as caught:
        start_execution(sb, MACHINE, {}, "n", client=stubbed("start_execution", code))
    assert code in caught.value.message
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_that_nobody_waits_for(sb, code):
    client = stubbed("send_task_success", code)
    with pytest.raises(InvalidState, match=code):
        send_task_success(sb, "token", {}, EXECUTION, client=client)


def test_an_answer_of_five_megabytes_is_within_the_limit_and_opens_for_the_execution(sb):
    sent = {}

    class Recording:
        def send_task_success(self, **fields):
            sent.update(fields)

    result = {"transcript": noise(5_000_000, 3)}
    send_task_success(sb, "token", result, EXECUTION, budget=20_000, client=Recording())
    assert sent["taskToken"] == "token"
    assert len(sent["output"].encode()) <= 20_000
    forget()
    opened = Statebag(sb.store).open(json.loads(sent["output"]), scope="Orders/run-1")
    assert opened == result


def test_the_output_is_opened_or_a_part_of_it(sb):
    bag = sb.seal(LARGE, scope="Orders/run-1")

    class Ended:
        def describe_execution(self, executionArn):  # noqa: N803 (boto3's name)
            assert executionArn == EXECUTION
            return {"status": "SUCCEEDED", "output": json.dumps(bag)}

    assert query(sb, EXECUTION, client=Ended()) == LARGE
    assert query(sb, EXECUTION, "$.documents[7]", client=Ended()) == LARGE["documents"][7]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "RUNNING"}, "has not ended"),
        (
            {"status": "FAILED", "error": "BlobMissing", "cause": "CANARY"},
            "FAILED with BlobMissing",
        ),
        ({"status": "ABORTED"}, "it is ABORTED"),
    ],
)
def test_an_execution_without_an_output_says_why(sb, answer, said):
    class Asked:
        def describe_execution(self, **_):
            return answer

    with pytest.raises(InvalidState, match=said) as caught:
        query(sb, EXECUTION, client=Asked())
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("arn", ["Orders", EXECUTION])
def test_what_is_no_state_machine(sb, arn):
    with pytest.raises(ConfigurationError, match="must be a state machine's ARN"):
        start_execution(sb, arn, {})
    with pytest.raises(ConfigurationError, match="must be an execution's ARN"):
        query(sb, MACHINE)


def test_without_boto3_it_says_what_to_install(tmp_path):
    code = f"""
import sys
sys.modules["boto3"] = sys.modules["botocore"] = None
import statebag, statebag.stepfunctions
try:
    statebag.stepfunctions.start_execution(statebag.Statebag({str(tmp_path)!r}), {MACHINE!r}, {{}})
except statebag.ConfigurationError as error:
    print(error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.startswith("pip install boto3")


# The whole way through the local engine, whose handlers use boto3 as they would on AWS.


def task(function, payload, then=None, **more):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": payload},
        "ResultSelector": {"bag.$": "$.Payload"},
        "ResultPath": "$.last",
        "Retry": RETRY,
        **more,
    }
    return {**state, **({"Next": then} if then else {"End": True})}


def test_a_callback_with_five_megabytes_on_the_engine(sb):
    pool = ThreadPoolExecutor(1)

    @step
    def ask(state, context):
        pool.submit(
            send_task_success,
            Statebag(sb.store),
            state["token"],
            {"answer": noise(5_000_000, 1)},
            state["execution_id"],
        )
        return {}

    @step(bag_path="$.answer")
    def use(state, context):
        return {"length": len(state["answer"])}

    definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {
                    "FunctionName": "ask",
                    "Payload": {"execution_id.$": "$$.Execution.Id", "token.$": "$$.Task.Token"},
                },
                "ResultPath": "$.answer",
                "Next": "Use",
            },
            "Use": task("use", {"execution_id.$": "$$.Execution.Id", "answer.$": "$.answer"}),
        },
    }
    ended = run(definition, functions={"ask": ask, "use": use}, input={}, timeout=240)
    pool.shutdown()
    assert ended.status == "SUCCEEDED", ended.cause
    assert sb.open(ended.output["last"]["bag"]) == {"length": 5_000_000}


def test_a_nested_execution_works_in_its_parents_scope(sb):
    """`.sync:2`: the child reads what the parent stored, and the parent what the child did."""

    @step(returns="delta")
    def prepare(state, context):
        return {"text": noise(400_000, 1)}

    @step(bag_path="$.state", returns="delta")
    def double(state, context):
        return {"text": state["text"] * 2}

    @step(bag_path="$.state")
    def measure(state, context):
        return {"length": len(state["text"])}

    child = {
        "StartAt": "Double",
        "States": {
            "Double": task(
                "double",
                {"execution_id.$": "$.execution_id", "state.$": "$.state"},
                OutputPath="$.last.bag",
            )
        },
    }
    parent = {
        "StartAt": "Prepare",
        "States": {
            "Prepare": task("prepare", {"execution_id.$": "$$.Execution.Id"}, "Nested"),
            "Nested": {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {
                    "StateMachineArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:Child",
                    "Input": {
                        # The parent's, not $$.Execution.Id of the child.
                        "execution_id.$": "$$.Execution.Id",
                        "state.$": "$.last.bag",
                    },
                },
                "ResultSelector": {"bag.$": "$.Output"},
                "ResultPath": "$.nested",
                "Next": "Measure",
            },
            "Measure": task(
                "measure", {"execution_id.$": "$$.Execution.Id", "state.$": "$.nested.bag"}
            ),
        },
    }
    ended = run(
        parent,
        functions={"prepare": prepare, "double": double, "measure": measure},
        input={},
        machines={"Child": child},
        timeout=240,
    )
    assert ended.status == "SUCCEEDED", ended.cause
    assert sb.open(ended.output["last"]["bag"]) == {"length": 800_000}
    assert len({info.name.split("/")[1] for info in sb.store.list()}) == 1


def test_map_children_and_branches_share_the_engines_limit(sb):
    """Twenty items and two branches, each with its share, come back together."""

    def shared(share):
        def handler(event, context):
            client = Statebag(sb.store)
            scope = f"{event['execution_id'].split(':')[-2]}/{event['execution_id'].split(':')[-1]}"
            state = client.open(event["item"], scope=scope)
            return client.seal({"text": noise(100_000, state["n"])}, scope=scope, budget=share)

        return handler

    def gather(event, context):
        client = Statebag(sb.store)
        items = list(client.open_each(event["results"]))
        return {"count": len(items), "bytes": sum(len(one["text"]) for one in items)}

    def item_task(function):
        return {
            "StartAt": f"{function} it",
            "States": {
                f"{function} it": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "Parameters": {
                        "FunctionName": function,
                        "Payload": {"execution_id.$": "$$.Execution.Id", "item.$": "$"},
                    },
                    "OutputPath": "$.Payload",
                    "End": True,
                }
            },
        }

    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": item_task("child"),
                "ResultPath": "$.results",
                "Next": "Gather",
            },
            "Gather": task("gather", {"results.$": "$.results"}, "Both"),
            "Both": {
                "Type": "Parallel",
                "Parameters": {"n": 1},
                "Branches": [item_task("left"), item_task("right")],
                "ResultPath": "$.results",
                "Next": "Gather both",
            },
            "Gather both": task("gather", {"results.$": "$.results"}),
        },
    }
    functions = {
        "child": shared(262_144 // 24),
        "left": shared(65_536),
        "right": shared(65_536),
        "gather": gather,
    }
    items = [{"n": n} for n in range(20)]
    ended = run(definition, functions=functions, input={"items": items}, timeout=240)
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["last"]["bag"] == {"count": 2, "bytes": 200_000}


def test_an_execution_is_started_from_a_handler_on_the_engine(sb):
    """A workflow that starts another one with a large input, and asks for its output."""

    def begin(event, context):
        arn = start_execution(
            Statebag(sb.store),
            f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:Other",
            LARGE,
            name="run-7",
        )
        return {"arn": arn}

    other = {"StartAt": "Keep", "States": {"Keep": {"Type": "Pass", "End": True}}}
    definition = {
        "StartAt": "Begin",
        "States": {
            "Begin": task("begin", {}, "Wait"),
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Ask"},
            "Ask": task("ask", {"arn.$": "$.last.bag.arn"}),
        },
    }

    def ask(event, context):
        return {"note": query(Statebag(sb.store), event["arn"], "$.note")}

    ended = run(
        definition,
        functions={"begin": begin, "ask": ask},
        input={},
        machines={"Other": other},
        timeout=240,
    )
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["last"]["bag"] == {"note": "CANARY"}
