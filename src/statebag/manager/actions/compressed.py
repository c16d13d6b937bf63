"""`decompress`: return the value in a text that the first version compressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.manager.actions.scope import scope_of_event
from statebag.manager.legacy import plain_objects

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["decompress"]


def decompress(invocation: Invocation) -> Any:
    """Return the value; a large one is sealed."""
    strict = invocation.event.get("strict") is True
    value = plain_objects.decompress_data(invocation.given("compressed_data"), strict=strict)
    if not invocation.is_named:  # the value may be a state that names its execution
        invocation.scope = scope_of_event(value, invocation.event)
    return invocation.sealed("value", value, invocation.bound)
