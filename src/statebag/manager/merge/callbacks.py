"""Merge results from outside: the answer of a person, or of an asynchronous call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from statebag.manager.merge.deliveries import noted, was_merged
from statebag.manager.merge.next_action import reaches_end, standing
from statebag.manager.merge.resuming import after_answer, awaits_answer
from statebag.manager.merge.verdict import SAYS_FAILURE, failure_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.manager.statuses import Statuses

__all__ = ["READ", "merge_answer"]

READ: tuple[str, ...] = (*SAYS_FAILURE, "next_segment_to_run")
"""Fields of an answer that are read; all of it is kept, and may stay unopened."""

_Field = Literal["callback_result", "async_result"]


def merge_answer(
    state: Mapping[str, Any],
    result: Any,
    kept: Any,
    name: _Field,
    identity: str,
    statuses: Statuses,
) -> tuple[dict[str, Any], str]:
    """Return the state after an answer, and the next action.

    The answer is kept whole, as data. The workflow reads only its failure and the segment that it
    names. A repeated answer changes nothing, unless the workflow waits again.

    Args:
        state: The state, with its bookkeeping opened.
        result: The answer itself, with the fields of READ opened.
        kept: The value to keep: the unopened answer.
        name: The field to keep it in.
        identity: The answer's `delivery_id`.
        statuses: The table.
    """
    awaited = awaits_answer(state, statuses)
    if not awaited and was_merged(state, identity):
        return dict(state), standing(state, statuses)
    merged = {**noted(state, identity, awaited=awaited), name: kept}
    failure = failure_in(result, statuses)
    if failure is not None:
        if failure.error is not None:
            merged["error"] = failure.error
        return {**merged, "next_action": "FAILED"}, "FAILED"
    fields = result if isinstance(result, dict) else {}
    merged = after_answer(merged, fields, statuses)
    action = "COMPLETE" if reaches_end(merged) else "CONTINUE"
    return {**merged, "next_action": action}, action
