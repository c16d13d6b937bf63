"""Walk lists within lists of results, such as those of a Map in a Parallel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.manager.merge.lambda_response import payload_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["are_results", "leaves"]

_LEVELS = 8  # chosen: as deep as `verdict` looks into lists


def leaves(values: Iterable[Any], levels: int = _LEVELS) -> Iterator[Any]:
    """Yield each result of a list and of the lists in it, in their order.

    A list that has anything but objects in it is data of one result, and is yielded whole.

    Args:
        values: Results, lists of results, or responses of `lambda:invoke` with lists in them.
        levels: The levels of lists to look into.
    """
    for value in values:
        inner = payload_of(value)
        if levels and are_results(inner, levels):
            yield from leaves(inner, levels - 1)
        else:
            yield value


def are_results(value: Any, levels: int = _LEVELS) -> bool:
    """Return whether a value is a non-empty list of objects and of such lists."""
    if not isinstance(value, list) or not value:
        return False
    return all(
        isinstance(inner, dict) or (levels > 0 and are_results(inner, levels - 1))
        for inner in map(payload_of, value)
    )
