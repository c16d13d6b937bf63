"""`update_and_compress` and `sync`: merge a step's result into the state."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_text import encode, wire_size
from statebag.format.json_type import json_type
from statebag.manager.actions.result import absorb
from statebag.manager.legacy.older_form import addresses_in
from statebag.manager.legacy.pointer_format import kilobytes
from statebag.manager.merge.execution_result import READ, is_of_segment
from statebag.manager.merge.next_action import next_action
from statebag.manager.merge.resuming import after_result, pending_action
from statebag.opening.walk import EVERYTHING, walk

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["decided", "merged", "sync", "update_and_compress"]

_FIGURES = {
    "payload_size_kb": 99999.99,
    "compression_applied": False,
    "s3_offloaded": False,
    "last_optimization": "2000-01-01T00:00:00+00:00",
}


def sync(invocation: Invocation, name: str = "state_data") -> dict[str, Any]:
    """Return `{state_data, next_action}`; `name` is the event's field with the state."""
    state, action = _merged(invocation, name, moves=True)
    return invocation.answer({**state, "next_action": action}, name, next_action=action)


def decided(
    invocation: Invocation,
    before: dict[str, Any],
    merged: dict[str, Any],
    result: dict[str, Any],
    *,
    moves: bool = True,
    total: Any = None,
) -> tuple[dict[str, Any], str]:
    """Return the state at the segment after a result, and the next action.

    A result with only control fields is not that of a segment: the workflow stays at its segment,
    and keeps waiting if it waits.

    Args:
        invocation: For the settings.
        before: The state as it was.
        merged: The state with the result merged into it.
        result: The result.
        moves: Whether a `CONTINUE` that names no segment moves to the next one.
        total: The number of segments, if it is not the state's `total_segments`.
    """
    statuses = invocation.settings.table
    known = merged if total is None else {**merged, "total_segments": total}
    if not is_of_segment(result, invocation.control):
        pending = statuses.of_name(pending_action(before))
        return merged, pending or next_action({}, known, statuses)
    action = next_action(result, known, statuses)
    moved, action = after_result(known, before, result, action, statuses, moves=moves)
    if total is not None:
        del moved["total_segments"]
        moved |= {name: merged[name] for name in ("total_segments",) if name in merged}
    return moved, action


def update_and_compress(invocation: Invocation) -> dict[str, Any]:
    """Return the updated state with figures about its sealing."""
    state, _ = _merged(invocation, "state_data", moves=False)
    asked = invocation.event.get("max_payload_size_kb")
    if asked is None:
        asked = invocation.settings.max_payload_size_kb
    is_number = isinstance(asked, int | float) and not isinstance(asked, bool)
    if not is_number or not 0 < asked < math.inf:
        raise InvalidState(
            "max_payload_size_kb must be a number above 0, not "
            + (f"{asked}" if is_number else json_type(asked)),
            path="$.max_payload_size_kb",
        )
    bound = min(invocation.bound, int(asked * 1024))
    # The figures are known only once the state is sealed, so their places are kept free.
    state = {**state, **_FIGURES}
    bag = invocation.sealed_state(state, bound - wire_size(_FIGURES))
    carried, stored = _forms(bag)
    figures = {
        "compression_applied": carried or stored,
        "s3_offloaded": stored,
        "last_optimization": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    bag = {**bag, **figures}
    for _ in range(3):  # the size counts its own digits
        bag["payload_size_kb"] = kilobytes(len(encode(bag)))
    return bag


def _merged(invocation: Invocation, name: str, *, moves: bool) -> tuple[dict[str, Any], str]:
    """Return the event's state with its result merged, and the next action."""
    raw = invocation.given(name)
    return merged(invocation, invocation.state(name), raw, moves=moves)


def merged(
    invocation: Invocation, state: dict[str, Any], raw: Any, *, moves: bool
) -> tuple[dict[str, Any], str]:
    """Return a state with the event's result merged, and the next action.

    An event without a result changes nothing: a workflow that waits keeps waiting.

    Args:
        invocation: For the event and the settings.
        state: Opened at its top.
        raw: The state as the event brought it.
        moves: As for `after_result`.
    """
    if invocation.event.get("execution_result") is None:
        return decided(invocation, state, state, {}, moves=moves)
    result = invocation.result("execution_result", READ)
    after = absorb(invocation, state, result, raw)
    return decided(invocation, state, after, result, moves=moves)


def _forms(bag: Any) -> tuple[bool, bool]:
    """Return whether a bag has inline blobs, and whether it has stored ones."""
    carried, stored = False, any(addresses_in(bag))
    for site in walk(bag, EVERYTHING).sites:
        stub = site.stub.whole
        carried = carried or stub.has_bytes
        stored = stored or stub.in_store
    return carried, stored
