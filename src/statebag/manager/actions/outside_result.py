"""`merge_callback` and `merge_async`: merge results from outside, of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from statebag.manager.merge.callbacks import READ, merge_answer
from statebag.manager.merge.deliveries import delivery_id
from statebag.manager.merge.lambda_response import is_response

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["merge_outside"]


def merge_outside(
    invocation: Invocation, name: Literal["callback_result", "async_result"]
) -> dict[str, Any]:
    """Return `{state_data, next_action}`; the result is kept whole under its own name."""
    state = invocation.state()
    if name not in invocation.event:
        invocation.given(name)
    given = invocation.event[name]  # null is an answer too
    kept = invocation.top(given, only=READ)
    is_wrapped = is_response(given) or is_response(kept)
    state, action = merge_answer(
        state,
        invocation.looked_into(given, READ) if is_wrapped else kept,
        kept,
        name,
        delivery_id(name, given),
        invocation.settings.table,
    )
    return invocation.answer({**state, "next_action": action}, next_action=action)
