"""Checks the structure of an Amazon States Language definition before anything runs.

The interpreter would find most of it too, but only when it gets there, and without the place.
Rules are those of the language's specification (states-language.net/spec.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.local.invocation import ACCOUNT, function_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FunctionUse", "check_definition", "function_uses", "states_of", "with_function_arns"]

_TYPES = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
_ENDING = ("Succeed", "Fail")
_NAME_LENGTH = 80
_INVOKE = ":states:::lambda:invoke"


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """A function that a definition names: where, in which words, and its bare name."""

    path: str
    reference: str
    name: str


def check_definition(definition: Any) -> list[str]:
    """Check a definition's structure.

    Returns:
        Warnings, one line each: states that no transition reaches.

    Raises:
        ConfigurationError: with the place as `path`, such as `$.States.Parse.Next`.
    """
    warnings: list[str] = []
    _check_machine(definition, "$", {}, warnings)
    return warnings


def states_of(definition: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """All states at every depth of a checked definition: `(path, name, state)`."""
    for path, machine in _machines(definition, "$"):
        for name, state in machine["States"].items():
            yield _member(f"{path}.States", name), name, state


def function_uses(definition: dict[str, Any]) -> list[FunctionUse]:
    """The functions that a checked definition names; those it computes are not among them.

    Raises:
        ConfigurationError: a Task's `Resource` or `FunctionName` is no function's name.
    """
    uses = []
    for path, _, state in states_of(definition):
        if state["Type"] != "Task":
            continue
        resource = state["Resource"]
        if _INVOKE in resource:
            field = "Arguments" if "Arguments" in state else "Parameters"
            parameters = state.get(field)
            reference = parameters.get("FunctionName") if isinstance(parameters, dict) else None
            place = f"{path}.{field}.FunctionName"
            if not isinstance(reference, str) or reference.startswith("{%"):
                continue
        elif ":lambda:" in resource or not resource.startswith("arn:"):
            place, reference = f"{path}.Resource", resource
        else:
            continue
        name = function_name(reference)
        if name is None:
            raise ConfigurationError(
                "this is neither a function's name nor its ARN",
                path=place,
                hint="Give a name of letters, digits, '-' and '_', or the function's full ARN.",
            )
        uses.append(FunctionUse(place, reference, name))
    return uses


def with_function_arns(definition: dict[str, Any], region: str) -> dict[str, Any]:
    """A copy in which a Task's `Resource` that is a bare function name is that function's ARN."""

    def copied(value: Any) -> Any:
        if isinstance(value, dict):
            result = {key: copied(item) for key, item in value.items()}
            resource = result.get("Resource")
            if result.get("Type") == "Task" and isinstance(resource, str):
                name = function_name(resource)
                if name is not None and not resource.startswith("arn:"):
                    result["Resource"] = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
            return result
        return [copied(item) for item in value] if isinstance(value, list) else value

    result = copied(definition)
    assert isinstance(result, dict)
    return result


def _check_machine(machine: Any, path: str, seen: dict[str, str], warnings: list[str]) -> None:
    if not isinstance(machine, dict):
        raise ConfigurationError("a state machine must be an object", path=path)
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        raise ConfigurationError(
            "States must be an object that has at least one state", path=f"{path}.States"
        )
    start = machine.get("StartAt")
    if not isinstance(start, str):
        raise ConfigurationError("StartAt must name the first state", path=f"{path}.StartAt")
    _check_target(start, states, f"{path}.StartAt")
    for name, state in states.items():
        place = _member(f"{path}.States", name)
        if len(name) > _NAME_LENGTH:
            raise ConfigurationError(
                f"a state's name has at most {_NAME_LENGTH} characters", path=place
            )
        if name in seen:
            raise ConfigurationError(
                f"a state of the same name is at {seen[name]}",
                path=place,
                hint="Names are unique in the whole definition, branches and maps included.",
            )
        seen[name] = place
        _check_state(state, states, place)
    warnings.extend(
        f"no transition reaches the state at {_member(f'{path}.States', name)}"
        for name in _unreached(start, states)
    )
    for inner_path, inner in _inner(states, path):
        _check_machine(inner, inner_path, seen, warnings)


def _check_state(state: Any, siblings: dict[str, Any], path: str) -> None:
    if not isinstance(state, dict):
        raise ConfigurationError("a state must be an object", path=path)
    kind = state.get("Type")
    if kind not in _TYPES:
        raise ConfigurationError(
            "Type is missing" if kind is None else f"there is no state type {kind!r}",
            path=f"{path}.Type",
            hint=f"It is one of {', '.join(_TYPES)}.",
        )
    if kind in _ENDING or kind == "Choice":
        for field in ("Next", "End"):
            if field in state:
                raise ConfigurationError(f"a {kind} state has no {field}", path=f"{path}.{field}")
    elif ("Next" in state) == ("End" in state):
        raise ConfigurationError(
            f"a {kind} state has either Next or End, and exactly one of them", path=path
        )
    elif "End" in state and state["End"] is not True:
        raise ConfigurationError("End can only be true", path=f"{path}.End")
    for place, target in _targets(state, path):
        _check_target(target, siblings, place)
    for field in ("Retry", "Catch"):
        _check_handlers(state.get(field, []), field, f"{path}.{field}")
    if kind == "Task" and not isinstance(state.get("Resource"), str):
        raise ConfigurationError("a Task names its Resource", path=f"{path}.Resource")
    if kind == "Choice" and not _is_objects(state.get("Choices")):
        raise ConfigurationError("Choices must be an array of rules", path=f"{path}.Choices")
    if kind == "Parallel" and not _is_objects(state.get("Branches")):
        raise ConfigurationError("Branches must be an array of machines", path=f"{path}.Branches")
    if kind == "Map" and ("ItemProcessor" in state) == ("Iterator" in state):
        raise ConfigurationError(
            "a Map has either an ItemProcessor or the older Iterator", path=f"{path}.ItemProcessor"
        )


def _check_handlers(handlers: Any, field: str, path: str) -> None:
    if not isinstance(handlers, list):
        raise ConfigurationError(f"{field} must be an array", path=path)
    for index, handler in enumerate(handlers):
        names = handler.get("ErrorEquals") if isinstance(handler, dict) else None
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise ConfigurationError(
                "ErrorEquals must be an array that has at least one error name",
                path=f"{path}[{index}].ErrorEquals",
            )
        if "States.ALL" in names and (len(names) > 1 or index + 1 < len(handlers)):
            raise ConfigurationError(
                f"States.ALL stands alone, and in the last entry of {field}",
                path=f"{path}[{index}].ErrorEquals",
            )


def _check_target(target: Any, siblings: dict[str, Any], path: str) -> None:
    if target not in siblings:
        raise ConfigurationError(
            f"there is no state {target!r} here",
            path=path,
            hint=f"The states here are {', '.join(siblings)}.",
        )


def _targets(state: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for field in ("Next", "Default"):
        if field in state:
            yield f"{path}.{field}", state[field]
    for field in ("Choices", "Catch"):
        entries = state.get(field, [])
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            place = f"{path}.{field}[{index}].Next"
            if not isinstance(entry, dict) or not isinstance(entry.get("Next"), str):
                raise ConfigurationError("Next must name a state", path=place)
            yield place, entry["Next"]


def _unreached(start: str, states: dict[str, Any]) -> list[str]:
    reached, ahead = {start}, [start]
    while ahead:
        for _, target in _targets(states[ahead.pop()], "$"):
            if target not in reached:
                reached.add(target)
                ahead.append(target)
    return [name for name in states if name not in reached]


def _machines(machine: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, machine
    for inner_path, inner in _inner(machine["States"], path):
        yield from _machines(inner, inner_path)


def _inner(states: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, state in states.items():
        place = _member(f"{path}.States", name)
        if state["Type"] == "Parallel":
            for index, branch in enumerate(state["Branches"]):
                yield f"{place}.Branches[{index}]", branch
        elif state["Type"] == "Map":
            field = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
            yield f"{place}.{field}", state[field]


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{name!r}]"
