"""The control fields of the state data manager, which routers of agent workflows read."""

from __future__ import annotations

__all__ = ["CONTROL_FIELDS", "CONTROL_PATHS", "OF_ROUTERS"]

OF_ROUTERS: dict[str, bool | int] = {"guardrail_verified": False, "batch_count_actual": 1}
"""Fields that routers read at the top of a state and inside its `current_state`.

With the value that a legacy pointer to a whole state has for a field that the state does not have.
"""

CONTROL_FIELDS: tuple[str, ...] = (
    "execution_id",
    "segment_to_run",
    "segment_id",
    "loop_counter",
    "next_action",
    "status",
    "idempotency_key",
    "state_s3_path",
    "pre_snapshot_s3_path",
    "post_snapshot_s3_path",
    "last_update_time",
    "payload_size_kb",
    *OF_ROUTERS,
)
"""Fields at the top of a state that stay plain in every bag that an action returns.

A decorated function whose bags the same routers read names what they read in STATEBAG_CONTROL.
"""

CONTROL_PATHS: tuple[str, ...] = (
    *CONTROL_FIELDS,
    *(f"current_state.{name}" for name in OF_ROUTERS),
)
"""All that stays plain in the manager's bags: the control fields, and those in `current_state`."""
