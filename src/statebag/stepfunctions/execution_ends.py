"""When executions of AWS Step Functions ended, as the service says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from statebag.errors import ConfigurationError, NotPermitted, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ExecutionEnds", "execution_ends"]

_Life = tuple[datetime | None, datetime | None]
"""When an execution began and ended; None if it has not ended."""

_GOING_ON = {"RUNNING", "PENDING_REDRIVE"}
_GONE = {"ExecutionDoesNotExist"}


def execution_ends(arn_prefixes: str | Iterable[str], client: Any = None) -> ExecutionEnds:
    """Return what asks when the execution of a scope `<state machine>/<execution>` ended.

    Args:
        arn_prefixes: `arn:aws:states:<region>:<account>` of every account and region whose
            executions write to the store, one or several. They are asked with the credentials of
            this process.
        client: boto3's client of `stepfunctions` for all of them; made for each region if None.

    Returns:
        A function from an encoded root scope to the time; to `running`, if it runs in any of the
        places; or to `unknown`, if none of them knows of it, or not all that do know its end.

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
            "asking Step Functions needs boto3, which is not installed", hint="pip install boto3"
        ) from None
    session = boto3.Session() if client is None else None
    clients = {
        prefix: client if session is None else session.client("stepfunctions", region_name=parts[3])
        for prefix, parts in zip(prefixes, places, strict=True)
    }
    return ExecutionEnds(clients)


class ExecutionEnds:
    """Asks each of some accounts and regions; made by `execution_ends`.

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
        """When the last execution of this name ended; see `execution_ends`."""
        lives = self._lives(scope)
        if any(ended is None for _, ended in lives):
            return "running"
        return max((ended for _, ended in lives if ended is not None), default="unknown")

    def started(self, scope: str) -> datetime | None:
        """When the first execution of this name began; None if no place knows."""
        return min((began for began, _ in self._lives(scope) if began is not None), default=None)

    def _lives(self, scope: str) -> list[_Life]:
        """Start and end of the execution in each place that knows it; asked once in a row."""
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
