"""Builds the interpreter's own exception for a state that fails with a `States.` error."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)

__all__ = ["DATA_LIMIT", "error_name_of", "failed_with"]

DATA_LIMIT = "States.DataLimitExceeded"


def failed_with(env: Any, error: str, cause: str) -> FailureEventException:
    """The exception that fails the current state of `env` with a `States.` error."""
    details: Any = {"taskFailedEventDetails": {"error": error, "cause": cause}}
    return FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.from_name(error)),
            event_type=HistoryEventType.TaskFailed,
            event_details=details,
        )
    )


def error_name_of(error: BaseException) -> str:
    """The name of the error that an exception of the interpreter stands for."""
    if isinstance(error, FailureEventException):
        named = error.failure_event.error_name
        pair = error.extract_error_cause_pair()
        name = pair[0] if pair else None
        return name or (named.error_name if named is not None else None) or ""
    return "States.Runtime"
