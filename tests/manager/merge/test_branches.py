"""What stays on record of a join."""

from statebag.manager.merge.branches import BranchRecord, Gathering, next_action_of, record_join


def gathering(*records, **more):
    return Gathering([BranchRecord.of(record, n) for n, record in enumerate(records)], **more)


def test_histories_join_in_the_order_of_the_branches_and_failures_are_listed():
    found = gathering(
        {"branch_id": "a", "new_history_logs": [1], "score": 5},
        {"branch_id": "b", "status": "FAILED", "new_history_logs": [2], "error": "E"},
        {"branch_id": "c", "new_history_logs": [3]},
    )
    state = record_join({"state_history": [0], "mine": 1}, found, {}, 10)
    assert state["state_history"] == [0, 1, 2, 3]
    assert state["failed_branches"] == [found.branches[1].record]
    assert state["branch_results"] == [{"branch_id": "a", "status": None, "score": 5}]
    assert state["mine"] == 1


def test_a_join_that_comes_again_adds_nothing():
    found = gathering({"branch_id": "a", "status": "FAILED"}, conflicts=[{"path": "$.x"}])
    once = record_join({"loop_counter": 1}, found, {}, 10)
    assert record_join(once, found, {}, 10) == once
    again = record_join({**once, "loop_counter": 2}, found, {}, 10)
    assert len(again["failed_branches"]) == 2
    assert again["merge_conflict_count"] == 2


def test_conflicts_are_bounded_and_counted():
    state = {}
    for n in range(5):
        conflicts = [{"path": f"$.{n}.{i}"} for i in range(30)]
        found = gathering({"branch_id": "a"}, conflicts=conflicts)
        state = record_join({**state, "loop_counter": n}, found, {}, 40)
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
