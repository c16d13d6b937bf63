"""`merge_callback` and `merge_async`: results from outside, of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from statebag.manager.merge.callbacks import READ, merge_outside_result
from statebag.manager.merge.next_action import next_action

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["merge_outside"]


def merge_outside(
    invocation: Invocation, name: Literal["callback_result", "async_result"]
) -> dict[str, Any]:
    """`{state_data, next_action}`; the result is kept whole under its own name."""
    state = invocation.state()
    kept = invocation.top(invocation.given(name), only=READ)
    result = kept if isinstance(kept, dict) else {}
    state = merge_outside_result(state, result, kept, name)
    action = next_action(result, state, added=invocation.settings.next_actions)
    state["next_action"] = action
    return invocation.answer(state, next_action=action)
