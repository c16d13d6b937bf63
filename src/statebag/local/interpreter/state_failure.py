"""Describe why a state, a branch or an execution fails."""

from __future__ import annotations

from typing import Any

__all__ = [
    "DATA_LIMIT",
    "QUERY_FAILED",
    "RUNTIME",
    "TIMEOUT",
    "MissingValueError",
    "StateFailure",
    "is_taken",
]

DATA_LIMIT = "States.DataLimitExceeded"
QUERY_FAILED = "States.QueryEvaluationError"
RUNTIME = "States.Runtime"
TIMEOUT = "States.Timeout"
_HEARTBEAT = "States.HeartbeatTimeout"


class MissingValueError(LookupError):
    """A path finds nothing.

    Attributes:
        path: The path as written.
        data: What it was applied to.
        reason: What is missing, in the words of the JSONPath library that AWS uses.
    """

    def __init__(self, path: str, data: Any, reason: str) -> None:
        super().__init__(path)
        self.path = path
        self.data = data
        self.reason = reason


class StateFailure(Exception):  # noqa: N818 - a result of a state, not a bug of the program
    """A state failed.

    Attributes:
        error: The error's name; None for a Fail state that names none.
        cause: The error's cause; None if there is none.
        location: The field of a JSONata expression that failed, such as `Output/result`.
        evaluation: Whether an event `EvaluationFailed` reports it.
        final: Whether neither a Retry nor a Catch handles it.
        heartbeat: Whether a missing heartbeat caused the timeout.
        inner: Whether it left a branch or an iteration.
    """

    def __init__(
        self,
        error: str | None,
        cause: str | None,
        *,
        location: str | None = None,
        evaluation: bool = False,
        final: bool = False,
        heartbeat: bool = False,
        inner: bool = False,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause
        self.location = location
        self.evaluation = evaluation
        self.final = final
        self.heartbeat = heartbeat
        self.inner = inner
        self.after_entering = False


def is_taken(failure: StateFailure, wanted: list[str]) -> bool:
    """Return whether an `ErrorEquals` takes a failure.

    `States.ALL` takes `States.DataLimitExceeded`, as recorded on AWS, although the Developer Guide
    ("Handling errors") says otherwise. `States.Runtime` is never taken.
    """
    if failure.final or failure.error == RUNTIME:
        return False
    if failure.error in wanted or "States.ALL" in wanted:
        return True
    if failure.heartbeat and _HEARTBEAT in wanted:
        return True
    return "States.TaskFailed" in wanted and failure.error != TIMEOUT
