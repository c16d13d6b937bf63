"""When executions of AWS Step Functions ended, as the service says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from statebag.errors import ConfigurationError, NotPermitted, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["execution_ends"]

_GOING_ON = {"RUNNING", "PENDING_REDRIVE"}
_GONE = {"ExecutionDoesNotExist"}


def execution_ends(
    arn_prefix: str, client: Any = None
) -> Callable[[str], datetime | Literal["running", "unknown"]]:
    """Asks when the execution of a scope `<state machine>/<execution>` ended.

    Args:
        arn_prefix: `arn:aws:states:<region>:<account>`.
        client: boto3's client of `stepfunctions`; made where it is not given.

    Returns:
        A function from an encoded root scope to the time, to `running`, or to `unknown`, where
        the service has forgotten the execution or never knew it.

    Raises:
        ConfigurationError: The prefix is no such ARN, or boto3 is not installed.
        NotPermitted: `states:DescribeExecution` is not allowed (when the function is called).
        StoreUnavailable: The service did not answer (likewise).
    """
    parts = arn_prefix.split(":")
    if len(parts) != 5 or parts[0] != "arn" or parts[2] != "states" or not all(parts):
        raise ConfigurationError(
            "this is not where executions are",
            hint="Use arn:aws:states:<region>:<account>.",
        )
    try:
        import boto3  # noqa: PLC0415 (slow, and an extra)
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "asking Step Functions needs boto3", hint="pip install boto3"
        ) from None
    states = client or boto3.Session().client("stepfunctions", region_name=parts[3])

    def ended(scope: str) -> datetime | Literal["running", "unknown"]:
        machine, _, name = unquote(scope).partition("/")
        try:
            found = states.describe_execution(
                executionArn=f"{arn_prefix}:execution:{machine}:{name}"
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _GONE or code in {"InvalidArn", "ValidationException"}:
                return "unknown"
            if code in {"AccessDeniedException", "AccessDenied"}:
                raise NotPermitted(
                    "Step Functions does not say when executions ended",
                    hint="Allow states:DescribeExecution.",
                ) from None
            raise StoreUnavailable("Step Functions did not answer") from None
        except BotoCoreError:
            raise StoreUnavailable("Step Functions did not answer") from None
        if found["status"] in _GOING_ON or found.get("stopDate") is None:
            return "running"
        stopped: datetime = found["stopDate"]
        return stopped if stopped.tzinfo else stopped.replace(tzinfo=UTC)

    return ended
