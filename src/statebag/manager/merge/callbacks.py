"""Results that come from outside: a person's answer, or an asynchronous call's."""

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

    The answer is kept whole. Its fields are data: only a failure, and the segment that it names,
    mean something to the workflow. An answer that the state has merged, and that it does not wait
    for again, changes nothing.

    Args:
        state: The state, with its bookkeeping opened.
        result: The answer itself, with the fields of READ opened.
        kept: What is kept: the answer as it came.
        name: The field that it is kept in.
        identity: Its `delivery_id`.
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
