"""`aggregate_branches`: join the results of a fork's branches into the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, BlobMissing, InvalidState, StatebagError
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.json_type import json_type
from statebag.format.stub import KEY
from statebag.format.unopened import Unopened
from statebag.manager.actions import snapshot
from statebag.manager.legacy import plain_objects
from statebag.manager.merge.branches import (
    READ,
    BranchRecord,
    Gathering,
    join_id,
    next_action_of,
    record_join,
)
from statebag.manager.merge.deliveries import delivery_id, noted, was_merged
from statebag.manager.merge.history import LAST_ID
from statebag.manager.merge.lambda_response import payload_of
from statebag.manager.merge.nested import leaves
from statebag.manager.merge.next_action import reaches_end, standing
from statebag.manager.merge.resuming import after_join, awaits_join, pausing
from statebag.manager.merge.sameness import digest_of
from statebag.manager.merge.three_way import Side, join, must_be_opened, parse_rules
from statebag.manager.merge.verdict import failure_of
from statebag.process.forking import Workers
from statebag.telemetry.log_warnings import warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.manager.actions.invocation import Invocation

__all__ = ["aggregate_branches"]

_JOINED = ("parallel_results", "branch_pointers", "map_error")
_ADDRESSES = ("s3_path", "output_s3_path", "final_state_s3_path")
_OF_STATE = ("final_state", "new_history_logs")
_IS_RESULT = frozenset({"final_state", "new_history_logs", "final_state_s3_path"})
_SIDE_BY_SIDE = 16  # branches read at once; a choice, not measured
_GONE = (BlobMissing, BlobCorrupt)  # a retry cannot help


def aggregate_branches(invocation: Invocation) -> dict[str, Any]:
    """Return `{state_data, next_action}`. A join that is delivered again changes nothing."""
    state, statuses = invocation.state(), invocation.settings.table
    event = invocation.event
    delivery = delivery_id(*(event.get(name) for name in _JOINED))
    identity = join_id(event, state, delivery)
    awaited = awaits_join(state)
    if not awaited and (was_merged(state, delivery) or state.get(LAST_ID) == identity):
        action = standing(state, statuses)
        return invocation.answer({**state, "next_action": action}, next_action=action)
    gathering = _Reader(invocation).gather()
    state = noted(state, delivery, awaited=awaited)
    joined = _joined_state(invocation, state, gathering, identity)
    error = event.get("map_error")
    if error:
        joined["map_error"] = invocation.top(error)
    if gathering.failure is not None and gathering.failure.error is not None:
        joined["error"] = gathering.failure.error
    action = "FAILED" if error else next_action_of(gathering) or "CONTINUE"
    if action == "CONTINUE":
        joined = after_join(joined)
        if reaches_end(joined):
            action = "COMPLETE"
    elif action != "FAILED":
        joined = pausing(joined, action)
    return invocation.answer({**joined, "next_action": action}, next_action=action)


def _joined_state(
    invocation: Invocation, state: dict[str, Any], gathering: Gathering, identity: str
) -> dict[str, Any]:
    """Return the state with the branches' results merged, and the record of the join."""
    current = state.get("current_state")
    if isinstance(current, Unopened):
        current = invocation.top(current)
    if not isinstance(current, dict | None):
        raise InvalidState(
            f"current_state must be an object, not {json_type(current)}",
            path="$.state_data.current_state",
        )
    joined = _joined(invocation, current or {}, gathering)
    if joined or current is not None:
        state["current_state"] = joined
    if gathering.conflicts and isinstance(state.get("merge_conflicts"), Unopened):
        state["merge_conflicts"] = invocation.opened(state["merge_conflicts"])
    return record_join(state, gathering, identity, invocation.settings.merge_conflicts_kept)


def _joined(
    invocation: Invocation, current: dict[str, Any], gathering: Gathering
) -> dict[str, Any]:
    """Return `current_state` after the three-way merge; conflicts are added to the gathering."""
    given = invocation.event.get("merge_rules")
    if given is not None and not isinstance(given, dict):
        raise InvalidState(
            f"merge_rules must be an object, not {json_type(given)}", path="$.merge_rules"
        )
    rules = parse_rules({**invocation.settings.rules, **(given or {})})
    forks = _Forks(invocation, current)
    taking_part = [one for one in gathering.branches if one.final is not None and not one.failed]
    sides = [
        Side(branch.label, forks.of(branch.fork), branch.final or {}) for branch in taking_part
    ]
    keys = must_be_opened(current, sides)
    if keys:
        current, sides = _with_opened(invocation, current, sides, keys)
    joined = join(current, sides, rules)
    gathering.conflicts = joined.conflicts
    return joined.values


def _with_opened(
    invocation: Invocation, current: dict[str, Any], sides: list[Side], keys: list[str]
) -> tuple[dict[str, Any], list[Side]]:
    """Return the values with those of some keys opened, all in one read."""

    def chosen(values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: values[key] for key in keys if key in values}

    wanted = [chosen(current)]
    for side in sides:
        wanted += [chosen(side.fork), chosen(side.values)]
    opened = iter(invocation.opened(wanted))
    current = {**current, **next(opened)}
    sides = [
        Side(side.name, {**side.fork, **next(opened)}, {**side.values, **next(opened)})
        for side in sides
    ]
    return current, sides


class _Forks:
    """Find the states that branches started from, by the digests that they name."""

    def __init__(self, invocation: Invocation, current: dict[str, Any]) -> None:
        self._invocation = invocation
        self._current = current
        self._found: dict[str, Mapping[str, Any]] = {}

    def of(self, digest: str | None) -> Mapping[str, Any]:
        """Return `current_state` as it was at a fork.

        Raises:
            InvalidState: No state with that digest is known.
        """
        if digest is None:
            return self._current
        if digest not in self._found:
            self._found[digest] = self._look_up(digest)
        return self._found[digest]

    def _look_up(self, digest: str) -> Mapping[str, Any]:
        raw = self._invocation.event["state_data"]
        for known in (sha256_hex(json_text.encode(raw)), digest_of(self._current)):
            if known is not None and digest in {known, known[:32]}:
                return self._current
        bag = snapshot.find(self._invocation, digest)
        if bag is None:
            raise InvalidState(
                "no snapshot of this execution has the fork's ID",
                path="$.fork",
                hint="Pass the snapshot_id of a snapshot of this execution, or leave fork out.",
            )
        then = self._invocation.of_state(bag, self._invocation.scope).state().get("current_state")
        if isinstance(then, Unopened):
            then = self._invocation.top(then)
        return then if isinstance(then, dict) else {}


class _Reader:
    """Read the branches' results; if the event allows it, record those that are gone."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._statuses = invocation.settings.table
        self._keep = invocation.event.get("on_missing") == "keep"
        self._is_raw = True

    def gather(self) -> Gathering:
        event = self._invocation.event
        results, pointers = event.get("parallel_results"), event.get("branch_pointers")
        if results is None and pointers is None and not event.get("map_error"):
            raise InvalidState(
                "the event has neither branch_pointers nor parallel_results",
                path="$.parallel_results",
            )
        loading = results is None and event.get("load_from_s3") is not False
        name = "branch_pointers" if results is None else "parallel_results"
        gathering = Gathering([])
        given = [] if event.get(name) is None else self._list(event[name], name, gathering)
        for index, outcome in enumerate(self._read_all(given, loading=loading)):
            if isinstance(outcome, StatebagError):
                gathering.unresolved.append(_unresolved(given[index], outcome, index))
                _warn(outcome, index, len(given))
            else:
                gathering.branches.append(outcome)
        return gathering

    def _list(self, value: Any, name: str, gathering: Gathering) -> list[Any]:
        """Return the list: unopened if it is in the event, opened if it was offloaded."""
        value = payload_of(value)
        if not isinstance(value, list):
            self._is_raw = False
            value = payload_of(self._invocation.opened(self._invocation.top(value)))
        if isinstance(value, dict):  # what a Catch put in the place of all results
            gathering.failure = failure_of(value, self._statuses)
            if gathering.failure is not None:
                return []
        if not isinstance(value, list):
            raise InvalidState(f"{name} must be a list, not {json_type(value)}", path=f"$.{name}")
        return [one for one in leaves(value) if one != []]  # a Map without items has no results

    def _read_all(self, given: list[Any], *, loading: bool) -> list[BranchRecord | StatebagError]:
        with Workers(_SIDE_BY_SIDE, "statebag-branches") as pool:
            return pool.each(
                lambda one: self._read(one[1], one[0], loading=loading), enumerate(given)
            )

    def _read(self, given: Any, index: int, *, loading: bool) -> BranchRecord | StatebagError:
        try:
            if self._is_raw and not loading:
                # Before anything is opened: the values in a bag are data, however they look.
                given = self._followed(payload_of(given))
            looked_into = self._invocation.looked_into
            record = looked_into(given, READ) if self._is_raw else payload_of(given)
            if loading and isinstance(record, dict):
                record = self._loaded(record)
            branch = BranchRecord.of(record, index, self._statuses)
            if branch.failed or record.get("final_state") is None:
                return branch
            final = self._invocation.final_state(record["final_state"])
            if not isinstance(final, dict):
                raise InvalidState(
                    f"final_state must be an object, not {json_type(final)}",
                    path=f"$.branches[{index}]",
                )
            # Recorded fields are read now, so that a missing object is noticed now.
            branch.final = self._invocation.opened(final) if self._keep else final
        except _GONE as error:
            if not self._keep:
                raise
            return error
        return branch

    def _followed(self, record: Any) -> Any:
        """Return a result whose parts came unchanged from a branch's state with legacy pointers."""
        if not isinstance(record, dict) or KEY in record:
            return record
        parts = {name: record[name] for name in _OF_STATE if record.get(name) is not None}
        return {**record, **self._invocation.followed(parts)}

    def _loaded(self, pointer: dict[str, Any]) -> dict[str, Any]:
        """Return the value of a legacy pointer; everything in it is data."""
        record = dict(pointer)
        for name in _ADDRESSES:
            address = record.get(name)
            if not isinstance(address, str) or "final_state" in record:
                continue
            self._invocation.check_address(address, ("branch_pointers", name))
            value = plain_objects.read_plain(address)
            is_result = False
            if name != "final_state_s3_path":
                value = payload_of(value)
                is_result = isinstance(value, dict) and self._is_result(value)
            record = {**record, **value} if is_result else {**record, "final_state": value}
        return record

    def _is_result(self, value: dict[str, Any]) -> bool:
        """Return whether a stored object is a branch's result, and not a state, which is data."""
        return bool(_IS_RESULT & value.keys()) or failure_of(value, self._statuses) is not None


def _warn(error: StatebagError, index: int, total: int) -> None:
    """Log that a branch is left out; `unresolved_branches` has the details."""
    warn(
        "BranchesMissing",
        "a join leaves out branch %d of %d, whose result is gone: %s in %s",
        index + 1,
        total,
        error.code,
        error.object_name,
        count=1,
    )


def _unresolved(pointer: Any, error: StatebagError, index: int) -> dict[str, Any]:
    """Return the record of a branch that could not be read, with its pointer and the reason."""
    named = pointer.get("branch_id") if isinstance(pointer, dict) else None
    return {
        "branch_id": named if isinstance(named, str | int) else f"branch_{index}",
        "pointer": pointer,
        "reason": error.code,
        "object_name": error.object_name,
    }
