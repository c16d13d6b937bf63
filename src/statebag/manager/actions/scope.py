"""Which execution an event belongs to: the scope that it may read, and writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from statebag.errors import InvalidState
from statebag.format.names import encode_scope, scope_of_execution

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UNNAMED", "execution_of_scope", "scope_of_event"]

UNNAMED = "unscoped"
"""The scope of an event that does not say which execution it belongs to."""


def scope_of_event(state: Any, event: Mapping[str, Any]) -> str:
    """The scope of an event: its execution's, else that of its idempotency key.

    Args:
        state: The event's state, opened or not: control fields stand in plain in both.
        event: The whole event, which may say it too.

    Raises:
        InvalidState: An id that can be no scope.
    """
    places = [one for one in (state, event) if isinstance(one, dict)]
    for place in places:
        execution = place.get("execution_id")
        if isinstance(execution, str) and execution:
            scope = scope_of_execution(execution)
            try:
                encode_scope(scope)
            except InvalidState as error:
                error.path = "$.execution_id"
                raise
            return scope
    for place in places:
        key = place.get("idempotency_key")
        if isinstance(key, str) and key:
            return f"workflow-state/{_one_part(key)}"
    return UNNAMED


def execution_of_scope(scope: str, *places: Any) -> str | None:
    """Return the id of the execution that a scope belongs to; None if it belongs to none.

    Args:
        scope: What `scope_of_event` gave.
        places: Values that may give the execution's ARN as their `execution_id`: the event, a
            state, a branch's state with a state in it.
    """
    if scope == UNNAMED or scope.startswith("workflow-state/"):  # of an idempotency key
        return None
    for place in places:
        for one in (place, place.get("state_data") if isinstance(place, dict) else None):
            given = one.get("execution_id") if isinstance(one, dict) else None
            if isinstance(given, str) and given != scope and scope_of_execution(given) == scope:
                return given
    return scope


def _one_part(key: str) -> str:
    """A key as one part of a path, whatever it holds; different keys stay different."""
    if "/" in key or "%" in key:
        return quote(key, safe="")
    return key if key.strip(".") else key.replace(".", "%2E")
