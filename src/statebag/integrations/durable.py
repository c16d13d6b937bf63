"""A SerDes for AWS Lambda durable functions: results of any size in small checkpoints.

A checkpoint takes at most 256 KB. The text that this SerDes returns is a bag. Large values are in
the store, and an operation's result costs only its difference from the results before it.
"""

from __future__ import annotations

from typing import Any

from statebag.client import Statebag
from statebag.default_client import from_environment
from statebag.errors import ConfigurationError, StatebagError, StoreUnavailable
from statebag.format import json_text
from statebag.integrations.missing_extra import missing_extra
from statebag.values import Values

try:
    from aws_durable_execution_sdk_python.concurrency.models import BatchResult
    from aws_durable_execution_sdk_python.exceptions import RetryableSerDesError, SerDesError
    from aws_durable_execution_sdk_python.serdes import SerDes, SerDesContext
except ModuleNotFoundError as error:
    raise missing_extra("durable", error) from None

__all__ = ["StatebagSerDes", "scope_of_durable_execution"]

# Bytes. Chosen: an eighth of the SDK's limit of a checkpoint, so that several operations fit one.
_BUDGET = 32 * 1024
_MARK = "/durable-execution/"


class StatebagSerDes(SerDes):  # type: ignore[type-arg, unused-ignore]  # of any value
    """Seals results of operations, and opens them when the execution is replayed.

    It takes JSON values, those of `Values` (bytes, tuple, set, datetime, Decimal, UUID), and the
    SDK's BatchResult. A client with its own `values=` adds further classes.

    Args:
        sb: The client; by default that of the environment.
        budget: The largest text that it returns, in bytes.
        across: Whether it also opens what another execution sealed, as the results of `invoke()`.
            Then only signatures confine what is opened, so the client must sign.

    Raises:
        ConfigurationError: `across` is set, and the client has no signing keys.
    """

    def __init__(
        self, sb: Statebag | None = None, *, budget: int = _BUDGET, across: bool = False
    ) -> None:
        sb = from_environment() if sb is None else sb
        values = Values() if sb.values is None else sb.values.copy()
        values.register(
            BatchResult, "aws-durable:batch", encode=BatchResult.to_dict, decode=_batch_result
        )
        self._given = sb
        self._sb = sb.with_values(values)
        self._budget = budget
        self._across = across
        if across and not sb.signs:
            raise ConfigurationError(
                "across is set, but the client has no signing keys: it would open any object of "
                "the store that a payload names",
                hint="Set STATEBAG_SIGNING_KEYS, the same in both functions.",
            )

    def across(self) -> StatebagSerDes:
        """Return a SerDes for `InvokeConfig.serdes_result`, and for `read` in an invoked function.

        Raises:
            ConfigurationError: The client has no signing keys.
        """
        return StatebagSerDes(self._given, budget=self._budget, across=True)

    def serialize(self, value: Any, serdes_context: SerDesContext | None = None) -> str:
        """Return the text of a bag, once everything that it refers to is stored.

        Raises:
            RetryableSerDesError: The store did not answer: the SDK runs the invocation again.
            SerDesError: The value cannot be sealed.
        """
        scope = _scope(serdes_context)
        try:
            bag = self._sb.seal(value, scope=scope, budget=self._budget)
        except StatebagError as error:
            raise _translated(error) from error
        return json_text.encode(bag).decode()

    def deserialize(self, data: str, serdes_context: SerDesContext | None = None) -> Any:
        """Return the value of a bag's text.

        Raises:
            RetryableSerDesError: The store did not answer.
            SerDesError: The text is not a bag of this execution, or an object is gone or damaged.
        """
        scope = _scope(serdes_context)
        try:
            return self._sb.open(
                data.encode(), scope=None if self._across else scope, embedded=False
            )
        except StatebagError as error:
            raise _translated(error) from error

    def read(self, event: Any) -> Any:
        """Return the argument of an invoked function: the payload that its invoker sealed.

        Args:
            event: The event of the durable function.

        Raises:
            ConfigurationError: This is not a SerDes of `across()`.
            RetryableSerDesError, SerDesError: As for `deserialize`.
        """
        if not self._across:
            raise ConfigurationError(
                f"the payload (a value of type {type(event).__qualname__}) was sealed by another "
                "execution, and this SerDes is not across()",
                hint="Call serdes.across().read(event).",
            )
        try:
            return self._sb.open(event, embedded=False)
        except StatebagError as error:
            raise _translated(error) from error

    def answer(self, value: Any, context: Any) -> Any:
        """Return the bag that an invoked function returns, for its invoker to open.

        Args:
            value: The result.
            context: The function's DurableContext.

        Raises:
            RetryableSerDesError, SerDesError: As for `serialize`.
        """
        arn = context.execution_context.durable_execution_arn
        try:
            return self._sb.seal(value, scope=scope_of_durable_execution(arn), budget=self._budget)
        except StatebagError as error:
            raise _translated(error) from error


def scope_of_durable_execution(arn: str) -> str:
    """Return where the objects of a durable execution go: `durable/<function>/<execution>`."""
    function, mark, execution = arn.partition(_MARK)
    if not mark:
        return f"durable/{arn.replace('/', ':') or 'unscoped'}"
    name = function.rpartition(":function:")[2].partition(":")[0] or "function"
    return f"durable/{name}/{execution.strip('/').replace('/', ':')}"


def _scope(context: SerDesContext | None) -> str:
    return scope_of_durable_execution("" if context is None else context.durable_execution_arn)


def _batch_result(stored: dict[str, Any]) -> Any:
    return BatchResult.from_dict(stored)


def _translated(error: StatebagError) -> Exception:
    """Return the SDK's error: one that it retries, if a retry can help."""
    kind: type[Exception] = SerDesError
    if isinstance(error, StoreUnavailable):
        kind = RetryableSerDesError
    return kind(f"{type(error).__name__}: {error}")
