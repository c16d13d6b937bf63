"""Pauses, forks and redelivery: the right segments, in order, once each."""

import copy
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from statebag import Statebag
from statebag.default_client import from_environment
from statebag.format.stub import KEY
from statebag.manager.actions.invocation import Invocation
from statebag.manager.actions.update import decided
from statebag.state_data_manager import lambda_handler
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, START, call, filler, opened

RUNS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
OF_PAUSE = {
    "PAUSED_FOR_HITP": ("merge_callback", "callback_result"),
    "PAUSED_FOR_ASYNC_LLM": ("merge_async", "async_result"),
}
PAUSES = pytest.mark.parametrize("pause", OF_PAUSE)
APPROVED = {"approved": True, "status": "APPROVED"}


def sync(state, **result):
    return call("sync", state_data=state, execution_result=result)


def answered(state, pause, answer=APPROVED):
    action, field = OF_PAUSE[pause]
    return call(action, state_data=state, **{field: answer})


def place(answer):
    return answer["next_action"], answer["state_data"]["segment_to_run"]


def test_a_continue_goes_one_further_to_the_end():
    state, seen = {**START, "total_segments": 4}, []
    while True:
        seen.append(state["segment_to_run"])
        answer = sync(state, final_state={"n": len(seen)})
        state = answer["state_data"]
        if answer["next_action"] != "CONTINUE":
            break
    assert seen == [0, 1, 2, 3]
    assert place(answer) == ("COMPLETE", 4)


@pytest.mark.parametrize(
    "result", [{"status": "CONTINUE"}, {"next_action": "continue"}, {"anything": 1}]
)
def test_so_does_a_branch_and_no_other_action(result):
    answer = call("sync_branch", branch_state=START, execution_result=result)
    assert answer["branch_state"]["segment_to_run"] == 1
    bag = call("update_and_compress", state_data=START, execution_result=result)
    assert bag["segment_to_run"] == 0


@pytest.mark.parametrize("own", [{"total_segments": 9}, {}])
def test_a_branch_may_have_fewer_segments_than_its_state_says(sb, own):
    state = {"execution_id": SCOPE, "segment_to_run": 1, **own}
    invocation = Invocation({"state_data": state})
    for status, expected in (("RUNNING", "COMPLETE"), ("PAUSE", "PAUSED_FOR_HITP")):
        moved, action = decided(invocation, state, state, {"status": status}, total=2)
        assert action == expected
        assert {name: moved[name] for name in own} == own
        assert moved.keys() - {"resume_point"} == state.keys()


def test_an_event_without_a_result_moves_nothing():
    paused = sync(START, status="PAUSE")["state_data"]
    for event in (
        {},
        {"execution_result": None},
        {"execution_result": {}},
        {"execution_result": {"guardrail_verified": True}},
    ):
        answer = call("sync", state_data=paused, **event)
        assert place(answer) == ("PAUSED_FOR_HITP", 0)
        assert place(answered(answer["state_data"], "PAUSED_FOR_HITP")) == ("CONTINUE", 1)
        assert place(call("sync", state_data=START, **event)) == ("CONTINUE", 0)
        ended = {**START, "segment_to_run": 9}
        assert place(call("sync", state_data=ended, **event)) == ("COMPLETE", 9)


@PAUSES
@pytest.mark.parametrize(("named", "expected"), [(None, 1), (0, 0), (1, 1), (5, 5), (9, 9)])
def test_an_answer_goes_on_where_the_pause_said(pause, named, expected):
    for field in ("status", "next_action"):
        paused = sync(START, **{field: pause}, next_segment_to_run=named)
        assert paused["next_action"] == pause
        answer = answered(paused["state_data"], pause)
        action = "COMPLETE" if expected == 9 else "CONTINUE"
        assert place(answer) == (action, expected)
        assert "resume_point" not in answer["state_data"]
        answer = answered(paused["state_data"], pause, {"next_segment_to_run": 3})
        assert place(answer) == ("CONTINUE", 3)


def test_a_pause_that_update_and_compress_brought_counts_too():
    bag = call(
        "update_and_compress",
        state_data=START,
        execution_result={"status": "PAUSED_FOR_HITP", "next_segment_to_run": 1},
    )
    assert place(answered(bag, "PAUSED_FOR_HITP")) == ("CONTINUE", 1)


@PAUSES
def test_an_answer_counts_once_also_after_later_steps(pause):
    state = sync(START, status=pause, next_segment_to_run=1)["state_data"]
    first = answered(state, pause)
    assert answered(state, pause) == first, "the same event"
    assert answered(first["state_data"], pause) == first, "the state that it made"
    later = sync(first["state_data"], next_segment_to_run=4, loop_counter=7)
    assert answered(later["state_data"], pause) == later
    other = sync(later["state_data"], status=pause)["state_data"]
    second = answered(other, pause, {"approved": False})
    assert place(second) == ("CONTINUE", 5)
    assert answered(second["state_data"], pause) == second, "the first answer, much later"
    ended = sync(second["state_data"], status="COMPLETE")
    assert answered(ended["state_data"], pause) == ended


@PAUSES
def test_the_next_pause_may_have_the_same_answer(pause):
    state, seen = START, []
    for _ in range(3):
        answer = answered(sync(state, status=pause)["state_data"], pause)
        state = answer["state_data"]
        seen.append(state["segment_to_run"])
    assert seen == [1, 2, 3]


def test_an_answer_counts_once_where_no_pause_is_on_record():
    answer = {"status": "COMPLETE", "response": "x"}
    first = answered(START, "PAUSED_FOR_ASYNC_LLM", answer)
    assert answered(first["state_data"], "PAUSED_FOR_ASYNC_LLM", answer) == first
    later = sync(first["state_data"])
    assert answered(later["state_data"], "PAUSED_FOR_ASYNC_LLM", answer) == later
    # A segment may ask without a result, by an error that a Catch takes: its loop has turned.
    turned = {**first["state_data"], "loop_counter": 1}
    second = answered(turned, "PAUSED_FOR_ASYNC_LLM", answer)
    assert place(second) == ("CONTINUE", 2)


def test_a_pause_of_another_function_is_seen_by_its_next_action():
    first = answered({**START, "next_action": "PAUSED_FOR_HITP"}, "PAUSED_FOR_HITP")
    paused = {**first["state_data"], "next_action": "PAUSED_FOR_HITP"}
    assert place(answered(paused, "PAUSED_FOR_HITP")) == ("CONTINUE", 2)


def test_a_failed_answer_ends_and_a_better_one_may_follow():
    paused = sync(START, status="PAUSE", next_segment_to_run=1)["state_data"]
    failed = answered(paused, "PAUSED_FOR_HITP", {"Error": "E", "Cause": "c"})
    assert place(failed) == ("FAILED", 1)
    assert failed["state_data"]["error"] == {"Error": "E", "Cause": "c"}
    assert answered(failed["state_data"], "PAUSED_FOR_HITP", {"Error": "E", "Cause": "c"}) == failed
    assert place(answered(failed["state_data"], "PAUSED_FOR_HITP")) == ("CONTINUE", 1)


@pytest.mark.parametrize(("named", "expected"), [(None, 1), (3, 3), (9, 9)])
def test_a_join_goes_on_where_the_fork_said_once(named, expected):
    forked = sync(START, status="PARALLEL_GROUP", next_segment_to_run=named, branches=[{}, {}])
    assert forked["next_action"] == "PARALLEL_GROUP"
    results = [
        {"branch_id": "p", "final_state": {"a": 1}, "status": "FAILED"},
        {"branch_id": "q", "final_state": {"a": 2, "b": [1]}, "new_history_logs": ["q"]},
        {"branch_id": "r", "final_state": {"a": 3}},
    ]
    event = {"parallel_results": results, "merge_rules": {"b": "append"}}
    joined = call("aggregate_branches", state_data=forked["state_data"], **event)
    assert place(joined) == ("COMPLETE" if expected == 9 else "CONTINUE", expected)
    again = call("aggregate_branches", state_data=joined["state_data"], **event)
    assert again == joined
    assert opened(again["state_data"])["current_state"] == {"a": 3, "b": [1]}
    later = sync(joined["state_data"], next_segment_to_run=5, new_history_logs=["later"])
    assert call("aggregate_branches", state_data=later["state_data"], **event) == later


def test_the_next_fork_may_have_the_same_results():
    event = {"parallel_results": [{"branch_id": "p", "new_history_logs": ["p"]}]}
    state, seen = START, []
    for _ in range(3):
        forked = sync(state, status="PARALLEL_GROUP", branches=[{}])["state_data"]
        joined = call("aggregate_branches", state_data=forked, **event)
        state = joined["state_data"]
        seen.append(place(joined))
    assert seen == [("CONTINUE", 1), ("CONTINUE", 2), ("CONTINUE", 3)]
    assert opened(state)["state_history"] == ["p"] * 3


def test_a_join_that_is_repeated_reads_nothing(sb):
    sealed = sb.seal({"branch_id": "p", "final_state": {"doc": filler(200_000)}}, scope=SCOPE)
    forked = sync(START, status="PARALLEL_GROUP", branches=[{}])["state_data"]
    joined = call("aggregate_branches", state_data=forked, parallel_results=[sealed])
    forget()
    with usage.measured() as cost:
        again = call(
            "aggregate_branches", state_data=joined["state_data"], parallel_results=[sealed]
        )
    assert (again, cost.gets) == (joined, 0)


@pytest.mark.parametrize("named", [None, 3])
def test_a_branch_that_waits_goes_on_where_the_fork_said(named):
    forked = sync(START, status="PARALLEL_GROUP", next_segment_to_run=named, branches=[{}])
    event = {"parallel_results": [{"branch_id": "p", "status": "PAUSED_FOR_HITP"}]}
    joined = call("aggregate_branches", state_data=forked["state_data"], **event)
    assert joined["next_action"] == "PAUSED_FOR_HITP"
    assert call("aggregate_branches", state_data=joined["state_data"], **event) == joined
    answer = answered(joined["state_data"], "PAUSED_FOR_HITP")
    assert place(answer) == ("CONTINUE", named or 1)


def test_a_join_without_a_fork_on_record_stays_at_its_segment():
    event = {"parallel_results": [{"branch_id": "p", "status": "COMPLETE"}]}
    joined = call("aggregate_branches", state_data=START, **event)
    assert place(joined) == ("CONTINUE", 0)
    event = {"parallel_results": [{"branch_id": "p", "status": "PAUSE"}]}
    joined = call("aggregate_branches", state_data=START, **event)
    assert call("aggregate_branches", state_data=joined["state_data"], **event) == joined
    assert place(answered(joined["state_data"], "PAUSED_FOR_HITP")) == ("CONTINUE", 1)


def test_a_failed_join_stays_at_its_fork():
    forked = sync(START, status="PARALLEL_GROUP", branches=[{}])["state_data"]
    event = {"parallel_results": [{"branch_id": "p", "status": "FAILED"}]}
    joined = call("aggregate_branches", state_data=forked, **event)
    assert place(joined) == ("FAILED", 0)
    assert call("aggregate_branches", state_data=joined["state_data"], **event) == joined


def test_a_result_with_an_append_id_counts_once():
    result = {"append_id": "turn-1", "new_history_logs": ["a"], "final_state": {"n": 1}}
    for more in ({}, {"status": "PAUSE"}, {"new_history_logs": None}):
        first = sync(START, **{**result, **more})
        assert sync(first["state_data"], **{**result, **more}) == first
    paused = sync(START, append_id="turn-1", status="PAUSE")["state_data"]
    answer = answered(paused, "PAUSED_FOR_HITP")
    again = sync(answer["state_data"], append_id="turn-1", status="PAUSE")
    assert place(again) == ("CONTINUE", 1)


@pytest.mark.parametrize("wire", ["0", "1"])
def test_a_pause_is_kept_in_a_state_that_left(wire, monkeypatch):
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    monkeypatch.setenv("STATEBAG_MAX_BAG_BYTES", "8192")
    forget()
    state = {**START, **{f"f{n}": filler(1_500, n) for n in range(40)}}
    paused = sync(state, status="PAUSE", next_segment_to_run=2)["state_data"]
    forget()
    answer = answered(paused, "PAUSED_FOR_HITP")
    assert place(answer) == ("CONTINUE", 2)
    again = answered(answer["state_data"], "PAUSED_FOR_HITP")
    assert place(again) == ("CONTINUE", 2)


def test_deliveries_are_known_where_another_function_offloaded_them(sb):
    state = START
    for n in range(9):
        paused = sync(state, status="PAUSE", next_segment_to_run=2)["state_data"]
        state = answered(paused, "PAUSED_FOR_HITP", {"n": n})["state_data"]
    tight = Statebag(sb.store, policy=structs.replace(sb.policy, field_limit=256, carry_bytes=0))
    bag = tight.with_control("execution_id", "segment_to_run").seal(opened(state), scope=SCOPE)
    assert KEY in bag["merged_deliveries"]
    for n in range(9):
        assert place(answered(bag, "PAUSED_FOR_HITP", {"n": n})) == ("CONTINUE", 2)


def test_deliveries_at_once_are_one_delivery():
    paused = sync({**START, "doc": filler(200_000)}, status="PAUSE", next_segment_to_run=1)
    event = {
        "action": "merge_callback",
        "state_data": paused["state_data"],
        "callback_result": {**APPROVED, "text": filler(150_000, 1)},
    }
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda_handler, [copy.deepcopy(event) for _ in range(24)]))
    assert {place(one) for one in answers} == {("CONTINUE", 1)}
    states = {json.dumps(opened(one["state_data"]), sort_keys=True) for one in answers}
    assert len(states) == 1


NAMED = st.none() | st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("segment"), NAMED, st.sampled_from(["CONTINUE", "running", None])),
    st.tuples(st.just("pause"), NAMED, st.sampled_from(sorted(OF_PAUSE))),
    st.tuples(st.just("fork"), NAMED, st.sampled_from(["COMPLETE", "PAUSE", "ok"])),
    st.tuples(st.just("answer"), NAMED, st.sampled_from(["COMPLETE", "APPROVED", "x"])),
    st.tuples(st.just("again"), st.integers(0, 30), st.booleans()),
)


class Workflow:
    """What must happen, in plain Python, beside what the manager does."""

    def __init__(self, state):
        self.state = state
        self.segment = 0
        self.resume = None
        self.pause = None
        self.history = []
        self.count = 0
        self.delivered = []  # answers and joins
        self.events = []

    def send(self, action, **fields):
        event = {"action": action, "state_data": self.state, **fields}
        answer = call(**event)
        self.events.append((event, answer))
        self.state = answer["state_data"]
        return answer

    def check(self, answer, action=None):
        assert self.state["segment_to_run"] == self.segment
        assert answer["next_action"] == self.state["next_action"]
        if action is not None:
            assert answer["next_action"] == action

    def segment_ran(self, named, status):
        self.count += 1
        entry = [self.count]
        self.history.append(entry)
        result = {"next_segment_to_run": named, "new_history_logs": [entry], "status": status}
        answer = self.send("sync", execution_result=result)
        has_ended = status is None and self.segment >= START["total_segments"]
        if not (named is None and has_ended):  # a result that says nothing ends it once more
            self.segment = self.segment + 1 if named is None else named
        self.pause = self.resume = None
        self.check(answer)

    def paused(self, named, pause):
        answer = self.send("sync", execution_result={"status": pause, "next_segment_to_run": named})
        self.resume = self.segment + 1 if named is None else named
        self.segment = self.segment if named is None else named
        self.pause = pause
        self.check(answer, pause)

    def forked(self, named, status):
        self.count += 1
        result = {"status": "PARALLEL_GROUP", "next_segment_to_run": named, "branches": [{}, {}]}
        self.send("sync", execution_result=result)
        resume = self.segment + 1 if named is None else named
        self.segment = self.segment if named is None else named
        entry = {"join": self.count}
        branches = [
            {"branch_id": "p", "status": "COMPLETE", "new_history_logs": [entry]},
            {"branch_id": "q", "status": status, "final_state": {f"k{self.count}": 1}},
        ]
        self.history.append(entry)
        answer = self.send("aggregate_branches", parallel_results=[branches])
        self.pause = self.resume = None
        if status == "PAUSE":
            self.pause, self.resume = "PAUSED_FOR_HITP", resume
        else:
            self.segment = resume
        self.check(answer, self.pause)
        self.delivered.append(("aggregate_branches", {"parallel_results": [branches]}))

    def answered(self, named, status):
        if self.pause is None:
            return
        self.count += 1
        answer = {"status": status, "n": self.count, "next_segment_to_run": named}
        action, field = OF_PAUSE[self.pause]
        told = self.send(action, **{field: answer})
        self.delivered.append((action, {field: answer}))
        self.segment = self.resume if named is None else named
        self.pause = self.resume = None
        self.check(told, "COMPLETE" if self.segment >= 9 else "CONTINUE")
        assert opened(self.state)[field] == answer

    def delivered_again(self, which, is_old_event):
        if is_old_event and self.events:
            event, before = self.events[which % len(self.events)]
            after = call(**event)
            assert after["next_action"] == before["next_action"]
            assert opened(after["state_data"]) == opened(before["state_data"])
        elif self.delivered and self.pause is None:
            action, fields = self.delivered[which % len(self.delivered)]
            before = opened(self.state)
            told = self.send(action, **fields)
            assert opened(self.state) == before
            self.check(told)


@RUNS
@example([("segment", 8, "CONTINUE"), ("segment", None, "CONTINUE"), ("segment", None, None)], 8192)
@given(st.lists(STEPS, max_size=12), st.sampled_from([8 * 1024, 96 * 1024]))
def test_any_run_with_any_deliveries(sb, monkeypatch, steps, bound):
    monkeypatch.setenv("STATEBAG_MAX_BAG_BYTES", str(bound))
    forget()
    run = Workflow({**START, "doc": filler(20_000), "mine": {"a": [1, None]}})
    for kind, first, second in steps:
        step = {
            "segment": run.segment_ran,
            "pause": run.paused,
            "fork": run.forked,
            "answer": run.answered,
            "again": run.delivered_again,
        }[kind]
        step(first, second)
    after = from_environment().open(run.state, scope=SCOPE)
    assert after.get("state_history", []) == run.history
    assert (after["doc"], after["mine"]) == (filler(20_000), {"a": [1, None]})
