"""List the fields of the language: where each may be, and its type.

From the Amazon States Language specification and the Step Functions developer guide.
"""

from __future__ import annotations

from statebag.asl.quotas import MOST_ATTEMPTS, MOST_COUNT, MOST_SECONDS, RETRY_DELAY_SECONDS

__all__ = [
    "MACHINE",
    "NUMBERS",
    "OBJECTS",
    "PATHS",
    "PROCESSOR",
    "STATE",
    "TEXTS",
]

MACHINE = frozenset({"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"})
PROCESSOR = MACHINE | {"ProcessorConfig"}

_EVERY = frozenset({"Type", "Comment", "QueryLanguage"})
_FLOW = frozenset({"Next", "End"})
_PATHS_IN_OUT = frozenset({"InputPath", "OutputPath"})
_RESULT = frozenset({"ResultPath", "ResultSelector", "Parameters"})
_HANDLERS = frozenset({"Retry", "Catch"})

_BOTH: dict[str, frozenset[str]] = {
    "Task": _FLOW
    | _HANDLERS
    | {"Resource", "TimeoutSeconds", "HeartbeatSeconds", "Credentials", "Assign"},
    "Pass": _FLOW | {"Assign"},
    "Choice": frozenset({"Choices", "Default", "Assign"}),
    "Wait": _FLOW | {"Seconds", "Timestamp", "Assign"},
    "Succeed": frozenset(),
    "Fail": frozenset({"Error", "Cause"}),
    "Parallel": _FLOW | _HANDLERS | {"Branches", "Assign"},
    "Map": _FLOW
    | _HANDLERS
    | {
        "ItemProcessor",
        "Iterator",
        "ItemReader",
        "ItemSelector",
        "ItemBatcher",
        "ResultWriter",
        "MaxConcurrency",
        "ToleratedFailureCount",
        "ToleratedFailurePercentage",
        "Label",
        "Assign",
    },
}
_JSONPATH: dict[str, frozenset[str]] = {
    "Task": _PATHS_IN_OUT | _RESULT | {"TimeoutSecondsPath", "HeartbeatSecondsPath"},
    "Pass": _PATHS_IN_OUT | {"Result", "ResultPath", "Parameters"},
    "Choice": _PATHS_IN_OUT,
    "Wait": _PATHS_IN_OUT | {"SecondsPath", "TimestampPath"},
    "Succeed": _PATHS_IN_OUT,
    "Fail": frozenset({"ErrorPath", "CausePath"}),
    "Parallel": _PATHS_IN_OUT | _RESULT,
    "Map": _PATHS_IN_OUT
    | _RESULT
    | {
        "ItemsPath",
        "MaxConcurrencyPath",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentagePath",
    },
}
_JSONATA: dict[str, frozenset[str]] = {
    "Task": frozenset({"Arguments", "Output"}),
    "Pass": frozenset({"Output"}),
    "Choice": frozenset({"Output"}),
    "Wait": frozenset({"Output"}),
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset(),
    "Parallel": frozenset({"Arguments", "Output"}),
    "Map": frozenset({"Items", "Output"}),
}

STATE: dict[tuple[str, bool], frozenset[str]] = {
    (kind, jsonata): _EVERY | _BOTH[kind] | (_JSONATA if jsonata else _JSONPATH)[kind]
    for kind in _BOTH
    for jsonata in (False, True)
}
"""Fields of a state, by its type and whether its query language is JSONata."""

PATHS = frozenset(name for fields in _JSONPATH.values() for name in fields if name.endswith("Path"))
"""Fields whose value is a path."""

# The least and the most that each takes.
NUMBERS: dict[str, tuple[int, int]] = {
    "TimeoutSeconds": (1, MOST_SECONDS),
    "HeartbeatSeconds": (1, MOST_SECONDS),
    "Seconds": (0, MOST_SECONDS),
    "MaxConcurrency": (0, MOST_COUNT),
    "ToleratedFailureCount": (0, MOST_COUNT),
    "ToleratedFailurePercentage": (0, 100),
    "IntervalSeconds": (1, MOST_SECONDS),
    "MaxAttempts": (0, MOST_ATTEMPTS),
    "MaxDelaySeconds": (1, RETRY_DELAY_SECONDS),
    "BackoffRate": (1, MOST_COUNT),
}
TEXTS = frozenset(
    {"Comment", "Resource", "Timestamp", "Error", "Cause", "Label", "Default", "Next"}
)
OBJECTS = frozenset(
    {"ItemProcessor", "Iterator", "ItemReader", "ItemBatcher", "ResultWriter", "Assign"}
)
