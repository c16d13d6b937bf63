"""The control fields of the state data manager: what routers of agent workflows read."""

from __future__ import annotations

__all__ = ["CONTROL_FIELDS"]

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
    "guardrail_verified",
    "batch_count_actual",
)
"""Fields at the top of a state that stay plain in every bag that an action returns.

A decorated function whose bags the same routers read names what they read in STATEBAG_CONTROL.
"""
