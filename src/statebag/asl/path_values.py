"""Find values by the steps of a JSONPath, as Step Functions does.

As in Jayway JsonPath, which Step Functions uses, a wildcard finds the members of an object and the
items of an array, and missing members are left out.
"""

from __future__ import annotations

import math
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
        value: Any JSON value; it is not copied.
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
        if step.name not in _FUNCTIONS:
            raise MalformedError(f"the function {step.name}() is not evaluated here")
        yield from _FUNCTIONS[step.name](value)
    elif condition is not None:
        # A filter of Jayway's keeps an object, too, if the condition holds for it.
        items = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
        yield from (one for one in items if condition(one))


def _of_numbers(compute: Callable[[list[float]], float]) -> Callable[[Any], list[Any]]:
    """Return a function of the numbers in an array.

    It finds nothing if there are none, or if JSON cannot hold the result.
    """

    def computed(value: Any) -> list[Any]:
        items = value if isinstance(value, list) else []
        numbers = [
            one for one in items if isinstance(one, int | float) and not isinstance(one, bool)
        ]
        try:
            result = compute(numbers) if numbers else math.nan
        except OverflowError:
            return []
        return [result] if math.isfinite(result) else []

    return computed


def _deviation(numbers: list[float]) -> float:
    mean = sum(numbers) / len(numbers)
    return math.sqrt(sum((one - mean) ** 2 for one in numbers) / len(numbers))


# As in Jayway JsonPath ("Functions"): those of numbers give decimals.
_FUNCTIONS: dict[str, Callable[[Any], list[Any]]] = {
    "length": lambda value: [len(value)] if isinstance(value, list | str | dict) else [],
    "size": lambda value: [len(value)] if isinstance(value, list | str | dict) else [],
    "keys": lambda value: [list(value)] if isinstance(value, dict) else [],
    "min": _of_numbers(lambda numbers: float(min(numbers))),
    "max": _of_numbers(lambda numbers: float(max(numbers))),
    "sum": _of_numbers(lambda numbers: float(sum(numbers))),
    "avg": _of_numbers(lambda numbers: sum(numbers) / len(numbers)),
    "stddev": _of_numbers(_deviation),
    "first": lambda value: value[:1] if isinstance(value, list) else [],
    "last": lambda value: value[-1:] if isinstance(value, list) else [],
}


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
