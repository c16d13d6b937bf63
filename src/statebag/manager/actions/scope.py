"""Find the execution that an event belongs to: the scope that it may read, and writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from statebag.errors import InvalidState
from statebag.format.names import encode_scope, scope_of_execution
from statebag.manager.legacy.pointer_scope import STATES
from statebag.opening.opener import Confinement
from statebag.opening.walk import EVERYTHING, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.policy import Policy

__all__ = [
    "UNNAMED",
    "execution_of_scope",
    "no_execution",
    "refuse_foreign_stubs",
    "scope_of_event",
]

UNNAMED = "unscoped"
"""The scope of an event that does not name its execution: it is read, and nothing is stored."""

_COMES_IN = (
    *STATES,
    "execution_result",
    "distributed_results",
    "parallel_results",
    "branch_pointers",
    "callback_result",
    "async_result",
    "map_error",
    "branch_pointer",
    "segment_pointer",
)
"""Fields of an event whose stubs an answer may hand on unread."""


def scope_of_event(state: Any, event: Mapping[str, Any]) -> str:
    """Return the scope of an event: that of its execution, else that of its idempotency key.

    Args:
        state: The event's state, opened or not: control fields are plain in both.
        event: The whole event, which may name the execution too. The state in a `branch_state`
            comes first.

    Raises:
        InvalidState: The ID is not a valid scope.
    """
    branch = event.get("branch_state")
    inner = branch.get("state_data") if isinstance(branch, dict) else None
    places = [one for one in (inner, state, event) if isinstance(one, dict)]
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
        scope: The result of `scope_of_event`.
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


def no_execution() -> InvalidState:
    """Return the error for an event that stores or reads objects and names no execution.

    If all such events shared a scope, one could read what another stored.
    """
    return InvalidState(
        "the event has no execution ID",
        path="$.execution_id",
        hint="Pass $$.Execution.Id there, or an idempotency_key, in the event or its state.",
    )


def refuse_foreign_stubs(event: Mapping[str, Any], scope: str, policy: Policy) -> None:
    """Refuse stubs in an event that name objects which the event's scope may not read.

    No request is sent.

    Args:
        event: The whole event; only fields that actions use are checked.
        scope: Its scope.
        policy: Gives further scopes that the event may read.

    Raises:
        NotPermitted: With the stub's path and the object's name.
    """
    confinement = Confinement(encode_scope(scope), policy.readable_scopes)
    for name in _COMES_IN:
        value = event.get(name)
        if isinstance(value, dict | list):
            for site in walk(value, EVERYTHING, below=(name,)).sites:
                for blob in site.stub.blobs():
                    confinement.check(blob, site.path)


def _one_part(key: str) -> str:
    """Return any key as one part of a path; different keys give different parts."""
    if "/" in key or "%" in key:
        return quote(key, safe="")
    return key if key.strip(".") else key.replace(".", "%2E")
