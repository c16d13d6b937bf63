import gc
import json
from dataclasses import dataclass
from decimal import Decimal

import pytest

pytest.importorskip(
    "aws_durable_execution_sdk_python", reason="aws-durable-execution-sdk-python is not installed"
)

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.concurrency.models import BatchResult
from aws_durable_execution_sdk_python.config import (
    InvokeConfig,
    MapConfig,
    StepConfig,
)
from aws_durable_execution_sdk_python.exceptions import (
    RetryableSerDesError,
    SerDesError,
)
from aws_durable_execution_sdk_python.serdes import SerDesContext

from statebag import ConfigurationError, Policy, Statebag
from statebag.integrations.durable import (
    StatebagSerDes,
    scope_of_durable_execution,
)
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.values import Values
from tests.bags import noise

ARN = (
    "arn:aws:lambda:us-west-2:123456789012:function:orders:3/durable-execution/run-1/"
    "0b7d8a52-0000-4000-8000-000000000001"
)
CONTEXT = SerDesContext("op-1", ARN)
OTHER = SerDesContext("op-1", ARN.replace("run-1", "run-2"))
KEYS = {"one": b"k" * 32}
LIMIT = 256 * 1024  # of a checkpoint


@dataclass
class Order:
    number: int


@pytest.fixture
def store():
    forget()
    return RecordingStore(MemoryStore())


@pytest.fixture
def serdes(store):
    return StatebagSerDes(Statebag(store))


@pytest.mark.parametrize(
    "value",
    [None, 5, "text", [1, "a"], {"a": (1, b"2", {Decimal("1.10")})}, {1: 2}, {"t": "m", "v": 1}],
)
def test_a_value_comes_back(serdes, value):
    assert serdes.deserialize(serdes.serialize(value, CONTEXT), CONTEXT) == value
    assert serdes.deserialize(serdes.serialize(value)) == value  # as the SDK's default allows


def test_a_result_of_any_size_is_a_small_text_and_a_change_costs_the_change(serdes, store):
    state = {"messages": [{"n": n, "text": noise(4000, n)} for n in range(400)]}
    assert len(serdes.serialize(state, CONTEXT)) <= 32 * 1024
    store.forget()
    state["messages"].append({"n": 400, "text": noise(4000, 400)})
    text = serdes.serialize(state, CONTEXT)
    assert len(text) <= 32 * 1024
    assert sum(call.size for call in store.of("put")) < 100_000
    forget()
    assert serdes.deserialize(text, CONTEXT) == state


def test_classes_of_the_clients_own(store):
    serdes = StatebagSerDes(Statebag(store, values=Values(Order)))
    assert serdes.deserialize(serdes.serialize([Order(1)], CONTEXT), CONTEXT) == [Order(1)]


def test_another_execution_is_not_read(serdes):
    text = serdes.serialize({"a": noise(400_000)}, CONTEXT)
    with pytest.raises(SerDesError, match="NotPermitted"):
        serdes.deserialize(text, OTHER)


def test_what_cannot_be_sealed_is_a_permanent_error(serdes):
    with pytest.raises(SerDesError, match="has no registered form"):
        serdes.serialize({"a": Order(1)}, CONTEXT)
    with pytest.raises(SerDesError, match=r"BlobCorrupt|InvalidState"):
        serdes.deserialize("{", CONTEXT)


class Silent(MemoryStore):
    def put(self, name, data):
        from statebag import StoreUnavailable

        raise StoreUnavailable("no answer")

    def get_ranges(self, name, spans):
        return self.put(name, b"")


def test_a_store_that_does_not_answer_makes_the_sdk_try_again():
    sb = Statebag(Silent(), policy=Policy(attempts=1))
    with pytest.raises(RetryableSerDesError, match="StoreUnavailable"):
        StatebagSerDes(sb).serialize({"a": noise(400_000)}, CONTEXT)
    text = StatebagSerDes(Statebag(MemoryStore())).serialize({"a": noise(400_000)}, CONTEXT)
    forget()
    with pytest.raises(RetryableSerDesError):
        StatebagSerDes(sb).deserialize(text, CONTEXT)


@pytest.mark.parametrize(
    ("arn", "scope"),
    [
        (ARN, "durable/orders/run-1:0b7d8a52-0000-4000-8000-000000000001"),
        ("local", "durable/local"),
        ("a/b", "durable/a:b"),
        ("", "durable/unscoped"),
    ],
)
def test_scopes(arn, scope):
    assert scope_of_durable_execution(arn) == scope
    serdes = StatebagSerDes(Statebag(MemoryStore()))
    context = SerDesContext("op", arn)
    assert serdes.deserialize(serdes.serialize({"a": noise(99_000)}, context), context)


class TestAcross:
    def test_results_and_payloads_of_invoke(self, store):
        invoker = StatebagSerDes(Statebag(store, signing_keys=KEYS))
        payload = json.loads(invoker.serialize({"in": (noise(400_000),)}, CONTEXT))
        forget()
        invoked = StatebagSerDes(Statebag(store, signing_keys=KEYS))
        assert invoked.across().read(payload) == {"in": (noise(400_000),)}

        class Context:
            class execution_context:  # noqa: N801
                durable_execution_arn = OTHER.durable_execution_arn

        answer = invoked.answer({"out": noise(400_000, 1)}, Context)
        assert len(json.dumps(answer)) < LIMIT
        forget()
        text = json.dumps(answer)
        assert invoker.across().deserialize(text, CONTEXT) == {"out": noise(400_000, 1)}
        with pytest.raises(SerDesError, match="NotPermitted"):
            invoker.deserialize(text, CONTEXT)

    def test_it_needs_signatures(self, serdes):
        with pytest.raises(ConfigurationError, match="no signing keys") as caught:
            serdes.across()
        assert "STATEBAG_SIGNING_KEYS" in caught.value.hint
        with pytest.raises(ConfigurationError, match=r"not across\(\)"):
            serdes.read({})

    def test_what_nobody_signed_is_refused(self, store):
        text = StatebagSerDes(Statebag(store)).serialize({"a": noise(400_000)}, OTHER)
        across = StatebagSerDes(Statebag(store, signing_keys=KEYS), across=True)
        with pytest.raises(SerDesError):
            across.deserialize(text, CONTEXT)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestInTheSdk:
    """With the SDK's own runner, which runs a function as the service does."""

    @pytest.fixture
    def run(self):
        testing = pytest.importorskip("aws_durable_execution_sdk_python_testing.runner")

        def run(handler, timeout=240):
            with testing.DurableFunctionTestRunner(handler, poll_interval=0.05) as runner:
                result = runner.run(input="{}", execution_timeout=timeout)
            del runner
            gc.collect()  # the runner leaves its event loop to the collector
            return result

        return run

    def test_steps_and_maps_with_large_results(self, serdes, run):
        config = StepConfig(serdes=serdes)

        @durable_execution
        def handler(event, context):
            first = context.step(
                lambda _: {"text": noise(600_000), "t": (1,)}, name="one", config=config
            )
            second = context.step(lambda _: {**first, "n": 1}, name="two", config=config)
            batch = context.map(
                [1, 2, 3],
                lambda inner, item, *_: inner.step(
                    lambda _: noise(100_000, item), config=StepConfig(serdes=serdes)
                ),
                config=MapConfig(serdes=serdes),
            )
            return [len(second["text"]), second["t"] == (1,), len(batch.get_results())]

        result = run(handler)
        assert result.status.value == "SUCCEEDED"
        assert json.loads(result.result) == [600_000, True, 3]
        sizes = [len(json.dumps(str(one))) for one in result.operations]
        assert max(sizes) < LIMIT


def test_a_batch_result_comes_back(serdes):
    batch = BatchResult.from_items([])
    text = serdes.serialize(batch, CONTEXT)
    assert serdes.deserialize(text, CONTEXT).to_dict() == batch.to_dict()


def test_the_config_of_invoke_takes_both(store):
    serdes = StatebagSerDes(Statebag(store, signing_keys=KEYS))
    config = InvokeConfig(serdes_payload=serdes, serdes_result=serdes.across())
    assert config.serdes_payload is serdes
