"""Find which results of branches failed, what is joined, and what is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.manager.merge.fork import branch_label
from statebag.manager.merge.history import LAST_ID, append_id, append_once, grown, logs_of
from statebag.manager.merge.resuming import join_place
from statebag.manager.merge.verdict import SAYS_FAILURE, Verdict, judge, with_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.manager.statuses import Statuses

__all__ = ["MEANT", "READ", "BranchRecord", "Gathering", "join_id", "next_action_of", "record_join"]

MEANT: frozenset[str] = frozenset(
    {
        "branch_id",
        "status",
        "new_history_logs",
        "final_state",
        "fork",
        "error",
        "s3_path",
        "final_state_s3_path",
        "output_s3_path",
    }
)
READ: tuple[str, ...] = tuple(sorted({*MEANT, *SAYS_FAILURE, "next_action"} - {"final_state"}))
"""Fields of a branch's result that a join reads, in addition to its `final_state`."""

_PERSON = "PAUSED_FOR_HITP"


@dataclass(slots=True)
class BranchRecord:
    """One branch's result.

    Attributes:
        label: The branch's id, or one made from its index.
        record: The whole result.
        verdict: What the result says about itself.
        final: The final state, opened at its top; None if the result has none.
        fork: The digest of the state that the branch started from; None for the joined state.
    """

    label: str
    record: Mapping[str, Any]
    verdict: Verdict
    final: Mapping[str, Any] | None = None
    fork: str | None = None

    @classmethod
    def of(cls, record: Any, index: int, statuses: Statuses) -> BranchRecord:
        """Read a result.

        Raises:
            InvalidState: It is not an object.
        """
        if not isinstance(record, dict):
            raise InvalidState(
                f"the branch's result must be an object, not {json_type(record)}",
                path=f"$.branches[{index}]",
            )
        fork = record.get("fork")
        if fork is not None and not isinstance(fork, str):
            raise InvalidState(
                f"fork must be a string, not {json_type(fork)}", path=f"$.branches[{index}].fork"
            )
        label = str(branch_label(record, index))
        return cls(label, record, judge(record, statuses), None, fork)

    @property
    def failed(self) -> bool:
        """Whether the branch failed."""
        return self.verdict.failed


@dataclass(slots=True)
class Gathering:
    """The results that a join found.

    Attributes:
        branches: The branches that were read, in their order.
        unresolved: The branches that could not be read, each with its pointer and the reason.
        conflicts: What the three-way merge recorded.
        failure: The failure that the event has instead of results; None if it has results.
    """

    branches: list[BranchRecord]
    unresolved: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    failure: Verdict | None = None

    @property
    def failed(self) -> list[BranchRecord]:
        """The branches that failed."""
        return [branch for branch in self.branches if branch.failed]


def join_id(event: Mapping[str, Any], state: Mapping[str, Any], identity: str) -> str:
    """Return the id of a join's append: the event's, else one made from the place and the results.

    Args:
        event: May have an `append_id`.
        state: The state as the event brings it.
        identity: The join's `delivery_id`.
    """
    return append_id(event, join_place(state), [identity], "join")


def record_join(
    state: Mapping[str, Any], gathering: Gathering, identity: str, most_conflicts: int
) -> dict[str, Any]:
    """Return the state with the branches' history, failures, conflicts and other fields recorded.

    Args:
        state: The state, with `current_state` joined.
        gathering: The results that the join found.
        identity: The `join_id`.
        most_conflicts: The largest number of conflicts to list; `merge_conflict_count` counts all.
    """
    entries = [entry for branch in gathering.branches for entry in logs_of(branch.record)]
    marked = {**append_once(state, entries, identity), LAST_ID: identity}
    failed = [with_reason(dict(branch.record), branch.verdict) for branch in gathering.failed]
    lists = {
        "failed_branches": failed,
        "unresolved_branches": gathering.unresolved,
        "branch_results": _other_fields(gathering),
    }
    for name, items in lists.items():
        if items:
            marked[name] = grown(marked.get(name), items, name)
    if gathering.conflicts:
        kept = marked.get("merge_conflicts")
        earlier = kept if isinstance(kept, list) else []
        marked["merge_conflicts"] = [*earlier, *gathering.conflicts][-most_conflicts:]
        count = marked.get("merge_conflict_count")
        before = count if isinstance(count, int) else len(earlier)
        marked["merge_conflict_count"] = before + len(gathering.conflicts)
    return marked


def next_action_of(gathering: Gathering) -> str | None:
    """Return the next action if all branches failed or are gone, or if one waits; else None."""
    branches = gathering.branches
    lost = len(gathering.failed) + len(gathering.unresolved)
    if gathering.failure is not None or (
        lost and lost == len(branches) + len(gathering.unresolved)
    ):
        return "FAILED"
    waiting = [branch.verdict.next_action for branch in branches if branch.verdict.waits]
    return _PERSON if _PERSON in waiting else next(iter(waiting), None)


def _other_fields(gathering: Gathering) -> list[dict[str, Any]]:
    """Return, for each branch that succeeded, its fields that have no meaning to a join."""
    kept = []
    for branch in gathering.branches:
        other = {key: value for key, value in branch.record.items() if key not in MEANT}
        if other and not branch.failed:
            kept.append({"branch_id": branch.label, "status": branch.record.get("status"), **other})
    return kept
