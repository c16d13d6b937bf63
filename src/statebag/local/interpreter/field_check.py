"""Refuse fields that a state cannot have, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.format.json_type import json_type
from statebag.local.interpreter.payload_template import is_expression

if TYPE_CHECKING:
    from statebag.asl.model import State

__all__ = ["check_fields"]

_COMMON = frozenset({"Type", "Comment", "QueryLanguage"})
_MOVES = frozenset({"Next", "End"})
_HANDLERS = frozenset({"Retry", "Catch"})
_PATHS = frozenset({"InputPath", "OutputPath"})
_RESULTS = frozenset({"Parameters", "ResultSelector", "ResultPath"})
_LIMITS = ("TimeoutSeconds", "HeartbeatSeconds")
_MAP = frozenset(
    {"ItemProcessor", "Iterator", "ItemReader", "ItemSelector", "ItemBatcher", "ResultWriter"}
    | {"Label", "MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"}
)
_TOLERANCE = frozenset({"ToleratedFailureCountPath", "ToleratedFailurePercentagePath"})

# Fields of each type, by query language (Amazon States Language; Developer Guide, "State types").
_OF_PATHS: dict[str, frozenset[str]] = {
    "Pass": _MOVES | _PATHS | _RESULTS | {"Result", "Assign"},
    "Task": _MOVES | _PATHS | _RESULTS | _HANDLERS
    | {"Resource", "Assign", "Credentials", *_LIMITS, *(f"{one}Path" for one in _LIMITS)},
    "Choice": _PATHS | {"Choices", "Default", "Assign"},
    "Wait": _MOVES | _PATHS
    | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath", "Assign"},
    "Succeed": _PATHS,
    "Fail": frozenset({"Error", "ErrorPath", "Cause", "CausePath"}),
    "Parallel": _MOVES | _PATHS | _RESULTS | _HANDLERS | {"Branches", "Assign"},
    "Map": _MOVES | _PATHS | _RESULTS | _HANDLERS | _MAP | _TOLERANCE
    | {"ItemsPath", "MaxConcurrencyPath", "Assign"},
}  # fmt: skip
_OF_JSONATA: dict[str, frozenset[str]] = {
    "Pass": _MOVES | {"Output", "Assign"},
    "Task": _MOVES | _HANDLERS
    | {"Resource", "Arguments", "Output", "Assign", "Credentials", *_LIMITS},
    "Choice": frozenset({"Choices", "Default", "Output", "Assign"}),
    "Wait": _MOVES | {"Seconds", "Timestamp", "Output", "Assign"},
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset({"Error", "Cause"}),
    "Parallel": _MOVES | _HANDLERS | {"Branches", "Arguments", "Output", "Assign"},
    "Map": _MOVES | _HANDLERS | _MAP | {"Items", "Output", "Assign"},
}  # fmt: skip
_EXCLUSIVE = (
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
)
_WHOLE = {  # fields that hold whole numbers, each with the least one
    "TimeoutSeconds": 1,
    "HeartbeatSeconds": 1,
    "Seconds": 0,
    "MaxConcurrency": 0,
    "ToleratedFailureCount": 0,
}
_OF_RETRY = {"IntervalSeconds": 1, "MaxAttempts": 0, "MaxDelaySeconds": 1}
_DISTRIBUTED = ("ItemReader", "ItemBatcher", "ResultWriter")
_WAITS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")


def check_fields(state: State) -> None:
    """Refuse a field that the type of a state, or its query language, does not have.

    Raises:
        ConfigurationError: With the place of the field.
    """
    outer = state.machine.language
    if outer == "JSONata" and state.language == "JSONPath":
        raise ConfigurationError(
            f"QueryLanguage must be JSONata as in its machine, not {state.language}",
            path=f"{state.path}.QueryLanguage",
            hint="Leave QueryLanguage out, or set it only in states of a JSONPath machine.",
        )
    known = (_OF_JSONATA if state.language == "JSONata" else _OF_PATHS)[state.kind]
    for name in state.fields.keys() - known - _COMMON:
        raise ConfigurationError(
            f"a {state.kind} state in {state.language} has no field {name}",
            path=f"{state.path}.{name}",
            hint=f"Its fields are {', '.join(sorted(known))}.",
        )
    for one, other in _EXCLUSIVE:
        if other in state.fields and one in state.fields:
            raise ConfigurationError(
                f"a state cannot have both {one} and {other}", path=f"{state.path}.{other}"
            )
    given = [name for name in _WAITS if name in state.fields]
    if state.kind == "Wait" and len(given) != 1:
        raise ConfigurationError(
            f"a Wait state must have one of {', '.join(_WAITS)}, not {len(given)}", path=state.path
        )
    _check_numbers(state)
    if state.kind == "Map":
        _check_map(state)


def _check_numbers(state: State) -> None:
    for name, least in _WHOLE.items():
        if name in state.fields and not is_expression(state.fields[name]):
            _check_whole(state.fields[name], least, f"{state.path}.{name}")
    for index, retrier in enumerate(state.fields.get("Retry") or ()):
        place = f"{state.path}.Retry[{index}]"
        for name, least in _OF_RETRY.items():
            if name in retrier:
                _check_whole(retrier[name], least, f"{place}.{name}")
        rate = retrier.get("BackoffRate", 1)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or rate < 1:
            raise ConfigurationError(
                f"BackoffRate must be a number of at least 1, not {json_type(rate)}",
                path=f"{place}.BackoffRate",
            )


def _check_whole(value: Any, least: int, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        found = value if isinstance(value, int | float) else json_type(value)
        raise ConfigurationError(
            f"it must be a whole number of at least {least}, not {found}", path=path
        )


def _check_map(state: State) -> None:
    if not state.is_distributed:
        for name in _DISTRIBUTED:
            if name in state.fields:
                raise ConfigurationError(
                    f"only a Distributed Map can have {name}, and this one is inline",
                    path=f"{state.path}.{name}",
                    hint='Set ProcessorConfig to {"Mode": "DISTRIBUTED", "ExecutionType": ...}.',
                )
    batcher = state.fields.get("ItemBatcher")
    if batcher is not None and not any(name.startswith("Max") for name in batcher):
        raise ConfigurationError(
            "the ItemBatcher has neither MaxItemsPerBatch nor MaxInputBytesPerBatch",
            path=f"{state.path}.ItemBatcher",
        )
