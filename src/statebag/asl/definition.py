"""Check the structure of an Amazon States Language definition before anything runs.

The interpreter finds most mistakes too, but only when it reaches them, and it cannot say where they
are. The rules are those of the language's specification (states-language.net/spec.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.model import Definition, inner_machines, member_path
from statebag.asl.quotas import NAME_CHARACTERS
from statebag.errors import ConfigurationError
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STATE_TYPES", "problems_of", "unreached_states"]

STATE_TYPES = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
_ENDING = ("Succeed", "Fail")


def problems_of(definition: Any) -> Iterator[ConfigurationError]:
    """Yield an error for each mistake in a definition's structure, with its place as `path`."""
    yield from _machine_problems(definition, "$", {})


def unreached_states(definition: Definition) -> Iterator[str]:
    """Yield the paths of states of a checked definition that no transition reaches."""
    for machine in definition.machines():
        reached = machine.reached()
        yield from (state.path for name, state in machine.states.items() if name not in reached)


def _machine_problems(
    machine: Any, path: str, seen: dict[str, str]
) -> Iterator[ConfigurationError]:
    if not isinstance(machine, dict):
        yield ConfigurationError(
            f"a state machine must be an object, not {json_type(machine)}", path=path
        )
        return
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield ConfigurationError(
            "States is an empty object"
            if states == {}
            else f"States must be an object, not {json_type(states)}",
            path=f"{path}.States",
        )
        return
    start = machine.get("StartAt")
    if not isinstance(start, str):
        yield ConfigurationError(
            f"StartAt must be the name of a state, not {json_type(start)}", path=f"{path}.StartAt"
        )
    else:
        yield from _target_problems(start, states, f"{path}.StartAt")
    for name, state in states.items():
        place = member_path(f"{path}.States", name)
        if len(name) > NAME_CHARACTERS:
            yield ConfigurationError(
                f"a state's name must have at most {NAME_CHARACTERS} characters, not {len(name)}",
                path=place,
            )
        if name in seen:
            yield ConfigurationError(
                f"a state of the same name is at {seen[name]}",
                path=place,
                hint="Rename one: names are unique in the definition, branches and maps included.",
            )
        seen[name] = place
        yield from _state_problems(state, states, place)
    for name, state in states.items():
        place = member_path(f"{path}.States", name)
        for inner_path, inner in inner_machines(state, place) if isinstance(state, dict) else ():
            yield from _machine_problems(inner, inner_path, seen)


def _state_problems(
    state: Any, siblings: dict[str, Any], path: str
) -> Iterator[ConfigurationError]:
    if not isinstance(state, dict):
        yield ConfigurationError(f"a state must be an object, not {json_type(state)}", path=path)
        return
    kind = state.get("Type")
    if kind not in STATE_TYPES:
        yield ConfigurationError(
            "Type is missing" if kind is None else f"there is no state type {kind!r}",
            path=f"{path}.Type",
            hint=f"Use {', '.join(STATE_TYPES)}.",
        )
        return
    if kind in _ENDING or kind == "Choice":
        for field in ("Next", "End"):
            if field in state:
                yield ConfigurationError(
                    f"a {kind} state cannot have {field}", path=f"{path}.{field}"
                )
    elif ("Next" in state) == ("End" in state):
        yield ConfigurationError(
            f"this {kind} state has {'both' if 'End' in state else 'neither'} Next "
            f"{'and' if 'End' in state else 'nor'} End",
            path=path,
        )
    elif "End" in state and state["End"] is not True:
        yield ConfigurationError("End must be true, not another value", path=f"{path}.End")
    for place, target in _targets(state, path):
        if target is None:
            yield ConfigurationError("Next is missing", path=place)
        else:
            yield from _target_problems(target, siblings, place)
    for field in ("Retry", "Catch"):
        yield from _handler_problems(state.get(field, []), field, f"{path}.{field}")
    if kind == "Task" and not isinstance(state.get("Resource"), str):
        yield ConfigurationError(
            "the Task state has no Resource of type string", path=f"{path}.Resource"
        )
    if kind == "Choice" and not _is_objects(state.get("Choices")):
        yield ConfigurationError(
            f"Choices must be a list of objects, not {_found(state.get('Choices'))}",
            path=f"{path}.Choices",
        )
    if kind == "Parallel" and not _is_objects(state.get("Branches")):
        yield ConfigurationError(
            f"Branches must be a list of objects, not {_found(state.get('Branches'))}",
            path=f"{path}.Branches",
        )
    if kind == "Map" and ("ItemProcessor" in state) == ("Iterator" in state):
        yield ConfigurationError(
            "the Map state must have one of ItemProcessor and Iterator, not "
            + ("both" if "Iterator" in state else "neither"),
            path=f"{path}.ItemProcessor",
        )


def _handler_problems(handlers: Any, field: str, path: str) -> Iterator[ConfigurationError]:
    if not isinstance(handlers, list):
        yield ConfigurationError(f"{field} must be a list, not {json_type(handlers)}", path=path)
        return
    for index, handler in enumerate(handlers):
        names = handler.get("ErrorEquals") if isinstance(handler, dict) else None
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            yield ConfigurationError(
                f"ErrorEquals must be a list of error names, not {_found(names)}",
                path=f"{path}[{index}].ErrorEquals",
            )
        elif "States.ALL" in names and (len(names) > 1 or index + 1 < len(handlers)):
            yield ConfigurationError(
                f"States.ALL is next to other names, or not in the last entry of {field}",
                path=f"{path}[{index}].ErrorEquals",
            )


def _target_problems(
    target: Any, siblings: dict[str, Any], path: str
) -> Iterator[ConfigurationError]:
    if not isinstance(target, str) or target not in siblings:
        yield ConfigurationError(
            f"there is no state {target!r} here",
            path=path,
            hint=f"The states here are {', '.join(siblings)}.",
        )


def _targets(state: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Yield the place of each transition of a state, and its target; None if it is not a name."""
    for field in ("Next", "Default"):
        if field in state:
            yield f"{path}.{field}", state[field]
    for field in ("Choices", "Catch"):
        entries = state.get(field, [])
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            named = isinstance(entry, dict) and isinstance(entry.get("Next"), str)
            yield f"{path}.{field}[{index}].Next", entry["Next"] if named else None


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _found(value: Any) -> str:
    """Describe a value that should be a list of certain items."""
    if isinstance(value, list):
        return "one with other items" if value else "an empty one"
    return json_type(value)
