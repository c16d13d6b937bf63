"""Check what else, apart from types and transitions, AWS refuses in a new machine.

The sources are answers of CreateStateMachine to definitions of each kind, the language's
specification and the Developer Guide.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from statebag.lint.expression_sizes import is_jsonata
from statebag.lint.integrations import integration_of, resource_problems
from statebag.lint.refused_machine import refused_in_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.model import Definition, State

__all__ = ["is_timestamp", "refused"]

_LABEL_CHARACTERS = 40  # (Developer Guide, "Map state processing modes")
_NOT_IN_LABELS = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)
_VARIABLE_CHARACTERS = 80  # (Developer Guide, "Passing data between states with variables")
# Fields of a distributed Map alone (Developer Guide, "Map state processing modes").
_DISTRIBUTED = (
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
    "Label",
)
_READERS = re.compile(r"arn:[^:]*:states:::s3:(?:getObject|listObjectsV2)")
_WRITERS = re.compile(r"arn:[^:]*:states:::s3:putObject")
_INPUT_TYPES = ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")
_PAIRS = (
    "TimeoutSeconds",
    "HeartbeatSeconds",
    "Error",
    "Cause",
    "MaxConcurrency",
    "ToleratedFailureCount",
    "ToleratedFailurePercentage",
    "MaxItems",
    "MaxItemsPerBatch",
    "MaxInputBytesPerBatch",
)
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials")
_EXPRESSIONS = ("Arguments", "Output", "Items", "ItemSelector", "Assign", "Credentials")


def refused(definition: Definition, *, express: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the place and the reason of each thing that AWS refuses.

    Args:
        definition: A definition for which `problems_of` yields nothing.
        express: Whether the machine is an Express one.
    """
    yield from _machine(definition.machine.fields)
    yield from refused_in_machine(definition)
    fast = _express_machines(definition) if not express else set()
    for state in definition.states.values():
        in_express = express or state.machine.path in fast
        yield from _state(state, express=in_express)


def _machine(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if fields.get("Version", "1.0") != "1.0" and not _to_come(fields["Version"]):
        yield "$.Version", "Version must be 1.0"
    seconds = fields.get("TimeoutSeconds", 1)
    if not _to_come(seconds) and (
        isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1
    ):
        yield "$.TimeoutSeconds", "TimeoutSeconds must be a whole number above zero"


def _express_machines(definition: Definition) -> set[str]:
    """Return the paths of machines that run as Express children, and of the machines in them."""
    found: set[str] = set()
    for state in definition.states.values():
        for machine in state.machines:
            config = machine.fields.get("ProcessorConfig")
            kind = config.get("ExecutionType") if isinstance(config, dict) else None
            if state.machine.path in found or kind == "EXPRESS":
                found.add(machine.path)
    return found


def _state(state: State, *, express: bool) -> Iterator[tuple[str, str]]:
    fields, path, sata = state.fields, state.path, state.language == "JSONata"
    if state.machine.language == "JSONata" and fields.get("QueryLanguage") == "JSONPath":
        yield f"{path}.QueryLanguage", "a state of a JSONata machine cannot be in JSONPath"
    holders = [(path, fields)]
    for name in ("ItemReader", "ItemBatcher", "ResultWriter"):
        holder = fields.get(name)
        if isinstance(holder, dict):
            holders.append((f"{path}.{name}", holder))
            if isinstance(holder.get("ReaderConfig"), dict):
                holders.append((f"{path}.{name}.ReaderConfig", holder["ReaderConfig"]))
    for place, holder in holders:
        for name in _PAIRS:
            if name in holder and f"{name}Path" in holder:
                yield place, f"{name} and {name}Path exclude each other"
    for name in _EXPRESSIONS if sata else _TEMPLATES:
        yield from (_half_open if sata else _twice)(fields.get(name), f"{path}.{name}")
    yield from _assigned(fields.get("Assign"), f"{path}.Assign")
    for field in ("Catch", "Choices"):
        for index, entry in _entries(fields, field):
            place = f"{path}.{field}[{index}]"
            yield from _assigned(entry.get("Assign"), f"{place}.Assign")
            names = ("Assign", "Output", "Condition") if sata else ("Assign",)
            for name in names:
                yield from (_half_open if sata else _twice)(entry.get(name), f"{place}.{name}")
    if sata:
        for name in ("Seconds", "TimeoutSeconds", "HeartbeatSeconds", "Error", "Cause"):
            yield from _half_open(fields.get(name), f"{path}.{name}")
    for index, entry in _entries(fields, "Retry"):
        if entry.get("JitterStrategy", "FULL") not in ("FULL", "NONE"):
            yield f"{path}.Retry[{index}].JitterStrategy", "JitterStrategy must be FULL or NONE"
    if state.kind == "Map":
        yield from _map(state, express=express)
    elif state.kind == "Task":
        yield from _task(fields, path, express=express)
    elif state.kind == "Wait":
        yield from _wait(fields.get("Timestamp"), f"{path}.Timestamp", sata=sata)
    elif state.kind == "Choice" and not sata:
        for index, rule in enumerate(fields["Choices"]):
            yield from _rule(rule, f"{path}.Choices[{index}]")


def _task(fields: dict[str, Any], path: str, *, express: bool) -> Iterator[tuple[str, str]]:
    credentials = fields.get("Credentials")
    if isinstance(credentials, dict) and not {"RoleArn", "RoleArn.$"} & credentials.keys():
        yield f"{path}.Credentials", "Credentials must have a RoleArn"
    elif (
        credentials is not None and not isinstance(credentials, dict) and not _computed(credentials)
    ):
        yield f"{path}.Credentials", "Credentials must be an object with a RoleArn"
    resource = fields["Resource"]
    given = fields.get("Arguments", fields.get("Parameters"))
    if integration_of(resource) is not None:
        for name in ("Arguments", "Parameters"):
            value = fields.get(name, {})
            if not isinstance(value, dict) and not _computed(value):
                yield f"{path}.{name}", f"{name} of an integration must be an object"
    if not _to_come(resource):
        for problem in resource_problems(resource, given, express=express):
            yield f"{path}.Resource", problem


def _map(state: State, *, express: bool) -> Iterator[tuple[str, str]]:
    fields, path = state.fields, state.path
    label = fields.get("Label")
    if isinstance(label, str) and not _to_come(label):
        if len(label) > _LABEL_CHARACTERS:
            yield (
                f"{path}.Label",
                f"Label must have at most {_LABEL_CHARACTERS} characters, not {len(label)}",
            )
        elif not label or _NOT_IN_LABELS.search(label):
            yield f"{path}.Label", "Label must not be empty, or have spaces or special characters"
    (processor,) = state.machines
    config = processor.fields.get("ProcessorConfig", {})
    if not isinstance(config, dict):
        return
    place = f"{processor.path}.ProcessorConfig"
    mode, kind = config.get("Mode", "INLINE"), config.get("ExecutionType")
    if mode not in ("INLINE", "DISTRIBUTED") and not _to_come(mode):
        yield f"{place}.Mode", "Mode must be INLINE or DISTRIBUTED"
    if kind not in (None, "STANDARD", "EXPRESS") and not _to_come(kind):
        yield f"{place}.ExecutionType", "ExecutionType must be STANDARD or EXPRESS"
    if mode == "DISTRIBUTED":
        if kind is None:
            yield place, "a distributed Map must have an ExecutionType: STANDARD or EXPRESS"
        if express:
            yield place, "an Express machine cannot have a distributed Map"
    elif mode == "INLINE":
        for name in _DISTRIBUTED:
            if name in fields:
                yield f"{path}.{name}", f"{name} is a field of distributed Maps; this one is inline"
    yield from _reader(fields, path, sata=state.language == "JSONata")


def _reader(fields: dict[str, Any], path: str, *, sata: bool) -> Iterator[tuple[str, str]]:
    for name, pattern in (("ItemReader", _READERS), ("ResultWriter", _WRITERS)):
        holder = fields.get(name)
        resource = holder.get("Resource") if isinstance(holder, dict) else None
        if isinstance(resource, str) and not _to_come(resource) and not pattern.fullmatch(resource):
            yield f"{path}.{name}.Resource", f"{name} does not have this Resource"
        given = "Parameters" if sata else "Arguments"
        if isinstance(holder, dict) and given in holder:
            language = "JSONata" if sata else "JSONPath"
            yield f"{path}.{name}.{given}", f"{name} cannot have {given} in {language}"
    reader = fields.get("ItemReader")
    config = reader.get("ReaderConfig") if isinstance(reader, dict) else None
    if not isinstance(config, dict):
        return
    place = f"{path}.ItemReader.ReaderConfig"
    kind = config.get("InputType")
    if kind is not None and kind not in _INPUT_TYPES and not _to_come(kind):
        yield f"{place}.InputType", f"InputType must be one of {', '.join(_INPUT_TYPES)}"
    if config.get("CSVHeaderLocation") == "GIVEN" and "CSVHeaders" not in config:
        yield place, "CSVHeaderLocation GIVEN must have CSVHeaders"


def _wait(timestamp: Any, path: str, *, sata: bool) -> Iterator[tuple[str, str]]:
    if not isinstance(timestamp, str) or _to_come(timestamp):
        return
    if sata and timestamp.lstrip().startswith("{%"):
        yield from _half_open(timestamp, path)
    elif not is_timestamp(timestamp):
        yield path, "Timestamp must be a time as 2026-03-01T12:00:00Z"


def is_timestamp(text: str) -> bool:
    """Return whether a text is a time in RFC 3339 with a capital T and a Z or an offset."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    try:
        datetime.fromisoformat(match[1])
    except ValueError:
        return False
    return True


def _rule(rule: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name, value in rule.items():
        place = f"{path}.{name}"
        if name in {"And", "Or"} and isinstance(value, list):
            for index, one in enumerate(value):
                if isinstance(one, dict):
                    yield from _rule(one, f"{place}[{index}]")
        elif name == "Not" and isinstance(value, dict):
            yield from _rule(value, place)
        elif not name.endswith("Path") and not _to_come(value):
            wanted = _comparison_problem(name, value)
            if wanted is not None:
                yield place, f"{name} must be {wanted}"


def _comparison_problem(name: str, value: Any) -> str | None:
    """Return what a comparison expects, if this value is something else."""
    if name.startswith(("Is", "Boolean")):
        return None if isinstance(value, bool) else "true or false"
    if name.startswith("Numeric"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if number else "a number"
    if name.startswith("String"):
        return None if isinstance(value, str) else "a string"
    if name.startswith("Timestamp"):
        fits = isinstance(value, str) and is_timestamp(value)
        return None if fits else "a time as 2026-03-01T12:00:00Z"
    return None


def _assigned(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the names of variables."""
    for key in value if isinstance(value, dict) else ():
        name = key.removesuffix(".$")
        if name == "states":
            yield f"{path}.{key}", "the variable states is the language's own"
        elif not name.isidentifier() or len(name) > _VARIABLE_CHARACTERS:
            message = "a variable's name must be letters, digits and _, at most 80"
            yield f"{path}.{key}", message


def _twice(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a payload template that occur both with and without `.$`."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key.endswith(".$") and key.removesuffix(".$") in value:
                yield f"{path}.{key}", "the same field is there without .$ too"
            yield from _twice(one, f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _twice(one, f"{path}[{index}]")


def _half_open(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the texts that begin or end as JSONata does, but not both."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _half_open(one, f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _half_open(one, f"{path}[{index}]")
    elif isinstance(value, str) and not _to_come(value):
        begins, ends = value.startswith("{%"), value.endswith("%}")
        if begins != ends:
            yield path, "an expression must begin with {% and end with %}"


def _entries(fields: dict[str, Any], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the entries of a list of objects, each with its index."""
    value = fields.get(name)
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict):
            yield index, entry


def _computed(value: Any) -> bool:
    return is_jsonata(value) or _to_come(value)


def _to_come(value: Any) -> bool:
    """Return whether a substitution will replace the value."""
    return isinstance(value, str) and "${" in value
