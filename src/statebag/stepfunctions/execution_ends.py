"""Ask AWS Step Functions when executions ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from statebag.errors import ConfigurationError, NotPermitted, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ExecutionEnds", "execution_ends"]

_Life = tuple[datetime | None, datetime | None]
"""The times when an execution began and ended; None if it has not ended."""

_GOING_ON = {"RUNNING", "PENDING_REDRIVE"}
_GONE = {"ExecutionDoesNotExist"}


def execution_ends(arn_prefixes: str | Iterable[str], client: Any = None) -> ExecutionEnds:
    """Return a function that asks when the execution of a scope ended.

    Args:
        arn_prefixes: `arn:aws:states:<region>:<account>` of every account and region whose
            executions write to the store, one or several. The requests use the credentials of this
            process.
        client: boto3's client of `stepfunctions` for all of them. If None, one is made for each
            region.

    Returns:
        A function from an encoded root scope `<state machine>/<execution>` to the time of its end.
        It returns `running` if the execution runs in any of the places. It returns `unknown` if no
        place knows the execution, or one that does cannot say when it ended.

    Raises:
        ConfigurationError: A prefix is not such an ARN, or boto3 is not installed.
        NotPermitted: `states:DescribeExecution` is not allowed (when the function is called).
        StoreUnavailable: The service did not answer (when the function is called).
    """
    prefixes = [arn_prefixes] if isinstance(arn_prefixes, str) else list(arn_prefixes)
    places = [prefix.split(":") for prefix in prefixes]
    for parts in places or [[]]:
        if len(parts) != 5 or parts[0] != "arn" or parts[2] != "states" or not all(parts):
            raise ConfigurationError(
                f"an ARN prefix must be arn:aws:states and 2 parts, not {len(parts)} parts of text",
                hint="Use arn:aws:states:<region>:<account>.",
            )
    try:
        import boto3  # noqa: PLC0415 (slow, and an extra)
    except ImportError:
        raise ConfigurationError(
            "calling Step Functions needs boto3, which is not installed", hint="pip install boto3"
        ) from None
    session = boto3.Session() if client is None else None
    clients = {
        prefix: client if session is None else session.client("stepfunctions", region_name=parts[3])
        for prefix, parts in zip(prefixes, places, strict=True)
    }
    return ExecutionEnds(clients)


class ExecutionEnds:
    """Ask several accounts and regions; made by `execution_ends`.

    Args:
        clients: boto3's clients of `stepfunctions`, by ARN prefix.
    """

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self._clients = clients
        self._last: tuple[str, list[_Life]] = ("", [])

    @property
    def arn_prefixes(self) -> tuple[str, ...]:
        """The places that are asked."""
        return tuple(self._clients)

    def __call__(self, scope: str) -> datetime | Literal["running", "unknown"]:
        """Return when the last execution of this name ended; see `execution_ends`."""
        lives = self._lives(scope)
        if any(ended is None for _, ended in lives):
            return "running"
        return max((ended for _, ended in lives if ended is not None), default="unknown")

    def started(self, scope: str) -> datetime | None:
        """Return when the first execution of this name began; None if no place knows."""
        return min((began for began, _ in self._lives(scope) if began is not None), default=None)

    def _lives(self, scope: str) -> list[_Life]:
        """Return start and end of the execution in each place that knows it; cache the last one."""
        if self._last[0] != scope:
            answers = (
                _described(states, prefix, scope) for prefix, states in self._clients.items()
            )
            self._last = (scope, [life for life in answers if life is not None])
        return self._last[1]


def _described(states: Any, prefix: str, scope: str) -> _Life | None:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (slow, and an extra)

    machine, _, name = unquote(scope).partition("/")
    try:
        found = states.describe_execution(executionArn=f"{prefix}:execution:{machine}:{name}")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _GONE or code in {"InvalidArn", "ValidationException"}:
            return None
        if code in {"AccessDeniedException", "AccessDenied"}:
            raise NotPermitted(
                f"Step Functions refuses to describe executions of {prefix}",
                hint="Allow states:DescribeExecution, or leave this account out: without an "
                "answer a year is added.",
            ) from None
        raise StoreUnavailable(f"Step Functions did not answer ({type(error).__name__})") from None
    except BotoCoreError as error:
        raise StoreUnavailable(f"Step Functions did not answer ({type(error).__name__})") from None
    began, stopped = _in_utc(found.get("startDate")), _in_utc(found.get("stopDate"))
    return began, None if found["status"] in _GOING_ON else stopped


def _in_utc(time: datetime | None) -> datetime | None:
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)
