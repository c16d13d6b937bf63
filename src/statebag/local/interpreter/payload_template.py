"""Compile payload templates: `Parameters`, `Arguments`, `Output` and `Assign`.

A template is compiled once. Its literal parts are passed on as they are, since no value is ever
changed.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from statebag.format.stub import KEY
from statebag.local.interpreter.json_value import json_text, kind_of
from statebag.local.interpreter.state_failure import MissingValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.local.interpreter.state_visit import StateVisit

    Maker = Callable[[StateVisit, Any], Any]

__all__ = ["JsonataExpression", "is_expression", "jsonata_template", "path_template"]

_BEGIN, _END = "{%", "%}"
# A variable, and names below it: most expressions are no more than that.
_PLAIN = r"\s*\$(?P<root>[A-Za-z_]\w*)(?P<names>(?:\.[A-Za-z_]\w*)*)\s*"
_KEYWORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})
_ROOTS = ("input", "result", "errorOutput", "context")
_NOTHING = object()


def is_expression(value: Any) -> bool:
    """Return whether a value is a JSONata expression, `{% … %}`."""
    return (
        isinstance(value, str)
        and value.startswith(_BEGIN)
        and value.endswith(_END)
        and len(value) >= len(_BEGIN + _END)
    )


def path_template(template: Any) -> Maker:
    """Compile a template of a JSONPath state.

    Returns:
        A function of the visit and of what `$` stands for.

    Raises:
        MalformedError: A field that ends in `.$` holds neither a path nor a call.
    """
    maker = _path_maker(template)
    return maker if maker is not None else lambda _visit, _data: template


def _path_maker(template: Any) -> Maker | None:
    """Return a function that makes the value; None if the template is the value."""
    if isinstance(template, list):
        items = [_path_maker(one) for one in template]
        if not any(items):
            return None
        pairs = list(zip(items, template, strict=True))
        return lambda visit, data: [one(visit, data) if one else kept for one, kept in pairs]
    if not isinstance(template, dict):
        return None
    members: list[tuple[str, Maker | None, Any]] = []
    for name, value in template.items():
        if name.endswith(".$"):
            members.append((name[:-2], _read(name, value), value))
        else:
            members.append((name, _path_maker(value), value))
    if not any(maker for _, maker, _ in members):
        return None
    return lambda visit, data: {
        name: maker(visit, data) if maker else kept for name, maker, kept in members
    }


def _read(name: str, text: Any) -> Maker:
    from statebag.local.interpreter.path_reader import (  # noqa: PLC0415 - not for JSONata
        expression_reader,
    )

    reader = expression_reader(text)

    def made(visit: StateVisit, data: Any) -> Any:
        try:
            return reader.value(visit, data)
        except MissingValueError as missing:
            raise visit.runtime(
                f"The JSONPath '{missing.path}' specified for the field '{name}' could not be "
                f"found in the input '{json_text(missing.data)}'"
            ) from missing

    return made


class JsonataExpression:
    """A JSONata expression.

    Args:
        text: With its `{% %}`.
        location: The field that holds it, such as `Output/result`.
    """

    __slots__ = ("_asks_for", "_plain", "code", "location")

    def __init__(self, text: str, location: str) -> None:
        assert is_expression(text)
        self.code = text.removeprefix(_BEGIN).removesuffix(_END).strip()
        self.location = location
        plain = re.fullmatch(_PLAIN, self.code)
        self._plain: tuple[str, ...] | None = None
        if plain is not None and plain["root"] not in _KEYWORDS:
            names = (plain["root"], *plain["names"].split(".")[1:])
            if not _KEYWORDS.intersection(names) and KEY not in names:
                self._plain = names
        asks = re.search(r"\$states\b(?!\s*\.\s*(?:input|result|errorOutput)\b)", self.code)
        self._asks_for = asks is not None

    def value(self, visit: StateVisit) -> Any:
        """Return its value as plain JSON.

        Raises:
            StateFailure: It returns nothing, or cannot be evaluated.
            RefusedError: It reads a value that a stub stands for.
        """
        if self._plain is not None:
            value = self._looked_up(visit, self._plain)
            if value is not _NOTHING:
                if not visit.lane.execution.world.bags.strict:
                    states, variables = self._states(visit), visit.lane.variables.seen()
                    visit.reading.expression(self.code, states, variables)
                return value
        from statebag.local.expressions import ExpressionError  # noqa: PLC0415 - starts processes
        from statebag.local.interpreter.expression_pool import (  # noqa: PLC0415 - the same
            expressions,
        )

        variables, states = visit.lane.variables.seen(), self._states(visit)
        bindings = {**variables, "states": states}
        reading, scheduler = visit.reading, visit.lane.execution.scheduler
        reading.expression(self.code, states, variables)
        try:
            return expressions().jsonata(
                self.code, bindings, partial(reading.looked_into, bindings), scheduler.left()
            )
        except ExpressionError as error:
            scheduler.look_at_deadline()
            raise visit.query_failure(
                f"The JSONata expression '{self.code}' specified for the field "
                f"'{self.location}' {error}.",
                self.location,
            ) from error

    def typed(self, visit: StateVisit, expected: str) -> Any:
        """Return its value, which must be of a type: `array`, `boolean`, `string`, `number`.

        Raises:
            StateFailure: It is of another type, returns nothing, or cannot be evaluated.
        """
        value = self.value(visit)
        found = kind_of(value)
        if found != expected:
            visit.reading.compared(self.code, value)
            raise visit.query_failure(
                f"The JSONata expression '{self.code}' specified for the field "
                f"'{self.location}' returned an unexpected result type. Expected '{expected}', "
                f"but was '{found}' for value: {json_text(value)}",
                self.location,
            )
        return value

    def _states(self, visit: StateVisit) -> dict[str, Any]:
        states = {"input": visit.input.value, **visit.shown}
        if self._asks_for:
            states["context"] = visit.context()
        return states

    def _looked_up(self, visit: StateVisit, names: tuple[str, ...]) -> Any:
        """Return what a path through objects leads to; `_NOTHING` if the evaluator must decide."""
        if names[0] == "states":
            if len(names) == 1 or names[1] not in _ROOTS:
                return _NOTHING
            if names[1] == "context":
                value: Any = visit.context()
            else:
                value = {"input": visit.input.value, **visit.shown}.get(names[1], _NOTHING)
            names = names[1:]
        else:
            try:
                value = visit.lane.variables.get(names[0])
            except KeyError:
                return _NOTHING
        for name in names[1:]:
            if not isinstance(value, dict) or name not in value:
                return _NOTHING
            value = value[name]
        return value


def jsonata_template(template: Any, location: str) -> Callable[[StateVisit], Any]:
    """Compile a template of a JSONata state.

    Args:
        template: Any JSON value; each string `{% … %}` in it is an expression.
        location: The field that holds it.
    """
    maker = _jsonata_maker(template, location)
    return maker if maker is not None else lambda _visit: template


def _jsonata_maker(template: Any, location: str) -> Callable[[StateVisit], Any] | None:
    if isinstance(template, str):
        return JsonataExpression(template, location).value if is_expression(template) else None
    if isinstance(template, list):
        items = [
            (_jsonata_maker(one, f"{location}[{index}]"), one) for index, one in enumerate(template)
        ]
        if not any(maker for maker, _ in items):
            return None
        return lambda visit: [maker(visit) if maker else kept for maker, kept in items]
    if isinstance(template, dict):
        members = [
            (name, _jsonata_maker(one, f"{location}/{name}"), one) for name, one in template.items()
        ]
        if not any(maker for _, maker, _ in members):
            return None
        return lambda visit: {
            name: maker(visit) if maker else kept for name, maker, kept in members
        }
    return None
