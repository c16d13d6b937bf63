"""Find values by the steps of a JSONPath, as Step Functions does.

As in Jayway JsonPath, which Step Functions uses, a wildcard finds the members of an object and the
items of an array, and missing members are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.json_paths import (
    Filter,
    MalformedError,
    Picks,
    Search,
    Slice,
    ValueFunction,
    Wildcard,
)
from statebag.asl.path_conditions import condition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from statebag.asl.json_paths import Step

__all__ = ["found_values"]


def found_values(value: Any, steps: Sequence[Step], root: Any = None) -> list[Any]:
    """Return all values that steps lead to, in the order of the document.

    Args:
        value: Any JSON value; nothing of it is copied.
        steps: The steps of a path, or its last ones.
        root: The value of `$` in a filter.

    Raises:
        MalformedError: A step is a filter or function that this module does not evaluate.
    """
    found = [value]
    for step in steps:
        condition = condition_of(step, root, found_values) if isinstance(step, Filter) else None
        found = [inner for one in found for inner in _one_step(one, step, condition)]
    return found


def _one_step(value: Any, step: Step, condition: Callable[[Any], bool] | None) -> Iterator[Any]:
    if isinstance(step, str | int):
        yield from _member(value, step)
    elif isinstance(step, Wildcard):
        yield from _below(value)
    elif isinstance(step, Picks):
        for name in step.names:
            yield from _member(value, name)
    elif isinstance(step, Slice):
        if isinstance(value, list) and step.step != 0:
            yield from value[step.start : step.stop : step.step]
    elif isinstance(step, Search):
        ahead = [value]
        while ahead:
            one = ahead.pop()
            if isinstance(one, dict | list):
                yield one
                ahead.extend(reversed([*_below(one)]))
    elif isinstance(step, ValueFunction):
        if step.name != "length":
            raise MalformedError(f"the function {step.name}() is not evaluated here")
        if isinstance(value, list | str | dict):
            yield len(value)
    elif condition is not None:
        # A filter of Jayway's keeps an object, too, if the condition holds for it.
        items = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
        yield from (one for one in items if condition(one))


def _member(value: Any, name: str | int) -> Iterator[Any]:
    if isinstance(name, str):
        if isinstance(value, dict) and name in value:
            yield value[name]
    elif isinstance(value, list) and -len(value) <= name < len(value):
        yield value[name]


def _below(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
