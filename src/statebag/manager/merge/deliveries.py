"""Record the answers and joins that a state has merged, to recognize a repeated delivery.

An engine repeats the event of a call that failed, even if the call had done its work. The second
delivery must not move the state again.
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
    """Return the identity of a delivery: a digest of its JSON, which ignores the order of keys.

    Args:
        given: Unopened values of the event.

    Raises:
        InvalidState: A value is not JSON.
    """
    return digest_of_given(list(given))[:_ID_LENGTH]


def was_merged(state: Mapping[str, Any], identity: str) -> bool:
    """Return whether a state that waits for nothing has already merged a delivery.

    A delivery without a recorded pause or fork counts again after the loop counter has changed: the
    next such pause may have the same answer.
    """
    return any(
        one.get("sha256") == identity
        and ("loop_counter" not in one or one["loop_counter"] == state.get("loop_counter"))
        for one in _entries(state)
    )


def noted(state: Mapping[str, Any], identity: str, *, awaited: bool) -> dict[str, Any]:
    """Return the state with a delivery on record.

    Args:
        state: The state before the delivery moved it.
        identity: The `delivery_id`.
        awaited: Whether the state says that the workflow waits for it.
    """
    if not isinstance(state.get(DELIVERIES), list | None):
        return dict(state)  # the workflow uses the name itself
    entry: dict[str, Any] = {"sha256": identity}
    if not awaited and state.get("loop_counter") is not None:
        entry["loop_counter"] = state["loop_counter"]
    others = [one for one in _entries(state) if one.get("sha256") != identity]
    return {**state, DELIVERIES: [*others, entry][-_KEPT:]}


def _entries(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = state.get(DELIVERIES)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
