"""The results of branches: which failed, what is joined, and what stays on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.manager.merge.fork import branch_label
from statebag.manager.merge.history import LAST_ID, append_id, append_once, grown, logs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MEANT", "BranchRecord", "Gathering", "next_action_of", "record_join"]

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
_FAILED = frozenset({"FAILED", "ERROR", "TIMED_OUT", "ABORTED"})
_PAUSED = ("PAUSED_FOR_HITP", "PAUSED_FOR_ASYNC_LLM")


@dataclass(slots=True)
class BranchRecord:
    """One branch's result.

    Attributes:
        label: Its id, or one made of its place.
        record: All that it gave.
        final: Its final state, opened at its top; None where it gave none.
        fork: The digest of the state that it started from; None for the joined state itself.
    """

    label: str
    record: Mapping[str, Any]
    final: Mapping[str, Any] | None = None
    fork: str | None = None

    @classmethod
    def of(cls, record: Any, index: int) -> BranchRecord:
        """Read a result.

        Raises:
            InvalidState: It is no object.
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
        return cls(str(branch_label(record, index)), record, None, fork)

    @property
    def failed(self) -> bool:
        """Whether it did not come to its end."""
        status = self.record.get("status")
        return (isinstance(status, str) and status in _FAILED) or bool(self.record.get("error"))


@dataclass(slots=True)
class Gathering:
    """What a join found.

    Attributes:
        branches: Those that were read, in their order.
        unresolved: Those that could not be, each with its pointer and the reason.
        conflicts: What the three-way merge recorded.
    """

    branches: list[BranchRecord]
    unresolved: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> list[BranchRecord]:
        """Branches that did not come to their end."""
        return [branch for branch in self.branches if branch.failed]


def record_join(
    state: Mapping[str, Any],
    gathering: Gathering,
    event: Mapping[str, Any],
    most_conflicts: int,
) -> dict[str, Any]:
    """The state with the branches' history, failures, conflicts and whatever else they gave.

    A join that is delivered a second time adds nothing a second time.

    Args:
        state: The state, its `current_state` joined.
        gathering: What was found.
        event: May carry the join's `append_id`.
        most_conflicts: How many conflicts are listed; `merge_conflict_count` counts all.
    """
    entries = [entry for branch in gathering.branches for entry in logs_of(branch.record)]
    identity = append_id(event, state, _outline(gathering, entries), "join")
    if state.get(LAST_ID) == identity:
        return dict(state)
    marked = {**append_once(state, entries, identity), LAST_ID: identity}
    lists = {
        "failed_branches": [dict(branch.record) for branch in gathering.failed],
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
    """What the branches themselves decide: all failed, or one waits; None where it is open."""
    branches = gathering.branches
    if branches and len(gathering.failed) == len(branches):
        return "FAILED"
    for status in _PAUSED:
        if any(branch.record.get("status") == status for branch in branches):
            return status
    return None


def _outline(gathering: Gathering, entries: list[Any]) -> list[Any]:
    """What tells one join from another, beside its place in the workflow."""
    return [[branch.label, branch.record.get("status")] for branch in gathering.branches] + entries


def _other_fields(gathering: Gathering) -> list[dict[str, Any]]:
    """Fields that have no meaning here, for each branch that succeeded and has some."""
    kept = []
    for branch in gathering.branches:
        other = {key: value for key, value in branch.record.items() if key not in MEANT}
        if other and not branch.failed:
            kept.append({"branch_id": branch.label, "status": branch.record.get("status"), **other})
    return kept
