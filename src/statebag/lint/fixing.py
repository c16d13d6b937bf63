"""Make the changes that lint asks for, if a person has nothing to decide.

These are the id of the execution in the payload of a function that may not open and seal bags
(`SB101`, `SB204`, `SB205`), and the Retry on `StoreUnavailable` (`SB301`). Only these fields are
written, at their places in the text: everything else keeps its form, and a second call changes
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.model import Definition
from statebag.errors import ConfigurationError
from statebag.lint.calls import Functions, call_of
from statebag.lint.checks import parents_id
from statebag.lint.expression_sizes import is_jsonata
from statebag.lint.function_settings import function_settings
from statebag.lint.json_edits import JsonText
from statebag.lint.linter import lint, machines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statebag.asl.model import State
    from statebag.lint.linter import Options

__all__ = ["Correction", "fix"]

_CODES = frozenset({"SB101", "SB204", "SB205", "SB301"})
_ROUNDS = 3  # chosen: a function that is given its id needs a Retry then, and nothing after that
_RETRY = {
    "ErrorEquals": ["StoreUnavailable"],
    "IntervalSeconds": 1,
    "MaxAttempts": 5,
    "BackoffRate": 2,
    "JitterStrategy": "FULL",
}
_EXECUTION_ID = "Execution.Id"  # in a path of the context object, in both languages
_WHOLE, _STATE = "@statebag.step", '@statebag.step(bag_path="$.state")'
"""The decorator of a handler whose event is the state, and of one that has it in `state`."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A change that was made, or that is left to a person.

    Attributes:
        file: The file with the definition.
        path: The state.
        message: What was written, and what else is to be done; or why nothing was written.
        is_written: Whether something was written.
        function: The function that now gets its execution's id, and is to be decorated.
    """

    file: str
    path: str
    message: str
    is_written: bool = True
    function: str = ""


def fix(paths: list[Path], options: Options) -> list[Correction]:
    """Make the mechanical changes in the definitions of files and folders.

    Args:
        paths: Definitions in JSON, templates that name them, and folders of both.
        options: The options of `lint`.

    Returns:
        What was written, and what was left, in the order of files.

    Raises:
        ConfigurationError: A change belongs in a file that is not a separate definition in JSON, so
            that its comments would be lost, or in one that cannot be written. All other changes
            were made before.
    """
    changes: list[Correction] = []
    refused: list[str] = []
    others = _others(paths, options)
    for number in range(_ROUNDS):
        found: dict[str, dict[str, str]] = defaultdict(dict)
        # Who is given its id is to be decorated, and needs a Retry then.
        given = tuple(one.function for one in changes if one.function)
        told = replace(options, sealed=(*options.sealed, *given)) if number else options
        for one in lint(paths, told).findings:
            if one.code in _CODES:
                found[one.file].setdefault(one.path, one.code)
        written = False
        for file, codes in found.items():
            if file in refused:
                continue
            text = JsonText.read(Path(file))
            if text is None:
                refused.append(file)
                continue
            here = [*_changed(file, text, codes, options, others.get(file, {}))]
            written = text.write() or written
            changes.extend(one for one in here if one not in changes)
        if not written:
            break
    if refused:
        raise ConfigurationError(
            f"{refused[0]} is not a separate definition in JSON: --fix would lose its comments",
            hint="Keep the definition in a JSON file that DefinitionUri names, or make the changes "
            "that `statebag lint` lists by hand",
        )
    return changes


def _others(paths: list[Path], options: Options) -> dict[str, dict[str, str]]:
    """Return, for each file, the runtimes of functions that are in other languages."""
    return {
        machine.file: {
            name: one.other_runtime
            for name, one in function_settings(machine).items()
            if one.other_runtime and name not in options.sealed
        }
        for machine in machines_of(paths)
    }


def _changed(
    file: str, text: JsonText, codes: dict[str, str], options: Options, others: Mapping[str, str]
) -> Iterator[Correction]:
    """Note the edits of a definition, and yield a description of each.

    `others` has the runtimes of functions in other languages.
    """
    states = Definition(text.value).states
    children = [
        machine.path
        for state in states.values()
        if state.is_distributed
        for machine in state.machines
    ]
    payloads: dict[str, tuple[str, str]] = {}
    for path, code in codes.items():
        state = states.get(path)
        if state is None:
            continue
        if code == "SB301":
            _retried(text, state)
            yield Correction(file, path, "Retry has StoreUnavailable")
            continue
        call = call_of(state.fields, path, Functions())
        name = call.name
        told = any(fnmatchcase(name, pattern) for pattern in options.unsealed)
        if told or not call.is_function:
            continue
        child = max((one for one in children if path.startswith(f"{one}.")), key=len, default=None)
        if name in others:
            message = f"{name} runs on {others[name]}, where nothing opens bags"
            yield Correction(file, path, message, is_written=False)
        elif (step := _form(state)) is None:
            continue
        elif child is not None:
            message = f"a child has an id of its own. {parents_id(states, child, path)}"
            yield Correction(file, path, message, is_written=False)
        else:
            payloads[path] = (name, step)
    forms: dict[str, set[str]] = defaultdict(set)
    for name, step in payloads.values():
        forms[name].add(step)
    for path, (name, step) in payloads.items():
        if len(forms[name]) > 1:
            message = f"{name} gets its state in two forms: pass one form, for one decorator"
            yield Correction(file, path, message, is_written=False)
            continue
        _given_id(text, states[path])
        message = f"passes execution_id; put {step} around the handler of {name}"
        yield Correction(file, path, message, function=name)


def _payload(state: State) -> tuple[str, Any]:
    """Return the path of what a function gets, and its value.

    The value is None if the function gets its state's whole input, and () if lint does not
    understand it.
    """
    name = "Arguments" if state.language == "JSONata" else "Parameters"
    given, path = state.fields.get(name), f"{state.path}.{name}"
    if ":states:" not in str(state.fields.get("Resource")):
        return path, given
    if not isinstance(given, dict):
        return path, ()
    key = "Payload.$" if "Payload.$" in given else "Payload"
    payload = given.get(key)
    return f"{path}.{key}", () if payload is None else payload


def _form(state: State) -> str | None:
    """Return the decorator that a function needs; None if its payload is not to be changed."""
    path, payload = _payload(state)
    if isinstance(payload, dict):
        known = {key.removesuffix(".$") for key in payload}
        has_id = any(isinstance(one, str) and _EXECUTION_ID in one for one in payload.values())
        return None if has_id or "execution_id" in known else _WHOLE
    if payload is None:
        return _STATE
    if state.language == "JSONata":
        return _STATE if is_jsonata(payload) else None
    return _STATE if isinstance(payload, str) and path.endswith(".$") else None


def _given_id(text: JsonText, state: State) -> None:
    path, payload = _payload(state)
    sata = state.language == "JSONata"
    key, value = (
        ("execution_id", "{% $states.context.Execution.Id %}")
        if sata
        else ("execution_id.$", "$$.Execution.Id")
    )
    if isinstance(payload, dict):
        text.put_first(path, key, value)
        return
    whole = {key: value}
    if payload is None:  # of a function's own ARN: all of the input
        whole["state" if sata else "state.$"] = "{% $states.input %}" if sata else "$"
        text.put_after(f"{state.path}.Resource", path.rpartition(".")[2], whole)
        return
    whole["state" if sata else "state.$"] = payload
    name = path.removesuffix(".$").rpartition(".")[2]
    text.replace_member(path, name, whole)


def _retried(text: JsonText, state: State) -> None:
    """Add StoreUnavailable to the Retry for Lambda's own errors, or a Retry for it."""
    path, known = f"{state.path}.Retry", state.fields.get("Retry")
    if not known:
        if known is None:
            text.put_after(f"{state.path}.{_last_of_call(state)}", "Retry", [_RETRY])
        else:
            text.replace_member(path, "Retry", [_RETRY])
        return
    for index, one in enumerate(known):
        names = one["ErrorEquals"]
        if all(name.startswith("Lambda.") for name in names) and one.get("MaxAttempts", 3) > 0:
            text.put_before(f"{path}[{index}].ErrorEquals[0]", "StoreUnavailable")
            return
    text.put_last(f"{path}[{len(known) - 1}]", _RETRY)


def _last_of_call(state: State) -> str:
    """Return the last of a Task's fields that say what it calls."""
    fields = [one for one in state.fields if one in {"Resource", "Parameters", "Arguments"}]
    return fields[-1]
