"""Judge whether a record in the files of a Map Run describes a child, and whether it is whole."""

from __future__ import annotations

import json
import re
from typing import Any

from statebag.errors import InvalidState, StatebagError
from statebag.format import json_text
from statebag.format.json_check import check_json
from statebag.format.json_depth import loads_leniently
from statebag.format.json_memory import check_memory

__all__ = ["contradiction", "described", "is_left_out", "output_of", "salvaged", "unreadable"]

# What DescribeExecution says of an execution, as the ResultWriter writes it.
_FIELDS = frozenset(
    {
        "Cause",
        "Error",
        "ExecutionArn",
        "Input",
        "InputDetails",
        "ItemCount",
        "MapRunArn",
        "Name",
        "Output",
        "OutputDetails",
        "RedriveCount",
        "RedriveDate",
        "RedriveStatus",
        "RedriveStatusReason",
        "StartDate",
        "StateMachineAliasArn",
        "StateMachineArn",
        "StateMachineVersionArn",
        "Status",
        "StopDate",
        "TraceHeader",
    }
)
_IN_FILES = {
    "SUCCEEDED": ("SUCCEEDED",),
    "FAILED": ("FAILED", "TIMED_OUT", "ABORTED"),
    "PENDING": ("PENDING", "ABORTED"),
}
"""The statuses that records may have in the files that a manifest lists for a status."""

_ARN = re.compile(r"(arn:[^:]+:states:[^:]*:[^:]*):(execution|mapRun):([^:]+):(.+)", re.DOTALL)


def described(record: Any, map_run: object) -> bool:
    """Return whether a record describes a child of a Map Run that succeeded.

    An output may look like a description: a child that ends in `startExecution.sync` returns that
    of another execution, and any child may return such fields. In a true description, input and
    output are JSON text, dates are text, and the ARN has the machine and label of the Map Run.

    Args:
        record: The value of one record.
        map_run: The Map Run's ARN, from the manifest.
    """
    if not isinstance(record, dict) or record.get("Status") != "SUCCEEDED":
        return False
    for name in ("ExecutionArn", "Name"):
        if not isinstance(record.get(name), str):
            return False
    for name in ("Input", "Output"):
        if not isinstance(record.get(name), str) and not is_left_out(record, name):
            return False
    if not all(isinstance(record.get(name, ""), str) for name in ("StartDate", "StopDate")):
        return False
    child, run = _ARN.fullmatch(record["ExecutionArn"]), _ARN.fullmatch(str(map_run))
    if child is not None and (child[2] != "execution" or child[4] != record["Name"]):
        return False
    if run is not None and run[2] == "mapRun":
        # The ARN tells, so a field that the service adds one day does not matter.
        return child is not None and (child[1], child[3]) == (run[1], run[3])
    # Without the Map Run's ARN: that of a child names the machine with the Map's label.
    return record.keys() <= _FIELDS and (child is None or "/" in child[3])


def is_left_out(record: dict[str, Any], name: str) -> bool:
    """Return whether a description says that it does not include its `Input` or `Output`.

    Then the field is missing and another field says so, or it is null. The output of a child that
    returned null is the text `null`.
    """
    if name in record:
        return name in {"Input", "Output"} and record[name] is None
    details = record.get(f"{name}Details") if name in {"Input", "Output"} else None
    return isinstance(details, dict) and details.get("Included") is False


def contradiction(record: dict[str, Any], file_status: str) -> str | None:
    """Return what in a description contradicts the status of its file; None if nothing does.

    A description without `Status` has the file's; `Name`, `Error` and `Cause` may also be null.
    """
    allowed = _IN_FILES.get(file_status, ())
    said = record.get("Status", file_status)
    if not isinstance(said, str):
        return f"its Status is of type {type(said).__qualname__}"
    if said not in allowed:
        return f"its Status is not one of those in a file of {file_status}"
    for name in ("Name", "Error", "Cause"):
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            return f"its {name} is of type {type(value).__qualname__}"
    return None


def output_of(text: Any) -> tuple[Any, str | None]:
    """Return the value of JSON text in a string; another string stays as it is.

    Returns:
        The value, and None; or the text itself, and why its value cannot be given exactly.
    """
    if not isinstance(text, str):
        return text, None
    check_memory(text.encode(errors="surrogatepass"))
    try:
        return json_text.decode(text.encode()), None
    except StatebagError:
        pass
    problem = unreadable(text.encode())
    return text, None if problem == _NO_JSON else problem


_NO_JSON = "it is not JSON"


def unreadable(text: bytes) -> str:
    """Return why text cannot be decoded: what was found and where, without quoting it."""
    try:
        check_json(loads_leniently(text))
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not UTF-8"
    except json.JSONDecodeError as error:
        return _NO_JSON if "nest" not in error.msg else error.msg
    except InvalidState as error:
        return str(error).partition(". ")[0]
    return _NO_JSON


def salvaged(text: bytes) -> tuple[str | None, str | None]:
    """Return the name and the input's text from a description that cannot be decoded as a whole."""
    try:
        record = loads_leniently(text)
    except ValueError:
        return None, None
    if not isinstance(record, dict) or not {"ExecutionArn", "Name", "Status"} <= record.keys():
        return None, None
    name, given = (_exact(record.get(field)) for field in ("Name", "Input"))
    return name, given


def _exact(value: Any) -> str | None:
    try:
        return value if isinstance(value, str) and value.encode() else None
    except UnicodeEncodeError:
        return None
