"""`restore_snapshot` for snapshots of the first version: a copy of the state, or a record of it.

A record has the state in `state_data`, or its address in `state_s3_path`, and says in
`execution_id` which execution it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt
from statebag.format.json_type import json_type
from statebag.manager.actions.scope import UNNAMED, scope_of_event
from statebag.manager.legacy import plain_objects
from statebag.manager.legacy.pointer_format import as_pointer
from statebag.store.confinement import name_below

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["restore"]

_MARKS = ("snapshot_id", "snapshot_type", "is_pointer_only")
_OF_STATES = ("current_state", "state_history")
_UNKNOWN = "unknown"  # what the first version wrote for a state without an id


def restore(invocation: Invocation, address: str, name: str) -> dict[str, Any]:
    """Return `{state_data}` with the state at the time of the snapshot.

    Args:
        invocation: If its event names an execution, only snapshots of that one are read.
        address: The object's address.
        name: The name of the object, below the root.

    Raises:
        NotPermitted: It belongs to another execution, or does not say to which one.
        BlobMissing, BlobCorrupt: An object is gone, or is not a snapshot.
    """
    path = ("snapshot_s3_path",)
    scope = invocation.pointer_scope()
    scope.must_follow(path)
    held = plain_objects.read_plain(address)
    owner, state = UNNAMED, held
    if _is_record(held):
        owner = _owner(held)
        state = held.get("state_data")
        if state is None:
            state = _behind(invocation, held["state_s3_path"], owner)
    if not isinstance(state, dict):
        raise BlobCorrupt(
            f"the snapshot's state must be an object, not {json_type(state)}", object_name=name
        )
    said = _owner(state)
    owner = owner if said == UNNAMED else said
    if not scope.allows(name) and not _is_own(invocation, owner):
        raise scope.refusal(name, path)
    return invocation.of_state(
        state, invocation.scope if invocation.is_named else _known(owner)
    ).answer_of_state()


def _is_record(held: Any) -> bool:
    """Return whether an object is a record of a state, and not a state that has such fields."""
    if not isinstance(held, dict) or any(name in held for name in _OF_STATES):
        return False
    has_state = isinstance(held.get("state_data"), dict) or isinstance(
        held.get("state_s3_path"), str
    )
    return has_state and as_pointer(held) is None and any(name in held for name in _MARKS)


def _owner(place: Any) -> str:
    """Return the scope of the execution that a record or a state names."""
    if not isinstance(place, dict) or place.get("execution_id") == _UNKNOWN:
        return UNNAMED
    return scope_of_event(place, {})


def _behind(invocation: Invocation, address: str, owner: str) -> Any:
    """Return the state at the address that a record has."""
    path = ("snapshot_s3_path", "state_s3_path")
    name = name_below(invocation.sb.store.url, address, path)
    state = plain_objects.read_plain(address)
    scope = invocation.pointer_scope()
    said = _owner(state)
    owner = owner if said == UNNAMED else said
    if not scope.allows(name) and not _is_own(invocation, owner):
        raise scope.refusal(name, path)
    if _is_record(state):
        raise BlobCorrupt(
            "the snapshot leads to another snapshot, not to a state", object_name=name
        )
    return state


def _is_own(invocation: Invocation, owner: str) -> bool:
    """Return whether an event may read an object of an execution.

    An event that names no execution may read those of all. An object that names no execution
    belongs to none.
    """
    if owner == UNNAMED:
        return False
    return not invocation.is_named or owner == invocation.scope


def _known(owner: str) -> str | None:
    return None if owner == UNNAMED else owner
