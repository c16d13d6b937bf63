"""The Lambda function that every step of an agent workflow passes through.

It merges a step's result into the state, keeps the payload under the limit, and reads offloaded
values back. `lambda_handler` calls the function that the event's `action` names; each is public and
takes the event as a dict, or its fields as keyword arguments. A state may come as a bag, as a plain
dict, or with legacy pointers; it is returned in the form that the manager's setting `wire` gives.

Every function may raise the errors of `statebag.errors`: `InvalidState` for an event that an action
cannot process, and those of seal and open. The functions at the end of `__all__` are those of the
first version, for callers that still use them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.manager.actions import (
    aggregation,
    branch_state,
    compressed,
    distributed,
    hydration,
    outside_result,
    update,
)
from statebag.manager.actions import snapshot as snapshots
from statebag.manager.actions.invocation import Invocation
from statebag.manager.actions.scope import execution_of_scope, scope_of_event
from statebag.manager.legacy.plain_objects import (
    cached_load_from_s3,
    calculate_payload_size,
    compress_data,
    decompress_data,
    generate_s3_key,
    load_from_s3,
    optimize_current_state,
    optimize_state_history,
    store_to_s3,
)
from statebag.manager.merge.history import deduplicate_history_logs
from statebag.sinks.from_environment import watchers
from statebag.step import remaining_seconds_of
from statebag.store.retrying import deadline
from statebag.telemetry.steps import watched
from statebag.telemetry.stub_aware import reads_stubs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "ACTIONS",
    "aggregate_branches",
    "aggregate_distributed_results",
    "cached_load_from_s3",
    "calculate_payload_size",
    "compress_data",
    "create_snapshot",
    "decompress_data",
    "deduplicate_history_logs",
    "generate_s3_key",
    "hydrate_branch",
    "hydrate_segment",
    "lambda_handler",
    "load_from_s3",
    "merge_async_result",
    "merge_callback_result",
    "optimize_current_state",
    "optimize_state_history",
    "restore_snapshot",
    "store_to_s3",
    "sync_branch_state",
    "sync_state_data",
    "update_and_compress_state_data",
]

_DEFAULT = "update_and_compress"


def lambda_handler(event: Mapping[str, Any], context: Any = None) -> Any:
    """Run the action that `event["action"]` names; without one, `update_and_compress`.

    Args:
        event: The action and its fields.
        context: The Lambda's; its remaining time bounds all retries together.

    Raises:
        InvalidState: An event that is not an object, or an action that is not known; the message
            lists those that are.
        StatebagError: As the action itself.
    """
    reads_stubs(event)
    if not isinstance(event, dict):
        raise _no_object(event)
    action = event.get("action") or _DEFAULT
    function = ACTIONS.get(action) if isinstance(action, str) else None
    if function is None:
        raise InvalidState(
            "action is not one of the known names"
            if isinstance(action, str)
            else f"action must be a string, not {json_type(action)}",
            path="$.action",
            hint=f"Use {', '.join(ACTIONS)}.",
        )
    state = event.get("state_data") or event.get("branch_state")
    scope = scope_of_event(state, event)
    with (
        watched(
            watchers(),
            event,
            context,
            action,
            execution_of_scope(scope, event, state),
            scope,
        ),
        deadline(remaining_seconds_of(context)),
    ):
        return function(event)


def update_and_compress_state_data(
    event: Mapping[str, Any] | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Return the state with `execution_result` merged into it, and the results of its sealing.

    Takes `state_data`, `execution_result` and `max_payload_size_kb`. The answer is the state
    itself, with `payload_size_kb`, `compression_applied`, `s3_offloaded`, `last_optimization`.
    """
    return update.update_and_compress(_invocation(event, fields))


def sync_state_data(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{state_data, next_action}` from `state_data` and `execution_result`."""
    return update.sync(_invocation(event, fields))


def sync_branch_state(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{branch_state, next_action}` from `branch_state` and `execution_result`.

    The result merges into the branch's state, or into the `state_data` in it.
    """
    return branch_state.sync_branch(_invocation(event, fields))


def aggregate_branches(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{state_data, next_action}` after a fork.

    Takes `state_data`, `parallel_results` or `branch_pointers` (with `load_from_s3`), and
    `map_error`, `on_missing` (`"keep"`), `merge_rules` by field of `current_state`, `append_id`.
    """
    return aggregation.aggregate_branches(_invocation(event, fields))


def aggregate_distributed_results(
    event: Mapping[str, Any] | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Return `{state_data, next_action, final_status, failed_chunks, post_snapshot}`.

    Takes `state_data`, `distributed_results` or `execution_result` (a list of chunk results,
    `{segment_results}`, or `{ResultWriterDetails}`), and `map_error`, `pre_snapshot`,
    `create_post_snapshot`.
    """
    return distributed.aggregate_distributed(_invocation(event, fields))


def merge_callback_result(
    event: Mapping[str, Any] | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Return `{state_data, next_action}` from `state_data` and `callback_result`, of any size."""
    return outside_result.merge_outside(_invocation(event, fields), "callback_result")


def merge_async_result(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{state_data, next_action}` from `state_data` and `async_result`, of any size."""
    return outside_result.merge_outside(_invocation(event, fields), "async_result")


def create_snapshot(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{state_data, snapshot_s3_path, snapshot_id}` of `state_data`."""
    return snapshots.create(_invocation(event, fields))


def restore_snapshot(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{state_data}` at the time of the snapshot, from `snapshot_s3_path`."""
    return snapshots.restore(_invocation(event, fields))


def hydrate_branch(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{branch_config, branch_index, state_data}` for a pointer of `pending_branches`.

    Takes `branch_pointer`, `branch_index` and `state_data`, which is passed on unread.
    """
    return hydration.hydrate_branch(_invocation(event, fields))


def hydrate_segment(event: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return `{segment_config, segment_id, execution_order, state_data}` for a pointer or segment.

    Takes `segment_pointer`, `segment_index` and `state_data`, which is passed on unread.
    """
    return hydration.hydrate_segment(_invocation(event, fields))


def _decompress(event: Mapping[str, Any]) -> Any:
    return compressed.decompress(Invocation(event))


def _invocation(event: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> Invocation:
    if event is not None and not isinstance(event, dict):
        raise _no_object(event)
    return Invocation({**(event or {}), **fields})


def _no_object(event: object) -> InvalidState:
    return InvalidState(
        f"the event must be an object, not {json_type(event)}",
        path="$",
        hint="Pass the fields of an action in it.",
    )


ACTIONS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    _DEFAULT: update_and_compress_state_data,
    "sync": sync_state_data,
    "sync_branch": sync_branch_state,
    "aggregate_branches": aggregate_branches,
    "aggregate_distributed": aggregate_distributed_results,
    "merge_callback": merge_callback_result,
    "merge_async": merge_async_result,
    "create_snapshot": create_snapshot,
    "restore_snapshot": restore_snapshot,
    "hydrate_branch": hydrate_branch,
    "hydrate_segment": hydrate_segment,
    "decompress": _decompress,
}
"""The actions by the name that an event gives."""
