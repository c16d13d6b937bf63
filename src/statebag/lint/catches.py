"""Find what follows a Catch: whether the workflow can succeed, and what sees the error."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from statebag.asl.intrinsic_calls import IntrinsicCall, parse_expression
from statebag.asl.json_paths import JsonPath, MalformedError, parse_json_path

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from statebag.asl.model import StateMachine

__all__ = ["Following"]

_ACTING = frozenset({"Task", "Choice", "Map", "Parallel"})  # states that can do something about it
# Fields whose paths read nothing in a state's input, or that belong to other states.
_ELSEWHERE = frozenset(
    {"ResultPath", "OutputPath", "Catch", "Retry", "ItemProcessor", "Iterator", "Branches"}
)


class Following:
    """The states that can follow each state of a machine, without following other Catches.

    Args:
        machine: The machine, whose structure was checked.
    """

    def __init__(self, machine: StateMachine) -> None:
        self._states = {name: state.fields for name, state in machine.states.items()}
        self._before: dict[str, list[str]] = {}
        for name, state in machine.states.items():
            for target in state.targets():
                if target.field != "Catch" and target.name in self._states:
                    self._before.setdefault(target.name, []).append(name)
        self._leading: dict[Hashable, set[str]] = {}

    def ends_well(self, name: str) -> bool:
        """Return whether an execution can succeed from a state on."""
        return name in self._leading_to("the end", _can_end)

    def is_looked_at(self, handler: Mapping[str, Any], language: str) -> bool:
        """Return whether a state after a Catch reads its error, in a payload, rule or branch."""
        if language == "JSONata":
            return self._in_jsonata(handler)
        where = handler.get("ResultPath", "$")
        if not isinstance(where, str):
            return False
        try:
            place = parse_json_path(where).beginning
        except MalformedError:
            return True  # another finding
        if not place:  # the error is all they have
            return handler["Next"] in self._leading_to("an act", _acts)
        first = place[0]
        able = self._leading_to(("$", first), lambda one: _acts(one) and _mentions(one, first))
        return handler["Next"] in able

    def _leading_to(self, what: Hashable, is_it: Callable[[Mapping[str, Any]], bool]) -> set[str]:
        """Return the states of a kind, and the states that can lead to one of them."""
        if what not in self._leading:
            found: set[str] = set()
            ahead = [name for name, fields in self._states.items() if is_it(fields)]
            while ahead:
                name = ahead.pop()
                if name not in found:
                    found.add(name)
                    ahead.extend(self._before.get(name, ()))
            self._leading[what] = found
        return self._leading[what]

    def _in_jsonata(self, handler: Mapping[str, Any]) -> bool:
        assigned = handler.get("Assign")
        for name, value in assigned.items() if isinstance(assigned, dict) else ():
            if "$states.errorOutput" not in json.dumps(value):
                continue
            if handler["Next"] in self._leading_to(("$$", name), partial(_names, f"${name}")):
                return True
        output = json.dumps(handler["Output"]) if "Output" in handler else "$states.errorOutput"
        if "$states.errorOutput" not in output:
            return False
        return handler["Next"] in self._leading_to("the input", _gets_input)


def _names(text: str, fields: Mapping[str, Any]) -> bool:
    return text in json.dumps(fields)


def _can_end(fields: Mapping[str, Any]) -> bool:
    return fields.get("Type") == "Succeed" or fields.get("End") is True


def _acts(fields: Mapping[str, Any]) -> bool:
    return fields.get("Type") in _ACTING


def _gets_input(fields: Mapping[str, Any]) -> bool:
    """Return whether a JSONata state that acts gets its input."""
    if not _acts(fields):
        return False
    whole = fields["Type"] == "Task" and "Arguments" not in fields
    return whole or "$states.input" in json.dumps(fields)


def _mentions(state: Mapping[str, Any], name: str | int) -> bool:
    """Return whether a state gets a field of its input, or all of it."""
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
