"""Parse the Resource of a Task: a function, an activity, or an action of a service."""

from __future__ import annotations

import re
from dataclasses import dataclass

from statebag.asl.arns import function_arn, function_name

__all__ = ["TaskResource", "task_resource"]

_ACTION = re.compile(
    r"arn:[a-z-]+:states:[a-z0-9-]*:\d*:(?P<type>(?:aws-sdk:)?[A-Za-z0-9-]+):"
    r"(?P<action>[A-Za-z0-9]+)(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)
_ACTIVITY = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d+:activity:(?P<name>[^:]+)")


@dataclass(frozen=True, slots=True)
class TaskResource:
    """The Resource of a Task.

    Attributes:
        arn: The Resource, in full.
        kind: `function`, `activity`, `action` or `unknown`.
        type: The service as events name it, such as `sqs` or `aws-sdk:s3`; empty for the others.
        action: Its action; for a function or an activity, its name.
        pattern: `sync`, `sync:2`, `waitForTaskToken`, or empty.
    """

    arn: str
    kind: str
    type: str
    action: str
    pattern: str

    @property
    def called(self) -> str:
        """The action with its pattern, as events name it."""
        return f"{self.action}.{self.pattern}" if self.pattern else self.action


def task_resource(text: str, region: str) -> TaskResource:
    """Read a Resource.

    Args:
        text: An ARN, or the bare name of a function. Any other text is `unknown`: a mock can
            answer it.
        region: The region of functions that are named without one.
    """
    if found := _ACTIVITY.fullmatch(text):
        return TaskResource(text, "activity", "", found["name"], "")
    if found := _ACTION.fullmatch(text):
        pattern = (found["pattern"] or "").removeprefix(".")
        return TaskResource(text, "action", found["type"], found["action"], pattern)
    name = function_name(text)
    if name is None:
        return TaskResource(text, "unknown", "", text, "")
    arn = text if text.startswith("arn:") else function_arn(name, region)
    return TaskResource(arn, "function", "", name, "")
