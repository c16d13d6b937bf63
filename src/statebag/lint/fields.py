"""Which fields a state has, by its type: others are refused by the engine, or do nothing.

Source: the Amazon States Language specification and the developer guide's pages of each state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.local.definition import states_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["unknown_fields", "without_default"]

_ALL = {"Type", "Comment", "QueryLanguage"}
_FLOW = {"Next", "End", "Assign"}
_DATA = {"InputPath", "OutputPath", "Output"}
_RESULT = {"ResultPath", "ResultSelector"}
_HANDLERS = {"Retry", "Catch"}
_GIVEN = {"Parameters", "Arguments"}

_FIELDS: dict[str, frozenset[str]] = {
    "Task": frozenset(
        _ALL | _FLOW | _DATA | _RESULT | _HANDLERS | _GIVEN
        | {
            "Resource",
            "Credentials",
            "TimeoutSeconds",
            "TimeoutSecondsPath",
            "HeartbeatSeconds",
            "HeartbeatSecondsPath",
        }
    ),
    "Pass": frozenset(_ALL | _FLOW | _DATA | {"ResultPath", "Result", "Parameters"}),
    "Choice": frozenset(_ALL | _DATA | {"Assign", "Choices", "Default"}),
    "Wait": frozenset(
        _ALL | _FLOW | _DATA | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}
    ),
    "Succeed": frozenset(_ALL | _DATA),
    "Fail": frozenset(_ALL | {"Error", "ErrorPath", "Cause", "CausePath"}),
    "Parallel": frozenset(_ALL | _FLOW | _DATA | _RESULT | _HANDLERS | _GIVEN | {"Branches"}),
    "Map": frozenset(
        _ALL | _FLOW | _DATA | _RESULT | _HANDLERS
        | {
            "Parameters",
            "ItemProcessor",
            "Iterator",
            "ItemsPath",
            "Items",
            "ItemSelector",
            "ItemReader",
            "ItemBatcher",
            "ResultWriter",
            "MaxConcurrency",
            "MaxConcurrencyPath",
            "ToleratedFailureCount",
            "ToleratedFailureCountPath",
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
            "Label",
        }
    ),
}  # fmt: skip


def unknown_fields(definition: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Fields that a state of its type does not have: the state's path, its type, the field."""
    for path, _, state in states_of(definition):
        for field in state:
            if field not in _FIELDS[state["Type"]]:
                yield path, state["Type"], field


def without_default(definition: dict[str, Any]) -> Iterator[str]:
    """Choices that have no Default: where no rule holds, the execution fails."""
    for path, _, state in states_of(definition):
        if state["Type"] == "Choice" and "Default" not in state:
            yield path
