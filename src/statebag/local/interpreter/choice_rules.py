r"""Compile the rules of a JSONPath Choice state to functions.

A rule whose variable is missing fails the state, unless the rule is `IsPresent`. Values of another
type than the operator's do not match (Amazon States Language, "Choice State").
"""

from __future__ import annotations

import operator
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.local.interpreter.json_value import kind_of
from statebag.local.interpreter.path_reader import path_reader
from statebag.local.interpreter.state_failure import MissingValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.local.interpreter.state_visit import StateVisit

    Rule = Callable[[StateVisit, Any], bool]

__all__ = ["compile_rule", "moment_of"]

_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_TYPED = (
    r"(?P<type>String|Numeric|Boolean|Timestamp)"
    r"(?P<relation>Equals|LessThanEquals|LessThan|GreaterThanEquals|GreaterThan)(?P<path>Path)?"
)
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<fraction>\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": lambda value: kind_of(value) == "number",
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: moment_of(value) is not None,
}
_OTHER_FIELDS = frozenset({"Next", "Comment", "Assign", "Output", "Variable"})


def compile_rule(rule: dict[str, Any], path: str) -> Rule:
    """Compile a rule.

    Args:
        rule: As it is written in `Choices`, or in an `And`, `Or` or `Not`.
        path: Its path, for messages.

    Raises:
        ConfigurationError: It has no operator, more than one, or an unknown operator.
        MalformedError: A path in it is malformed.
    """
    if "And" in rule:
        parts = list(_parts(rule["And"], f"{path}.And"))
        return lambda visit, data: all(part(visit, data) for part in parts)
    if "Or" in rule:
        parts = list(_parts(rule["Or"], f"{path}.Or"))
        return lambda visit, data: any(part(visit, data) for part in parts)
    if "Not" in rule:
        part = compile_rule(rule["Not"], f"{path}.Not")
        return lambda visit, data: not part(visit, data)
    names = [name for name in rule if name not in _OTHER_FIELDS]
    if len(names) != 1 or not isinstance(rule.get("Variable"), str):
        found = ", ".join(names) or "none"
        raise ConfigurationError(
            f"a rule must have Variable and one comparison operator, not {found}", path=path
        )
    return _comparison(names[0], rule, path)


def _parts(rules: Any, path: str) -> Iterator[Rule]:
    for index, rule in enumerate(rules):
        yield compile_rule(rule, f"{path}[{index}]")


def _comparison(name: str, rule: dict[str, Any], path: str) -> Rule:
    reader, wanted = path_reader(rule["Variable"]), rule[name]

    def variable(visit: StateVisit, data: Any) -> Any:
        return _looked_up(reader, visit, data)

    if name == "IsPresent":

        def present(visit: StateVisit, data: Any) -> bool:
            try:
                reader.value(visit, data)
            except MissingValueError:
                return not wanted
            return bool(wanted)

        return present
    if name in _TESTS:
        test = _TESTS[name]
        return lambda visit, data: test(variable(visit, data)) is wanted
    if name == "StringMatches":
        return lambda visit, data: _matches(variable(visit, data), wanted)
    typed = re.fullmatch(_TYPED, name)
    if typed is None:
        raise ConfigurationError(f"there is no comparison operator {name}", path=f"{path}.{name}")
    kind, relation = _KINDS[typed["type"]], _RELATIONS[typed["relation"]]
    if typed["path"]:
        other = path_reader(wanted)
        return lambda visit, data: _related(
            kind(variable(visit, data)), kind(_looked_up(other, visit, data)), relation
        )
    right = kind(wanted)
    return lambda visit, data: _related(kind(variable(visit, data)), right, relation)


def _looked_up(reader: Any, visit: StateVisit, data: Any) -> Any:
    try:
        found = reader.value(visit, data)
    except MissingValueError as missing:
        raise visit.runtime(
            f"Invalid path '{reader.text}': The choice state's condition path references an "
            "invalid value."
        ) from missing
    if isinstance(found, dict):
        visit.reading.compared(reader.text, found)
    return found


def _related(one: Any, other: Any, relation: Callable[[Any, Any], bool]) -> bool:
    return one is not None and other is not None and relation(one, other)


def moment_of(value: Any) -> datetime | None:
    """Return the time of an RFC 3339 text with `T`, and `Z` or an offset; None for any other text.

    Digits beyond microseconds are not kept.
    """
    found = re.fullmatch(_MOMENT, value) if isinstance(value, str) else None
    if found is None:
        return None
    fraction = found["fraction"] or ""
    try:
        return datetime.fromisoformat(value.replace(fraction, fraction[:7], 1))
    except ValueError:
        return None


# The value as it is compared; None if it is of another type.
_KINDS: dict[str, Callable[[Any], Any]] = {
    "String": lambda value: value if isinstance(value, str) else None,
    "Numeric": lambda value: value if kind_of(value) == "number" else None,
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Timestamp": moment_of,
}


def _matches(text: Any, pattern: str) -> bool:
    r"""Return whether a text matches a pattern: `*` is any text, `\*` a star.

    The text between two stars is matched at the first place where it fits, which leaves the most
    for the rest. So the time grows with the length of the text, however many stars there are.
    """
    if not isinstance(text, str):
        return False
    first, *others = _between_stars(pattern)
    if not others:
        return text == first
    last = others.pop()
    end = len(text) - len(last)
    if len(first) > end or not text.startswith(first) or not text.endswith(last):
        return False
    position = len(first)
    for part in others:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _between_stars(pattern: str) -> list[str]:
    """Return the literal texts before, between and after the wildcards of a pattern."""
    texts = [""]
    for part in re.split(r"(\\.|\*)", pattern, flags=re.DOTALL):
        if part == "*":
            texts.append("")
        else:
            texts[-1] += part.removeprefix("\\") if len(part) == 2 else part
    return texts
