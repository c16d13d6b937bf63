"""Check the fields of a definition whose states and transitions are valid.

It checks types and ranges of fields, the syntax of paths, intrinsic functions and JSONata, Choice
rules, handlers that are never used, and loops without an exit. The rules are those of the
language's specification and the developer guide.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from statebag.asl.intrinsic_calls import check_call, parse_expression
from statebag.asl.json_paths import MalformedError, parse_json_path
from statebag.asl.jsonata import found_in
from statebag.asl.quotas import HISTORY_EVENTS
from statebag.lint import fields as known
from statebag.lint.expression_sizes import is_jsonata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.asl.model import Definition, State, StateMachine

__all__ = ["Issue", "ends", "structure", "without_default"]

_SHOWN = 80  # characters of a name: the longest that a state may have (`quotas.NAME_CHARACTERS`)
_RETRY = frozenset(
    {
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    }
)
_CATCH = frozenset({"ErrorEquals", "Next", "ResultPath", "Output", "Assign", "Comment"})
_JSONATA_RULE = frozenset({"Condition", "Next", "Output", "Assign", "Comment"})
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
_EXPRESSIONS = ("Arguments", "Output", "Items", "ItemSelector", "Assign")
_WAITS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
_DYNAMIC = frozenset({*known.NUMBERS, "Timestamp", "Error", "Cause"})
_FRACTIONS = frozenset({"BackoffRate", "ToleratedFailurePercentage"})
_COMPARISON = re.compile(
    r"(?:String|Numeric|Timestamp)(?:Equals|(?:LessThan|GreaterThan)(?:Equals)?)(?:Path)?|"
    r"StringMatches|BooleanEquals(?:Path)?|Is(?:Null|Present|Numeric|String|Boolean|Timestamp)"
)


class Issue(NamedTuple):
    """One issue: its place, the code of its rule, what is wrong, and the fix."""

    path: str
    code: str
    message: str
    fix: str


def structure(definition: Definition) -> Iterator[Issue]:
    """Yield all issues.

    Args:
        definition: A definition without `problems_of`.
    """
    yield from _machine(definition.machine, known.MACHINE)
    for state in definition.states.values():
        yield from _state(state.fields, state.path, state.language)
        for inner in state.machines:
            allowed = known.PROCESSOR if state.kind == "Map" else known.MACHINE
            yield from _machine(inner, allowed)


def without_default(definition: Definition) -> Iterator[str]:
    """Yield the paths of Choices without Default, which fail if no rule matches."""
    for state in definition.states.values():
        if state.kind == "Choice" and "Default" not in state.fields:
            yield state.path


def _machine(machine: StateMachine, allowed: frozenset[str]) -> Iterator[Issue]:
    yield from _unknown(machine.fields, allowed, machine.path, "a state machine")
    yield from _language(machine.fields, machine.path)
    yield from _endless(machine)


def _language(holder: dict[str, Any], path: str) -> Iterator[Issue]:
    language = holder.get("QueryLanguage", "JSONPath")
    if language not in ("JSONPath", "JSONata") and not _to_come(language):
        yield _wrong(f"{path}.QueryLanguage", "QueryLanguage is JSONPath or JSONata")


def _state(state: dict[str, Any], path: str, language: str) -> Iterator[Issue]:
    yield from _language(state, path)
    sata = language == "JSONata"
    allowed = known.STATE[state["Type"], sata]
    other = known.STATE[state["Type"], not sata]
    for name, value in state.items():
        if name in allowed:
            yield from _type(name, value, f"{path}.{name}", sata=sata)
        elif name in other:
            fix = f"This state is in {language}; remove the field, or change QueryLanguage."
            message = f"{name} is not a field of a {state['Type']} state in {language}"
            yield Issue(f"{path}.{name}", "SB003", message, fix)
        else:
            what = f"a {state['Type']} state"
            yield from _unknown({name: None}, allowed, path, what)
    if state["Type"] == "Wait" and sum(name in state for name in _WAITS) != 1:
        yield Issue(path, "SB001", f"a Wait has exactly one of {', '.join(_WAITS)}", "Leave one.")
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if _is_number(timeout) and _is_number(heartbeat) and heartbeat >= timeout:
        yield _wrong(f"{path}.HeartbeatSeconds", "HeartbeatSeconds is less than TimeoutSeconds")
    look = _expressions if sata else _template
    for name in _EXPRESSIONS if sata else _TEMPLATES:
        yield from look(state.get(name), f"{path}.{name}")
    yield from _handlers(state, path, look)
    if state["Type"] == "Choice":
        for index, rule in enumerate(state["Choices"]):
            place = f"{path}.Choices[{index}]"
            for name in ("Assign", "Output"):
                yield from look(rule.get(name), f"{place}.{name}")
            yield from (_condition if sata else _rule)(rule, place)


def _unknown(
    value: dict[str, Any], allowed: frozenset[str], path: str, what: str
) -> Iterator[Issue]:
    for name in value:
        if name not in allowed:
            near = difflib.get_close_matches(name[:_SHOWN], allowed, n=1)
            fix = f"Did you mean {near[0]}?" if near else "Remove it, or correct its spelling."
            message = f"{what} has no field {name[:_SHOWN]!r}"
            yield Issue(f"{path}.{name}", "SB003", message, fix)


def _to_come(value: Any) -> bool:
    """Return whether a substitution will replace the value."""
    return isinstance(value, str) and "${" in value


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(path: str, message: str) -> Issue:
    return Issue(path, "SB006", message, "Correct it.")


def _type(name: str, value: Any, path: str, *, sata: bool) -> Iterator[Issue]:
    if _to_come(value):
        return
    if sata and name in _DYNAMIC and is_jsonata(value):
        yield from _expressions(value, path)
    elif name in known.NUMBERS:
        least, most = known.NUMBERS[name]
        if not _is_number(value):
            yield _wrong(path, f"{name} is a number")
        elif not least <= value <= most:
            yield _wrong(path, f"{name} is at least {least:,} and at most {most:,}")
        elif name not in _FRACTIONS and value != int(value):
            yield _wrong(path, f"{name} is a whole number")
    elif name in known.TEXTS and not isinstance(value, str):
        yield _wrong(path, f"{name} is text")
    elif name in known.OBJECTS and not isinstance(value, dict):
        yield _wrong(path, f"{name} is an object")
    elif name in known.PATHS:
        yield from _path(name, value, path)


def _path(name: str, value: Any, path: str) -> Iterator[Issue]:
    if value is None and name in {"InputPath", "OutputPath", "ResultPath"}:
        return
    if not isinstance(value, str):
        yield _wrong(path, f"{name} is a path, in quotes")
        return
    if _to_come(value):
        return
    try:
        if name in {"ErrorPath", "CausePath"} and value.startswith("States."):
            check_call(parse_expression(value))
            return
        parsed = parse_json_path(value)
    except MalformedError as error:
        yield Issue(path, "SB005", f"{name}: {error}", "Correct it.")
        return
    if name == "ResultPath" and not (parsed.definite and parsed.root == "input"):
        message = "ResultPath names one place of the input"
        yield Issue(path, "SB005", message, "Write $.name.")


def _template(value: Any, path: str) -> Iterator[Issue]:
    """Yield the issues of a payload template."""
    if isinstance(value, dict):
        for key, one in value.items():
            if not key.endswith(".$"):
                yield from _template(one, f"{path}.{key}")
            elif not isinstance(one, str):
                message = "a field whose name ends in .$ holds a path or a call, in quotes"
                yield Issue(f"{path}.{key}", "SB005", message, "Quote it, or drop the .$")
            elif not _to_come(one):
                try:
                    check_call(parse_expression(one))
                except MalformedError as error:
                    yield Issue(f"{path}.{key}", "SB005", str(error), "Correct it.")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _template(one, f"{path}[{index}]")


def _expressions(value: Any, path: str) -> Iterator[Issue]:
    """Yield the issues of a JSON value whose texts may be JSONata."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _expressions(one, f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _expressions(one, f"{path}[{index}]")
    elif is_jsonata(value) and not _to_come(value):
        try:
            found_in(value.strip().removeprefix("{%").removesuffix("%}").strip())
        except MalformedError as error:
            yield Issue(path, "SB005", f"this is not JSONata: {error}", "Correct it.")


def _condition(rule: dict[str, Any], path: str) -> Iterator[Issue]:
    condition = rule.get("Condition")
    if not is_jsonata(condition) and not isinstance(condition, bool):
        message = "a rule in JSONata has a Condition in {% %}"
        yield Issue(path, "SB001", message, "Add it.")
    yield from _expressions(condition, f"{path}.Condition")
    yield from _unknown(rule, _JSONATA_RULE, path, "a rule in JSONata")


def _rule(rule: dict[str, Any], path: str, *, top: bool = True) -> Iterator[Issue]:
    nested = [name for name in ("And", "Or", "Not") if name in rule]
    others = {"Variable", "Comment", *nested, *(("Next", "Assign") if top else ())}
    comparisons = [key for key in rule if key not in others]
    for name in nested:
        inner = [rule[name]] if name == "Not" else rule[name]
        if not isinstance(inner, list) or not inner or not all(isinstance(i, dict) for i in inner):
            yield _wrong(f"{path}.{name}", f"{name} holds rules")
            continue
        for index, one in enumerate(inner):
            place = f"{path}.{name}" if name == "Not" else f"{path}.{name}[{index}]"
            yield from _rule(one, place, top=False)
    for key in comparisons:
        if _COMPARISON.fullmatch(key) is None:
            message = f"there is no comparison {key[:_SHOWN]!r}"
            yield Issue(f"{path}.{key}", "SB003", message, "Correct its spelling.")
        elif key.endswith("Path"):
            yield from _path(key, rule[key], f"{path}.{key}")
    if nested:
        if len(nested) > 1 or comparisons:
            yield _wrong(path, "a rule has one comparison, or one of And, Or and Not")
    elif len(comparisons) != 1 or "Variable" not in rule:
        message = "a rule has a Variable and exactly one comparison"
        yield Issue(path, "SB001", message, "Add what is missing.")
    else:
        yield from _path("Variable", rule["Variable"], f"{path}.Variable")


def _handlers(
    state: dict[str, Any], path: str, look: Callable[[Any, str], Iterator[Issue]]
) -> Iterator[Issue]:
    for field, allowed in (("Retry", _RETRY), ("Catch", _CATCH)):
        if field not in known.STATE[state["Type"], False]:
            continue
        taken: set[str] = set()
        for index, entry in enumerate(state.get(field, ())):
            place = f"{path}.{field}[{index}]"
            yield from _unknown(entry, allowed, place, f"an entry of {field}")
            for name, value in entry.items():
                if name in known.NUMBERS or name == "ResultPath":
                    yield from _type(name, value, f"{place}.{name}", sata=False)
                elif name in {"Output", "Assign"}:
                    yield from look(value, f"{place}.{name}")
            names = set(entry["ErrorEquals"])
            if names <= taken:
                message = f"an entry of {field} before it takes {', '.join(sorted(names))[:_SHOWN]}"
                yield Issue(place, "SB007", message, "Remove it, or move it up.")
            taken |= names


def _endless(machine: StateMachine) -> Iterator[Issue]:
    """Yield the issue of a reachable loop without an exit."""
    ways = {name: set(_targets(state)) for name, state in machine.states.items()}
    reached: set[str] = set()
    ahead = [machine.fields["StartAt"]]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead.extend(ways[name])
    before: dict[str, list[str]] = {}
    for name in reached:
        for target in ways[name]:
            before.setdefault(target, []).append(name)
    if machine.path == "$" and not any(map(ends, machine.states.values())):
        return  # AWS refuses it (SB010)
    ending: set[str] = set()
    ahead = [name for name in reached if ends(machine.states[name])]
    while ahead:
        name = ahead.pop()
        if name not in ending:
            ending.add(name)
            ahead.extend(before.get(name, ()))
    stuck = [name for name in machine.states if name in reached and name not in ending]
    if stuck:
        message = f"from {stuck[0][:_SHOWN]!r} on, no transition leads to an end"
        fix = f"Lead a way out of the loop, or its history is full after {HISTORY_EVENTS:,} events."
        yield Issue(f"{machine.path}.States", "SB008", message, fix)


def ends(state: State) -> bool:
    """Return whether a state ends its machine."""
    return state.kind in {"Succeed", "Fail"} or state.fields.get("End") is True


def _targets(state: State) -> Iterator[str]:
    """Return the targets of a state, from the fields that its type has."""
    own = known.STATE[state.kind, False]
    return (one.name for one in state.targets() if one.field in own and one.name is not None)
