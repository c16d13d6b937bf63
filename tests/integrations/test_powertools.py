import json
from dataclasses import dataclass

import pytest

pytest.importorskip("aws_lambda_powertools", reason="aws-lambda-powertools is not installed")

from aws_lambda_powertools.utilities.idempotency import (
    IdempotencyConfig,
    idempotent,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import (
    BasePersistenceLayer,
)
from aws_lambda_powertools.utilities.parser import event_parser
from pydantic import BaseModel

import statebag
from statebag import ConfigurationError, InvalidState, Policy, Statebag
from statebag.integrations.powertools import sealed
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import noise

SCOPE = "m/e"
ITEM = 400 * 1024  # bytes of an item of DynamoDB (Service quotas)


@dataclass
class Context:
    function_name: str = "f"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:1:function:f"
    aws_request_id: str = "r"

    def get_remaining_time_in_millis(self):
        return 60_000


class Table(BasePersistenceLayer):
    """Records of one table, with the limit of DynamoDB."""

    def __init__(self):
        super().__init__()
        self.items = {}

    def _get_record(self, idempotency_key):
        if idempotency_key not in self.items:
            raise IdempotencyItemNotFoundError
        return self.items[idempotency_key]

    def _put_record(self, data_record):
        found = self.items.get(data_record.idempotency_key)
        if found is not None and not found.is_expired:
            raise IdempotencyItemAlreadyExistsError(old_data_record=found)
        self.items[data_record.idempotency_key] = data_record

    def _update_record(self, data_record):
        if len(data_record.response_data or "") > ITEM:
            raise ValueError("ValidationException: Item size has exceeded the maximum allowed size")
        self.items[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record):
        del self.items[data_record.idempotency_key]


@pytest.fixture
def sb():
    forget()
    return Statebag(MemoryStore(), policy=Policy(carry_bytes=0))


def event(sb, **fields):
    return sb.seal({"execution_id": SCOPE, "text": noise(700_000), **fields}, scope=SCOPE)


def test_the_event_is_opened_and_the_answer_sealed(sb):
    @sealed(sb=sb)
    def handler(state, context):
        assert state["text"] == noise(700_000)
        return {**state, "n": (1,)}

    bag = handler(event(sb), Context())
    assert len(json.dumps(bag)) < 98_304
    assert sb.open(bag)["n"] == [1]


def test_the_options_are_those_of_step(sb):
    @sealed(sb=sb, returns="delta", bag_path="$.bag", scope="$.id", only=["$.n"])
    def handler(state, context):
        return {"n": state["n"] + 1, "text": statebag.DELETE}

    answer = handler({"id": SCOPE, "bag": event(sb, n=1)}, Context())
    assert sb.open(answer) == {"execution_id": SCOPE, "n": 2}
    with pytest.raises(ConfigurationError, match="returns must be"):
        sealed(sb=sb, returns="all")(lambda state, _context: state)(event(sb), Context())


def test_the_client_of_the_environment_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("STATEBAG_STORE", tmp_path.as_uri())

    @sealed
    def handler(state, context):
        return state

    assert handler({"execution_id": SCOPE, "n": 1}, Context()) == {"execution_id": SCOPE, "n": 1}


class TestIdempotency:
    """Idempotency keeps the answer in a table whose items have at most 400 KB."""

    def config(self):
        return IdempotencyConfig(event_key_jmespath="execution_id")

    def test_above_it_an_answer_of_any_size_fits_the_table(self, sb):
        calls = []

        @idempotent(persistence_store=Table(), config=self.config())
        @sealed(sb=sb)
        def handler(state, context):
            calls.append(1)
            return {**state, "more": noise(700_000, 1)}

        bag = event(sb)
        first, second = handler(bag, Context()), handler(bag, Context())
        assert first == second
        assert calls == [1]
        assert sb.open(second)["more"] == noise(700_000, 1)

    def test_below_it_the_answer_is_too_large(self, sb):
        @sealed(sb=sb)
        @idempotent(persistence_store=Table(), config=self.config())
        def handler(state, context):
            return state

        with pytest.raises(Exception, match=r"Failed to update|exceeded the maximum"):
            handler(event(sb), Context())

    def test_a_key_that_a_bag_may_offload_must_be_a_control_path(self, sb):
        """What is not named may be in a stub, where JMESPath does not find it."""
        strict = Statebag(MemoryStore(), policy=Policy(strict=True, control=("$.execution_id",)))
        bag = strict.seal({"execution_id": SCOPE, "order": "o-1"}, scope=SCOPE)
        assert bag["execution_id"] == SCOPE
        assert "order" not in bag

    def test_a_failed_call_is_not_remembered(self, sb):
        @idempotent(persistence_store=Table(), config=self.config())
        @sealed(sb=sb)
        def handler(state, context):
            return {"bad": {1, 2}}

        for _ in range(2):
            with pytest.raises(InvalidState, match="set"):
                handler(event(sb), Context())


class TestParser:
    class Order(BaseModel):
        execution_id: str
        text: str
        n: int = 0

    def test_below_it_the_parser_gets_the_state(self, sb):
        @sealed(sb=sb)
        @event_parser(model=self.Order)
        def handler(state, context):
            assert isinstance(state, TestParser.Order)
            return {**state.model_dump(), "n": len(state.text)}

        assert sb.open(handler(event(sb), Context()))["n"] == 700_000

    def test_above_it_the_parser_gets_the_bag(self, sb):
        @event_parser(model=self.Order)
        @sealed(sb=sb)
        def handler(state, context):
            return state

        with pytest.raises(Exception, match="text"):
            handler(event(sb), Context())

    def test_its_errors_pass(self, sb):
        @sealed(sb=sb)
        @event_parser(model=self.Order)
        def handler(state, context):
            return state

        with pytest.raises(Exception, match="valid integer"):
            handler(event(sb, n="x"), Context())
