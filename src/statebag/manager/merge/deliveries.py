"""Which answers and joins a state has merged, so that a repeated delivery is known.

An engine repeats the event of a call that failed, also when the call had done its work. A state
that has moved on must not move again for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.manager.merge.sameness import digest_of_given

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DELIVERIES", "delivery_id", "noted", "was_merged"]

DELIVERIES = "merged_deliveries"
"""The field with the digests of the last answers and joins."""

# Digests. Chosen: they take about 1 KB, and a delivery is repeated within minutes, not pauses.
_KEPT = 20
_ID_LENGTH = 32  # hex digits of a SHA-256, as in the names of packs


def delivery_id(*given: Any) -> str:
    """Return what tells one delivery from another: a digest of JSON, whatever its keys' order.

    Args:
        given: What the event brings, nothing of it opened.

    Raises:
        InvalidState: It is not JSON.
    """
    return digest_of_given(list(given))[:_ID_LENGTH]


def was_merged(state: Mapping[str, Any], identity: str) -> bool:
    """Whether a state that waits for nothing has merged a delivery before.

    One that no recorded pause or fork asked for counts again once the loop has turned: the next
    such pause may have the same answer.
    """
    return any(
        one.get("sha256") == identity
        and ("loop_counter" not in one or one["loop_counter"] == state.get("loop_counter"))
        for one in _entries(state)
    )


def noted(state: Mapping[str, Any], identity: str, *, awaited: bool) -> dict[str, Any]:
    """Return the state with a delivery on record.

    Args:
        state: As it was before the delivery moved it.
        identity: The `delivery_id`.
        awaited: Whether the state says that the workflow waits for it.
    """
    if not isinstance(state.get(DELIVERIES), list | None):
        return dict(state)  # a field of the workflow's own
    entry: dict[str, Any] = {"sha256": identity}
    if not awaited and state.get("loop_counter") is not None:
        entry["loop_counter"] = state["loop_counter"]
    others = [one for one in _entries(state) if one.get("sha256") != identity]
    return {**state, DELIVERIES: [*others, entry][-_KEPT:]}


def _entries(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = state.get(DELIVERIES)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
