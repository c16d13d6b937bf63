"""What stays on record of a join."""

from statebag.manager.merge.branches import (
    BranchRecord,
    Gathering,
    join_id,
    next_action_of,
    record_join,
)
from statebag.manager.merge.resuming import after_join
from statebag.manager.merge.verdict import REASON, Verdict
from statebag.manager.statuses import Statuses

TABLE = Statuses()


def gathering(*records, **more):
    branches = [BranchRecord.of(record, n, TABLE) for n, record in enumerate(records)]
    return Gathering(branches, **more)


def test_histories_join_in_the_order_of_the_branches_and_failures_are_listed():
    found = gathering(
        {"branch_id": "a", "new_history_logs": [1], "score": 5},
        {"branch_id": "b", "status": "FAILED", "new_history_logs": [2], "error": "E"},
        {"branch_id": "c", "new_history_logs": [3]},
    )
    state = record_join({"state_history": [0], "mine": 1}, found, "join", 10)
    assert state["state_history"] == [0, 1, 2, 3]
    assert state["failed_branches"] == [found.branches[1].record]
    assert state["branch_results"] == [{"branch_id": "a", "status": None, "score": 5}]
    assert state["mine"] == 1


def test_a_branch_of_an_unknown_status_is_listed_with_the_reason():
    found = gathering({"branch_id": "a", "status": "WHAT", "score": 5})
    state = record_join({}, found, "join", 10)
    (kept,) = state["failed_branches"]
    assert (kept["status"], kept["score"]) == ("WHAT", 5)
    assert kept[REASON]["Error"] == "Statebag.UnknownStatus"
    assert "branch_results" not in state


def test_an_append_is_known_by_its_place_and_by_all_that_is_joined():
    state = {"segment_to_run": 1, "loop_counter": 1}
    known = join_id({}, state, "a")
    assert join_id({"merge_rules": {}}, dict(state), "a") == known
    others = [
        ({}, state, "b"),
        ({}, {**state, "loop_counter": 2}, "a"),
        ({}, {**state, "segment_to_run": 2}, "a"),
    ]
    assert known not in {join_id(*other) for other in others}
    assert join_id({"append_id": "mine"}, state, "a") == "mine"


def test_an_append_is_the_same_before_and_after_the_join_moved_the_workflow():
    forked = {"segment_to_run": 1, "resume_point": {"after": "PARALLEL_GROUP", "segment_to_run": 2}}
    assert join_id({}, forked, "a") == join_id({}, after_join(forked), "a")


def test_conflicts_are_bounded_and_counted():
    state = {}
    for n in range(5):
        conflicts = [{"path": f"$.{n}.{i}"} for i in range(30)]
        found = gathering({"branch_id": "a"}, conflicts=conflicts)
        state = record_join(state, found, f"join {n}", 40)
    assert len(state["merge_conflicts"]) == 40
    assert state["merge_conflicts"][-1] == {"path": "$.4.29"}
    assert state["merge_conflict_count"] == 150


def test_what_the_branches_decide():
    good, bad = {"status": "COMPLETE"}, {"status": "TIMED_OUT"}
    waits = {"status": "PAUSED_FOR_HITP"}
    assert next_action_of(gathering(good, bad)) is None
    assert next_action_of(gathering(bad, {"error": "E"})) == "FAILED"
    assert next_action_of(gathering(good, waits)) == "PAUSED_FOR_HITP"
    assert next_action_of(gathering()) is None
    both = gathering({"status": "PAUSED_FOR_ASYNC_LLM"}, {"status": "paused"})
    assert next_action_of(both) == "PAUSED_FOR_HITP"


def test_what_is_gone_is_no_success():
    gone = [{"branch_id": "gone"}]
    good, bad, waits = {"status": "COMPLETE"}, {"status": "FAILED"}, {"status": "PAUSE"}
    assert next_action_of(gathering(unresolved=gone)) == "FAILED"
    assert next_action_of(gathering(bad, unresolved=gone)) == "FAILED"
    assert next_action_of(gathering(bad, good, unresolved=gone)) is None
    assert next_action_of(gathering(bad, waits, unresolved=gone)) == "PAUSED_FOR_HITP"
    assert next_action_of(gathering(failure=Verdict("failed"))) == "FAILED"
