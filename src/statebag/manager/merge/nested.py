"""Lists within lists of results, as a Map in a Parallel gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.manager.merge.lambda_response import payload_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["are_results", "leaves"]

_LEVELS = 8  # chosen: as deep as `verdict` looks into lists


def leaves(values: Iterable[Any], levels: int = _LEVELS) -> Iterator[Any]:
    """Each result of a list, and of the lists of results in it, in their order.

    A list with anything but objects in it is the data of one result, and stays whole.

    Args:
        values: Results, lists of results, or responses of `lambda:invoke` with lists in them.
        levels: How many lists within lists are looked into.
    """
    for value in values:
        inner = payload_of(value)
        if levels and are_results(inner, levels):
            yield from leaves(inner, levels - 1)
        else:
            yield value


def are_results(value: Any, levels: int = _LEVELS) -> bool:
    """Whether a value is a list of results: not empty, and all in it objects or such lists."""
    if not isinstance(value, list) or not value:
        return False
    return all(
        isinstance(inner, dict) or (levels > 0 and are_results(inner, levels - 1))
        for inner in map(payload_of, value)
    )
