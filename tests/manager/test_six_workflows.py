"""Six workflows of an agent, each with a state of 20 MB: the right segments, once each, in order.

The local engine runs them, with the manager between their steps and a real S3 server behind it.
What is done twice or left out, and what a router does not find, shows in the order of the segments.
"""

import copy
import hashlib
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import boto3
import pytest

import statebag
from statebag.default_client import from_environment
from statebag.format.json_text import wire_size
from statebag.local import run
from statebag.state_data_manager import lambda_handler, store_to_s3
from statebag.testing.process import forget

NAME, SCOPE = "Agent", "Agent/run-1"
DOCUMENTS, BYTES = 16, 1_000_000  # 16 MB of documents and 4 MB of history
ENTRIES = 4_000
LARGEST = 64 * 1024  # bytes that any function may be given

pytestmark = [pytest.mark.slow, pytest.mark.s3]


def words(size, seed):
    return random.Random(seed).randbytes(size // 2).hex()


@dataclass(frozen=True)
class Size:
    """How large a state is: bytes of a document, and entries of the history."""

    document: int = BYTES
    entries: int = ENTRIES

    def of(self, number):
        return words(self.document, number)


def large_state(size, **more):
    history = [{"i": n, "text": words(1_000, n)} for n in range(size.entries)]
    documents = {f"doc_{n}": size.of(n) for n in range(DOCUMENTS)}
    return {
        "execution_id": SCOPE,
        "segment_to_run": 0,
        "loop_counter": 0,
        "total_segments": 5,
        "guardrail_verified": True,
        "owner": {"team": "red"},
        "strategy": "one by one",
        "current_state": {"order": [], **documents},
        "state_history": history,
        **more,
    }


@dataclass
class World:
    """What the functions of a workflow do, and what happened.

    Attributes:
        plan: What a segment answers, by its number; CONTINUE where it says nothing.
        ran: What ran, in order.
        answers: What the next who are asked answer.
        failing: The items or chunks that fail.
        again: Decides how often a call is repeated; None for never.
        largest: Bytes of the largest event that a function was given.
        size: How large the state is.
    """

    bucket: str
    endpoint: str
    plan: dict = field(default_factory=dict)
    more: dict = field(default_factory=dict)
    ran: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    failing: frozenset = frozenset()
    again: random.Random | None = None
    largest: int = 0
    size: Size = field(default_factory=Size)
    repeating: threading.local = field(default_factory=threading.local)

    def functions(self):
        named = {
            "begin": self.begin,
            "segment": self.segment,
            "ask": self.ask,
            "branch": self.branch,
            "item": self.item,
            "chunk": self.chunk,
            "manager": lambda event, _: lambda_handler(event),
        }
        return {name: self.measured(name, function) for name, function in named.items()}

    def measured(self, name, function):
        def called(event, context):
            self.largest = max(self.largest, wire_size(event))
            forget()  # each invocation may be one of a new process
            # A token answers one task: nobody is asked twice.
            times = 0 if self.again is None or name == "ask" else self.again.choice([0, 1, 2])
            events = [copy.deepcopy(event) for _ in range(times)]
            with ThreadPoolExecutor(times + 1) as pool:  # the manager's, several at once
                others = [pool.submit(self.repeated, function, one, context) for one in events]
                answers = [function(event, context), *(one.result() for one in others)]
            return answers[0] if self.again is None else self.again.choice(answers)

        return called

    def repeated(self, function, event, context):
        self.repeating.now = True
        return function(event, context)

    def did(self, what):
        """Record what ran, unless an engine delivered the event once more."""
        if not getattr(self.repeating, "now", False):
            self.ran.append(what)

    def begin(self, event, context):
        state = large_state(self.size, **self.more)
        return {"state_data": lambda_handler({"state_data": state}), "next_action": "STARTED"}

    def segment(self, event, context):
        """Run the segment that the state names; what it answers is for the manager."""
        state = opened(event["state_data"])
        number = state["segment_to_run"]
        self.did(number)
        assert state["current_state"]["doc_7"] == self.size.of(7)
        assert len(state["state_history"]) == self.size.entries + len(
            state["current_state"]["order"]
        )
        order = [*state["current_state"]["order"], number]
        made = {"order": order, f"made_{number}": words(300_000, 90 + number)}
        answer = self.plan.get(number, {})
        if callable(answer):
            answer = answer(state)
        entry = {"segment": number, "text": words(2_000, number)}
        result = {"status": "CONTINUE", "new_history_logs": [entry], "final_state": made}
        return from_environment().seal({**result, **answer}, scope=SCOPE)

    def ask(self, event, context):
        """Somebody is asked, and answers later."""
        self.did("asked")
        client = boto3.session.Session().client("stepfunctions", region_name="us-east-1")
        answer = json.dumps(self.answers.pop(0))
        client.send_task_success(taskToken=event["token"], output=answer)

    def branch(self, event, context):
        """One segment of a branch."""
        branch = opened(event["branch_state"])
        name, number = branch["branch_id"], branch["segment_to_run"]
        self.did((name, number))
        assert branch["state_data"]["current_state"]["doc_9"] == self.size.of(9)
        part = branch["partition_map"][number]
        assert part == words(40_000, number)
        return {"status": "CONTINUE", "final_state": {f"{name}_{number}": part[:10]}}

    def item(self, event, context):
        config = opened({"segment_config": event["segment_config"]})["segment_config"]
        assert config == {"text": words(60_000, event["segment_id"])}
        self.did(event["segment_id"])
        if event["segment_id"] in self.failing:
            raise RuntimeError("no such tool")
        return {"status": "COMPLETE", "execution_order": event["execution_order"]}

    def chunk(self, event, context):
        state = from_environment().open(
            event["state_data"], scope=SCOPE, only=["$.current_state.doc_3"]
        )
        assert state["current_state"]["doc_3"] == self.size.of(3)
        self.did(event["chunk"])
        if event["chunk"] in self.failing:
            raise RuntimeError("no such tool")
        return {"status": "COMPLETE", "execution_order": event["chunk"], "pages": 10}


def opened(value):
    """What a step finds."""
    found = {}

    @statebag.step
    def handler(event, context):
        found.update(event)

    handler({**value, "execution_id": SCOPE}, None)
    return found


BAG = {"state_data.$": "$.Payload.state_data", "next_action.$": "$.Payload.next_action"}
ID = {"execution_id": SCOPE}


def invoke(name, /, payload, after, **more):
    parameters = {"FunctionName": name, "Payload": payload}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": parameters,
        **({"End": True} if after is None else {"Next": after}),
        **more,
    }


def manage(action, after, /, **payload):
    payload = {"action": action, "state_data.$": "$.state_data", **payload}
    return invoke("manager", payload, after, ResultSelector=BAG)


def asked(field):
    return invoke(
        "ask",
        {"token.$": "$$.Task.Token", "state_data.$": "$.state_data"},
        f"Merge {field}",
        ResultPath=f"$.{field}",
    ) | {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}


def equals(value, after, variable="$.next_action"):
    return {"Variable": variable, "StringEquals": value, "Next": after}


LOOP = {
    "Begin": invoke("begin", {}, "Choose", ResultSelector=BAG),
    "Choose": {
        "Type": "Choice",
        "Choices": [
            equals("map", "Items", "$.state_data.strategy"),
            equals("distributed", "Keep", "$.state_data.strategy"),
        ],
        "Default": "Segment",
    },
    "Segment": invoke(
        "segment",
        {"state_data.$": "$.state_data"},
        "Merge",
        ResultSelector={"result.$": "$.Payload"},
        ResultPath="$.made",
        Catch=[{"ErrorEquals": ["ModelIsSlow"], "ResultPath": None, "Next": "Ask a model"}],
    ),
    "Merge": manage("sync", "Route", **{"execution_result.$": "$.made.result"}),
    "Route": {
        "Type": "Choice",
        "Choices": [
            equals("COMPLETE", "Good"),
            equals("FAILED", "Bad"),
            equals("PAUSED_FOR_HITP", "Ask a person"),
            equals("PAUSED_FOR_ASYNC_LLM", "Ask a model"),
            equals("PARALLEL_GROUP", "Branches"),
        ],
        "Default": "Segment",
    },
    "Ask a person": asked("callback_result"),
    "Merge callback_result": manage(
        "merge_callback", "Route", **{"callback_result.$": "$.callback_result"}
    ),
    "Ask a model": asked("async_result"),
    "Merge async_result": manage("merge_async", "Route", **{"async_result.$": "$.async_result"}),
    "Branches": {
        "Type": "Map",
        "ItemsPath": "$.state_data.pending_branches",
        "ItemSelector": {"pointer.$": "$$.Map.Item.Value", "state_data.$": "$.state_data"},
        "ItemProcessor": {
            "StartAt": "Find",
            "States": {
                "Find": invoke(
                    "manager",
                    {
                        "action": "hydrate_branch",
                        "branch_pointer.$": "$.pointer",
                        "state_data.$": "$.state_data",
                    },
                    "Prepare",
                    ResultSelector={"config.$": "$.Payload.branch_config"},
                    ResultPath="$.found",
                ),
                "Prepare": {
                    "Type": "Pass",
                    "Parameters": {
                        "branch_id.$": "$.pointer.branch_id",
                        "segment_to_run": 0,
                        "loop_counter": 0,
                        "partition_map.$": "$.found.config.partition_map",
                        "state_data.$": "$.state_data",
                    },
                    "ResultPath": "$.branch_state",
                    "Next": "Run",
                },
                "Run": invoke(
                    "branch",
                    {"branch_state.$": "$.branch_state"},
                    "Join",
                    ResultSelector={"result.$": "$.Payload"},
                    ResultPath="$.made",
                )
                | {
                    "Parameters": {
                        "FunctionName": "branch",
                        "Payload.$": "$",
                    }
                },
                "Join": invoke(
                    "manager",
                    {
                        "action": "sync_branch",
                        "branch_state.$": "$.branch_state",
                        "execution_result.$": "$.made.result",
                    },
                    "More",
                    ResultSelector={
                        "branch_state.$": "$.Payload.branch_state",
                        "next_action.$": "$.Payload.next_action",
                    },
                ),
                "More": {
                    "Type": "Choice",
                    "Choices": [equals("COMPLETE", "Give")],
                    "Default": "Run",
                },
                "Give": {
                    "Type": "Pass",
                    "Parameters": {
                        "branch_id.$": "$.branch_state.branch_id",
                        "status": "COMPLETE",
                        "final_state.$": "$.branch_state.state_data.current_state",
                    },
                    "End": True,
                },
            },
        },
        "ResultPath": "$.parallel",
        "Next": "Aggregate",
    },
    "Aggregate": manage("aggregate_branches", "Route", **{"parallel_results.$": "$.parallel"}),
    "Items": {
        "Type": "Map",
        "ItemsPath": "$.state_data.items",
        "ItemSelector": {"pointer.$": "$$.Map.Item.Value", "state_data.$": "$.state_data"},
        "ItemProcessor": {
            "StartAt": "Find an item",
            "States": {
                "Find an item": invoke(
                    "manager",
                    {
                        "action": "hydrate_segment",
                        "segment_pointer.$": "$.pointer",
                        "state_data.$": "$.state_data",
                    },
                    "Run an item",
                    OutputPath="$.Payload",
                ),
                "Run an item": invoke("item", {}, None, OutputPath="$.Payload")
                | {
                    "Parameters": {"FunctionName": "item", "Payload.$": "$"},
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
                },
                "Failed": {"Type": "Pass", "End": True},  # with what a Catch gives
            },
        },
        "ResultSelector": {"segment_results.$": "$"},
        "ResultPath": "$.results",
        "Next": "Gather",
    },
    "Gather": manage("aggregate_distributed", "Route", **{"execution_result.$": "$.results"}),
    "Keep": invoke(
        "manager",
        {"action": "create_snapshot", "snapshot_type": "PRE", "state_data.$": "$.state_data"},
        "Chunks",
        ResultSelector={"snapshot_s3_path.$": "$.Payload.snapshot_s3_path"},
        ResultPath="$.kept",
    ),
    "Chunks": {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket.$": "$.state_data.bucket", "Key": "items/chunks.json"},
        },
        "ItemSelector": {"chunk.$": "$$.Map.Item.Value", "state_data.$": "$.state_data"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Run a chunk",
            "States": {
                "Run a chunk": invoke("chunk", {}, None, OutputPath="$.Payload")
                | {"Parameters": {"FunctionName": "chunk", "Payload.$": "$"}}
            },
        },
        "ToleratedFailurePercentage": 50,
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket.$": "$.state_data.bucket", "Prefix": "results"},
        },
        "ResultPath": "$.results",
        "Next": "Collect",
    },
    "Collect": manage(
        "aggregate_distributed",
        "Route",
        **{
            "distributed_results.$": "$.results",
            "pre_snapshot.$": "$.kept",
            "create_post_snapshot": True,
        },
    ),
    "Good": {"Type": "Succeed"},
    "Bad": {"Type": "Fail", "Error": "Wrong"},
}


@pytest.fixture
def world(s3_server, s3_store_url, monkeypatch):
    # The S3 of the engine is the server too; everything else is played in this process.
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint)
    monkeypatch.setenv("STATEBAG_STORE", s3_store_url)
    monkeypatch.setenv("STATEBAG_RESULT_ROOTS", f"s3://{s3_server.bucket}/results")
    monkeypatch.setenv("STATEBAG_CONTROL", "$.strategy,$.items,$.bucket")
    monkeypatch.setenv("STATEBAG_MOVABLE", "$.current_state,$.partition_map")
    forget()
    yield World(s3_server.bucket, s3_server.endpoint)
    forget()


def ended(world):
    """Run the workflow, and return how it ended, and the state at its end as a step finds it."""
    execution = run(
        {"StartAt": "Begin", "States": LOOP},
        functions=world.functions(),
        timeout=240,
        name=NAME,
        execution_name="run-1",
        allow_unopened=["ask"],  # it hands the token on, and reads nothing of the state
    )
    assert execution.status == "SUCCEEDED", (execution.error, execution.cause, world.ran)
    assert world.largest <= LARGEST
    state = opened(execution.output["state_data"])
    assert state["owner"] == {"team": "red"}
    for number in range(DOCUMENTS):
        assert state["current_state"][f"doc_{number}"] == world.size.of(number)
    history = large_state(world.size)["state_history"]
    assert state["state_history"][: world.size.entries] == history
    return state


def test_the_main_loop(world):
    state = ended(world)
    assert world.ran == state["current_state"]["order"] == [0, 1, 2, 3, 4]
    assert [one["segment"] for one in state["state_history"][ENTRIES:]] == world.ran
    assert {f"made_{n}" for n in range(5)} <= state["current_state"].keys()


def with_a_person(world, said="REJECTED"):
    world.plan = {1: {"status": "PAUSED_FOR_HITP", "next_segment_to_run": 3}}
    world.answers = [{"status": said, "by": "somebody"}]


@pytest.mark.parametrize("said", ["APPROVED", "REJECTED", "COMPLETE"])
def test_a_person_in_the_loop(world, said):
    with_a_person(world, said)
    state = ended(world)
    assert world.ran == [0, 1, "asked", 3, 4]
    assert state["callback_result"] == {"status": said, "by": "somebody"}


class ModelIsSlow(Exception):  # noqa: N818  # its name is what a Catch matches
    """A segment asks for a model that answers later."""


def slow(state):
    if "async_result" in state:
        return {}
    raise ModelIsSlow


def with_a_model(world, how=slow):
    world.plan = {2: how}
    world.answers = [{"status": "COMPLETE", "text": words(20_000, 5)}]


@pytest.mark.parametrize("how", [{"status": "PAUSED_FOR_ASYNC_LLM"}, slow])
def test_a_model_that_answers_later(world, how):
    with_a_model(world, how)
    state = ended(world)
    assert world.ran == [0, 1, 2, "asked", 3, 4]
    assert state["async_result"] == {"status": "COMPLETE", "text": words(20_000, 5)}


def with_branches(world):
    branches = [
        {"branch_id": name, "partition_map": [words(40_000, n) for n in range(2)]} for name in "abc"
    ]
    world.plan = {1: {"status": "PARALLEL_GROUP", "branches": branches}}


def test_branches_side_by_side(world):
    with_branches(world)
    state = ended(world)
    first, second, *inner, third, fourth, fifth = world.ran
    assert [first, second, third, fourth, fifth] == [0, 1, 2, 3, 4]
    assert sorted(inner) == [(name, n) for name in "abc" for n in range(2)]
    made = {f"{name}_{n}" for name, n in inner}
    assert made <= state["current_state"].keys()
    assert not state.get("merge_conflicts")


def with_items(world):
    segments = [
        {
            "segment_id": n,
            "execution_order": n,
            "segment_config": {"text": words(60_000, n)},
        }
        for n in range(6)
    ]
    address = store_to_s3(segments, "manifests/one.json")
    digest = hashlib.sha256(from_environment().store.get("manifests/one.json")).hexdigest()
    pointers = [{"segment_index": n, "segment_id": n, "total_segments": 6} for n in range(6)]
    world.more = {
        "strategy": "map",
        "items": pointers,
        "manifest_s3_path": address,
        "manifest_hash": digest,
    }
    world.failing = frozenset({4})


def test_items_that_are_mapped_and_gathered(world):
    with_items(world)
    state = ended(world)
    assert sorted(world.ran) == [0, 1, 2, 3, 4, 5]
    assert state["distributed_chunk_summary"]["failed"] == 1
    assert [one["Error"] for one in state["failed_segments"]] == ["RuntimeError"]
    assert len(state["distributed_results"]) == 6


def with_chunks(world):
    # The default session may have the credentials of another test.
    boto3.session.Session().client(
        "s3", endpoint_url=world.endpoint, region_name="us-east-1"
    ).put_object(
        Bucket=world.bucket, Key="items/chunks.json", Body=json.dumps(list(range(12))).encode()
    )
    world.more = {"strategy": "distributed", "bucket": world.bucket}
    world.failing = frozenset({7, 8})


def test_chunks_of_a_distributed_map(world):
    with_chunks(world)
    state = ended(world)
    assert sorted(world.ran) == list(range(12))
    summary = state["distributed_chunk_summary"]
    assert (summary["total"], summary["succeeded"], summary["failed"]) == (12, 10, 2)
    assert [one["error"] for one in state["failed_segments"]] == ["RuntimeError"] * 2
    results = state["distributed_results"]
    assert sum(one.get("pages", 0) for one in results) == 100
    for name in ("pre_snapshot_s3_path", "post_snapshot_s3_path"):
        event = {"action": "restore_snapshot", "snapshot_s3_path": state[name], **ID}
        bag = lambda_handler(event)["state_data"]
        assert opened(bag)["current_state"]["doc_0"] == world.size.of(0)


WORKFLOWS = {
    "main loop": lambda _: None,
    "person": with_a_person,
    "model": with_a_model,
    "branches": with_branches,
    "items": with_items,
    "chunks": with_chunks,
}
# What is of one call: its time, the snapshots with this in them, and where a function raised; and
# what is of one Map Run.
OF_A_CALL = {"last_optimization", "pre_snapshot_s3_path", "post_snapshot_s3_path"}
OF_A_CALL |= {"Cause", "cause", "MapRunArn", "ResultWriterDetails"}


def compared(value):
    """A state at its end, without what another run of the workflow has otherwise."""
    if isinstance(value, dict):
        return {
            name: compared(one)
            for name, one in value.items()
            if name not in OF_A_CALL and not (name == "name" and "input" in value)
        }
    return [compared(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_each_call_may_be_delivered_again(world, workflow):
    """Once more, or twice at once: the same segments, and the same end as without."""
    world.size = Size(document=100_000, entries=200)
    WORKFLOWS[workflow](world)
    answers = list(world.answers)
    undisturbed, ran = compared(ended(world)), list(world.ran)
    world.again, world.answers = random.Random(workflow), answers
    world.ran.clear()
    assert compared(ended(world)) == undisturbed
    assert sorted(map(str, world.ran)) == sorted(map(str, ran))
    in_order = [one for one in ran if isinstance(one, int | str)]
    if workflow not in {"items", "chunks"}:  # these run side by side
        assert [one for one in world.ran if isinstance(one, int | str)] == in_order
