"""Read the fields of a Map that give its items, and how many run at once."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from statebag.local.interpreter.data_flow import read_value
from statebag.local.interpreter.json_value import json_text
from statebag.local.interpreter.payload_template import (
    JsonataExpression,
    is_expression,
    jsonata_template,
    path_template,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.asl.model import State
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["MapSettings"]

_INTEGER = re.compile(r"-?\d{1,18}")
_DECIMAL = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")


class MapSettings:
    """The fields of a Map."""

    def __init__(self, state: State) -> None:
        self._fields: Mapping[str, Any] = state.fields
        self._is_jsonata = state.language == "JSONata"
        # In an older Map, Parameters had the role that ItemSelector has now.
        name = "ItemSelector" if "ItemSelector" in self._fields else "Parameters"
        selector = self._fields.get(name)
        self._by_paths = self._by_jsonata = None
        if selector is not None and self._is_jsonata:
            self._by_jsonata = jsonata_template(selector, name)
        elif selector is not None:
            self._by_paths = path_template(selector)

    def inside(self, fields: Mapping[str, Any]) -> MapSettings:
        """Return a reader of numbers in an object inside the state, such as its ItemBatcher."""
        inner = copy.copy(self)
        inner._fields = fields
        return inner

    def items(self, visit: StateVisit, effective: Any) -> list[Any]:
        """Return the items.

        Raises:
            StateFailure: They are not an array.
        """
        if self._is_jsonata:
            return self._items_of_jsonata(visit)
        path = self._fields.get("ItemsPath", "$")
        found = read_value(path, visit, effective)
        if not isinstance(found, list):
            raise visit.runtime(f'Reference path "{path}" must point to array.')
        return found

    def selected(self, visit: StateVisit, effective: Any, item: Any) -> Any:
        """Return the input of the iteration for an item; the visit knows its index and value."""
        if self._by_jsonata is not None:
            return self._by_jsonata(visit)
        return item if self._by_paths is None else self._by_paths(visit, effective)

    def concurrency(self, visit: StateVisit, effective: Any) -> int:
        """Return how many iterations run at once; 0 for no limit of the definition.

        Raises:
            StateFailure: It is not a whole number of at least 0.
        """
        value = self.number(visit, effective, "MaxConcurrency", "integer")
        if value is not None and value < 0:
            raise visit.runtime("MaxConcurrency cannot be negative.")
        return int(value or 0)

    def number(self, visit: StateVisit, effective: Any, name: str, kind: str) -> float | None:
        """Return the number in a field, which may also be given by a path or an expression.

        Args:
            visit: The visit.
            effective: The state's input after InputPath.
            name: The field, without `Path`.
            kind: `integer` or `float`, as AWS's messages call it.

        Raises:
            StateFailure: It is not such a number.
        """
        field = f"{name}Path"
        if field in self._fields:
            path = self._fields[field]
            value = read_value(path, visit, effective)
            form = _INTEGER if kind == "integer" else _DECIMAL
            text = value if isinstance(value, str) else json_text(value)
            if form.fullmatch(text) is None:
                raise visit.runtime(
                    f'The {field} field refers to value "{text}" which is not a valid {kind}: '
                    f"{path}"
                )
            return int(text) if kind == "integer" else float(text)
        value = self._fields.get(name)
        if not is_expression(value):
            return value
        expression = JsonataExpression(str(value), name)
        number = expression.typed(visit, "number")
        if kind == "integer" and number != int(number):
            raise visit.query_failure(
                f"The JSONata expression '{expression.code}' specified for the field '{name}' "
                f"returned {json_text(number)}, which is not a valid integer.",
                name,
            )
        return int(number) if kind == "integer" else float(number)

    def _items_of_jsonata(self, visit: StateVisit) -> list[Any]:
        if "Items" not in self._fields:
            found = visit.input.value
            if not isinstance(found, list):
                raise visit.query_failure(
                    f"Map state input must be an array but was: {visit.input.text}", None
                )
            return found
        given = self._fields["Items"]
        if is_expression(given):
            items: list[Any] = JsonataExpression(given, "Items").typed(visit, "array")
            return items
        made: list[Any] = jsonata_template(given, "Items")(visit)
        return made
