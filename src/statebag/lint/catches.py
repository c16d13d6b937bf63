"""Find what follows a Catch: whether the workflow can succeed, and what sees the error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from statebag.asl.intrinsic_calls import IntrinsicCall, parse_expression
from statebag.asl.json_paths import JsonPath, MalformedError, parse_json_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statebag.asl.model import StateMachine

__all__ = ["ends_well", "is_looked_at", "reached_from"]

_ACTING = frozenset({"Task", "Choice", "Map", "Parallel"})  # states that can do something about it
# Fields whose paths look at nothing in a state's input, or that belong to other states.
_ELSEWHERE = frozenset(
    {"ResultPath", "OutputPath", "Catch", "Retry", "ItemProcessor", "Iterator", "Branches"}
)


def reached_from(machine: StateMachine, target: str) -> list[dict[str, Any]]:
    """Return a state and all that can follow it, without following other Catches."""
    seen: dict[str, dict[str, Any]] = {}
    ahead: list[str | None] = [target]
    while ahead:
        name = ahead.pop()
        state = None if name is None or name in seen else machine.states.get(name)
        if state is not None:
            seen[state.name] = state.fields
            ahead.extend(one.name for one in state.targets() if one.field != "Catch")
    return list(seen.values())


def ends_well(following: list[dict[str, Any]]) -> bool:
    """Return whether an execution can succeed with one of these states."""
    return any(one.get("Type") == "Succeed" or one.get("End") is True for one in following)


def is_looked_at(
    handler: Mapping[str, Any], following: list[dict[str, Any]], language: str
) -> bool:
    """Return whether a state after a Catch gets its error, in a payload, rule or branch."""
    if language == "JSONata":
        return _in_jsonata(handler, following)
    where = handler.get("ResultPath", "$")
    if not isinstance(where, str):
        return False
    try:
        place = parse_json_path(where).beginning
    except MalformedError:
        return True  # another finding
    acting = [one for one in following if one.get("Type") in _ACTING]
    if not place:
        return bool(acting)  # the error is all they have
    return any(_mentions(one, place[0]) for one in acting)


def _mentions(state: dict[str, Any], name: str | int) -> bool:
    """Return whether a state is given a field of its input, or all of it."""
    if "Parameters" not in state and state["Type"] in {"Task", "Parallel"}:
        given = [*_read(state.get("InputPath", "$"))]
        return any(path.definite and path.beginning in ((), (name,)) for path in given)
    return any(
        path.root == "input" and path.beginning[:1] in ((), (name,))
        for text in _paths(state)
        for path in _read(text)
    )


def _read(text: object) -> Iterator[JsonPath]:
    """Yield the paths in a text: it may be a path, a call, or neither."""
    if not isinstance(text, str):
        return
    try:
        parsed = parse_expression(text)
    except MalformedError:
        return
    if isinstance(parsed, IntrinsicCall):
        yield from parsed.paths()
    else:
        yield parsed


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key not in _ELSEWHERE:
                yield from _paths(one)
    elif isinstance(value, list):
        for one in value:
            yield from _paths(one)
    elif isinstance(value, str) and "$" in value:
        yield value


def _in_jsonata(handler: Mapping[str, Any], following: list[dict[str, Any]]) -> bool:
    assigned = handler.get("Assign")
    for name, value in assigned.items() if isinstance(assigned, dict) else ():
        if "$states.errorOutput" in json.dumps(value) and any(
            f"${name}" in json.dumps(one) for one in following
        ):
            return True
    output = json.dumps(handler["Output"]) if "Output" in handler else "$states.errorOutput"
    if "$states.errorOutput" not in output:
        return False
    return any(
        "$states.input" in json.dumps(one) or (one.get("Type") == "Task" and "Arguments" not in one)
        for one in following
        if one.get("Type") in _ACTING
    )
