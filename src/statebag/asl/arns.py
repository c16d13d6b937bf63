"""Parse ARNs of executions, with or without the number of an event, and of functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from statebag.errors import ConfigurationError

__all__ = [
    "ACCOUNT",
    "ExecutionArn",
    "function_arn",
    "function_name",
    "parse_execution_arn",
]

ACCOUNT = "123456789012"
"""The account that everything local belongs to."""

# Of arn:<partition>:states:<region>:<account>:execution:<machine>:<name> (Service Authorization
# Reference, "Actions, resources, and condition keys for AWS Step Functions").
_PARTS = 8
_REFERENCE = re.compile(
    r"(?:arn:[a-z-]+:lambda:[a-z0-9-]*:\d*:function:|\d{12}:function:)?"
    r"(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]+))?"
)
_FORM = "Use arn:aws:states:<region>:<account>:execution:<state machine>:<name>."


@dataclass(frozen=True, slots=True)
class ExecutionArn:
    """An execution of a Standard workflow.

    Attributes:
        arn: The whole ARN, without the event.
        region: Its region.
        account: Its account's number.
        machine: The state machine's name; `<machine>/<label>` for a child of a distributed Map.
        name: The execution's name.
        event: The number of the event after an `@`; None if there is none.
    """

    arn: str
    region: str
    account: str
    machine: str
    name: str
    event: int | None = None


def parse_execution_arn(text: str) -> ExecutionArn:
    """Return the parts of `ARN` or `ARN@EVENT`.

    Raises:
        ConfigurationError: The text is not the ARN of an execution of a Standard workflow, or the
            text after the `@` is not the number of an event.
    """
    arn, at, event = text.partition("@")
    if at and re.fullmatch(r"[1-9][0-9]{0,8}", event) is None:
        raise ConfigurationError(
            f"the text after @ ({len(event)} characters) is not the number of an event",
            hint="`statebag log` shows the numbers.",
        )
    parts = arn.split(":")
    kind = parts[5] if len(parts) > 5 and parts[0] == "arn" and parts[2] == "states" else None
    if kind == "express":
        raise ConfigurationError(
            "Step Functions does not keep the history of an Express execution",
            hint=(
                "Look in the log group of its state machine (CloudWatch Logs); with logging at "
                "level ALL it has the same events, and with execution data included, the "
                "payloads."
            ),
        )
    if kind == "mapRun":
        raise ConfigurationError(
            "the ARN is that of a Map Run, which has no history of its own; each of its children "
            "has one",
            hint="aws stepfunctions list-executions --map-run-arn ARN lists them; `statebag log` "
            "lists those of this machine.",
        )
    if kind != "execution" or len(parts) != _PARTS or not all(parts):
        raise ConfigurationError(
            f"the text is not the ARN of an execution ({len(parts)} parts)", hint=_FORM
        )
    return ExecutionArn(arn, parts[3], parts[4], parts[6], parts[7], int(event) if at else None)


def function_name(reference: str) -> str | None:
    """Return the name in a function's name, partial ARN or ARN, without the qualifier.

    Return None for other text.
    """
    found = _REFERENCE.fullmatch(reference)
    return found["name"] if found else None


def function_arn(name: str, region: str) -> str:
    """Return the ARN that a function has in a run on this machine."""
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
