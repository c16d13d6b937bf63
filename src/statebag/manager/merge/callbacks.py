"""Results that come from outside: a person's answer, or an asynchronous call's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from statebag.manager.merge.next_action import advance

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["READ", "merge_outside_result"]

READ: tuple[str, ...] = ("status", "next_action", "next_segment_to_run", "error")
"""Fields of such a result that are read; all of it is kept, and may stay unopened."""


def merge_outside_result(
    state: Mapping[str, Any],
    result: Mapping[str, Any],
    kept: Any,
    name: Literal["callback_result", "async_result"],
) -> dict[str, Any]:
    """The state after such a result, one segment further or at the one that the result names.

    The result is kept whole and, since it comes from outside, changes no other field: neither
    the execution that the state belongs to nor where its objects lie.

    Args:
        state: The state.
        result: With the fields of `READ` opened.
        kept: What is kept: the result as it came.
        name: Under which name.
    """
    return {**advance(state, result, by=1), name: kept}
