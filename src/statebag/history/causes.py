"""Decide which parts of an error may be shown, and what to do about the error.

An error's name comes from code. Its cause is free text: a function that failed on a value often
quotes the value, and so does the service. Unless the user asks for all causes, only those that
cannot hold a value are shown; of the service's texts about a path, only the part before a value is
shown.
"""

from __future__ import annotations

import re
from typing import Any

from statebag import errors
from statebag.format.json_depth import loads

__all__ = ["advice_for", "shown_cause"]

_OURS = frozenset(errors.__all__)
# Errors of the service itself whose text names only states and sizes.
_WITHOUT_VALUES = {
    "States.DataLimitExceeded",
    "States.Timeout",
    "States.HeartbeatTimeout",
    "States.ExceedToleratedFailureThreshold",
}
# Errors of a run on this machine, whose text names states, functions and paths.
_OF_A_RUN = {"Statebag.NotOpened", "Statebag.PathNotNamed"}
_OF_STATES = "The state '"
# Errors of a path or an expression of the definition. The service begins the text with the place
# and the path, and may quote a value after it (texts as recorded on AWS from 2023 to 2026).
_OF_A_PATH = {"States.Runtime", "States.QueryEvaluationError"}
_BEFORE_VALUES = re.compile(
    r"An error occurred while executing the state '[^'\n]{1,80}' "
    r"\(entered at the event id #\d+\)\. "
    r"(?:"
    r"Invalid path '\$[^\n]{0,300}?' : (?:Missing property in path|No results for path:) \$[^\s]*"
    r"|The JSONPath '\$[^\n]{0,300}?' specified for the field '[^'\n]{1,120}' could not be found"
    r"|The JSONata expression '[^\n]{1,500}?' specified for the field '[^'\n]{1,120}' returned "
    r"(?:nothing \(undefined\)|an unsupported result type"
    r"|an unexpected result type\. Expected '\w+', but was '\w+')"
    r"|The \w+Path parameter (?:cannot be parsed as a long value|references a negative value"
    r"|does not reference a valid ISO-8601 extended offset date-time format string): \$[^\s=]*"
    r"|ToleratedFailure(?:Count cannot be negative|Percentage must be between 0 and 100)"
    r"|Map state input must be an array"
    r")"
)
_ADVICE = {
    "StoreUnavailable": "The store did not answer. Once it does (`statebag doctor`), {again}.",
    "BlobMissing": "An object is gone: `statebag fsck`, then `statebag repair`, then {again}.",
    "BlobCorrupt": "An object is damaged: `statebag fsck`, then `statebag repair`, then {again}.",
    "BagTooLarge": "Its control fields alone pass the bound; the cause names the largest.",
    "InvalidState": "The step returned a value that JSON cannot hold; the cause has its path.",
    "LimitExceeded": "Opening would pass a limit of the policy; the cause names it.",
    "NotPermitted": "The function may not read or write there: check its role, scope and keys.",
    "ConfigurationError": "A setting of the function is wrong; the cause names it.",
    "States.DataLimitExceeded": "A payload passed the limit: seal that step's result, or give it "
    "a smaller budget where several results come together.",
    "Statebag.NotOpened": "Decorate the function, or pass it only control paths.",
    "Statebag.PathNotNamed": "The cause names the setting that the functions lack.",
    "States.Timeout": "Nobody answered in time. If the work can be done now, {again}.",
    "States.HeartbeatTimeout": (
        "The worker stopped sending heartbeats. If the work can be done now, {again}."
    ),
}


def advice_for(error: str | None, *, event: int, arn: str, is_local: bool) -> str:
    """Return advice about an execution that failed, a line for each point.

    Args:
        error: The name of the error.
        event: The number of the event that entered the failed state.
        arn: The execution's.
        is_local: Whether it ran on this machine, where executions cannot be redriven.
    """
    again = "run it again" if is_local else f"redrive it: {_redrive(arn)}"
    known = _ADVICE.get(error or "")
    look = f"What it was given: statebag cat {arn} --at {event}"
    return f"{known.format(again=again)}\n{look}" if known else look


def _redrive(arn: str) -> str:
    return f"aws stepfunctions redrive-execution --execution-arn {arn}"


def shown_cause(error: str | None, cause: str | None, *, everything: bool) -> str | None:
    """Return the text of a cause that may be shown; None if it may quote values.

    Args:
        error: The error's name.
        cause: Its cause as the history has it.
        everything: Whether causes that may quote values may be shown.
    """
    if not cause:
        return None
    told = _told(cause)
    if everything:
        return told[1]
    if error in _WITHOUT_VALUES or (error in _OF_A_RUN and cause.startswith(_OF_STATES)):
        return cause
    if error in _OF_A_PATH and (known := _BEFORE_VALUES.match(cause)) is not None:
        return known[0] if known.end() >= len(cause.rstrip(".")) else f"{known[0]} ..."
    # An error of this library in a function gives its own type; text that only has the name does
    # not.
    return told[1] if error in _OURS and told[0] == error else None


def _told(cause: str) -> tuple[str | None, str]:
    """Return the type and message of a Lambda function's failure; any other text as it is."""
    try:
        body: Any = loads(cause)
    except ValueError:
        return None, cause
    message = body.get("errorMessage") if isinstance(body, dict) else None
    if not isinstance(message, str):
        return None, cause
    kind = body.get("errorType")
    return (kind if isinstance(kind, str) else None), message
