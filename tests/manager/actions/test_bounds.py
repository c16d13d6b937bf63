"""For any state and any result: the answer keeps its bound, and nothing is lost."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statebag import InvalidState, InvalidStub, LimitExceeded, NotPermitted, UnsupportedFormat
from statebag.default_client import from_environment
from statebag.format.derived import set_aside
from statebag.format.json_text import encode, wire_size
from statebag.manager.control_fields import CONTROL_FIELDS
from statebag.state_data_manager import lambda_handler
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, START, call, filler
from tests.strategies import STATES, VALUES

RUNS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
BOUNDS = st.sampled_from([8 * 1024, 20 * 1024, 96 * 1024])
# What data that was never sealed and looks like one of our forms meets: it is refused.
REFUSED = (InvalidStub, UnsupportedFormat, NotPermitted, LimitExceeded, InvalidState)
SCALARS_OF_ACTIONS = {
    "next_action",
    "segment_to_run",
    "last_append_id",
    "last_execution_result",
    "payload_size_kb",
    "compression_applied",
    "s3_offloaded",
    "last_optimization",
}


@pytest.fixture
def environment(monkeypatch, sb):
    """Sets the bound, and gives the client."""

    def with_bound(bound):
        monkeypatch.setenv("STATEBAG_MAX_BAG_BYTES", str(bound))
        forget()
        return from_environment()

    return with_bound


def without_control(state):
    """The state without fields of any size that must stay plain, which is another promise."""
    names = {*CONTROL_FIELDS, "current_state", "total_segments"}
    kept = {key: value for key, value in state.items() if key not in names}
    if not isinstance(kept.get("state_history", []), list):
        del kept["state_history"]
    return {**kept, "execution_id": SCOPE, "segment_to_run": 0, "current_state": {"a": 1}}


def run(sb, action, state, **fields):
    """The opened state after an action, and its answer within the bound."""
    bag = sb.with_control("execution_id").seal(state, scope=SCOPE)
    answer = lambda_handler({"action": action, "state_data": bag, **fields})
    assert wire_size(answer) <= sb.policy.max_bag_bytes
    sealed, _ = set_aside(answer.get("state_data", answer))
    forget()
    return from_environment().open(sealed, scope=SCOPE), answer


def assert_survives(before, after, *changed):
    for key, value in before.items():
        if key not in {*changed, *SCALARS_OF_ACTIONS}:
            assert encode(after[key]) == encode(value), key


@RUNS
@given(STATES, VALUES, BOUNDS, st.sampled_from(["sync", "update_and_compress"]))
def test_a_step_loses_nothing(environment, state, value, bound, action):
    sb = environment(bound)
    state = without_control(state)
    result = sb.seal({"odd": value, "final_state": {"b": value}}, scope=SCOPE)
    after, _ = run(sb, action, state, execution_result=result)
    assert_survives(state, after, "current_state")
    assert encode(after["last_execution_result"]) == encode({"odd": value})
    assert encode(after["current_state"]) == encode({"a": 1, "b": value})


@RUNS
@given(STATES, VALUES, BOUNDS, st.sampled_from(["callback", "async"]))
def test_a_result_from_outside_loses_nothing(environment, state, value, bound, name):
    sb = environment(bound)
    state = without_control(state)
    field = f"{name}_result"
    sealed = sb.seal({"inner": value}, scope=SCOPE)
    after, _ = run(sb, f"merge_{name}", state, **{field: sealed})
    assert_survives(state, after, field)
    assert encode(after[field]) == encode({"inner": value})


@RUNS
@given(STATES, st.lists(VALUES, max_size=12), BOUNDS)
def test_gathered_results_are_all_there(environment, state, values, bound):
    sb = environment(bound)
    state = without_control(state)
    chunks = [
        {"status": "FAILED" if n % 3 else "SUCCESS", "value": one} for n, one in enumerate(values)
    ]
    sealed = [sb.seal(one, scope=SCOPE) for one in chunks]
    after, answer = run(
        sb, "aggregate_distributed", state, distributed_results=sealed, create_post_snapshot=True
    )
    changed = ("distributed_results", "distributed_chunk_summary", "failed_segments")
    assert_survives(state, after, *changed)
    assert encode(after["distributed_results"]) == encode(chunks)
    failed = [one for one in chunks if one["status"] != "SUCCESS"]
    assert encode(from_environment().open(answer["failed_chunks"])) == encode(failed[:5])


@RUNS
@given(STATES, st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), max_size=5), BOUNDS)
def test_joined_branches_lose_no_field_of_the_state(environment, state, finals, bound):
    sb = environment(bound)
    state = without_control(state)
    results = [
        sb.seal({"branch_id": str(n), "final_state": one, "new_history_logs": [n]}, scope=SCOPE)
        for n, one in enumerate(finals)
    ]
    after, _ = run(sb, "aggregate_branches", state, parallel_results=results)
    assert_survives(state, after, "current_state", "state_history", "merge_conflicts")
    history = [*state.get("state_history", []), *range(len(finals))]
    assert encode(after.get("state_history", [])) == encode(history)
    assert set(after["current_state"]) == {"a"}.union(*finals)


@RUNS
@given(STATES, st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), min_size=1), BOUNDS)
def test_every_branch_of_a_fork_is_hydrated_exactly(environment, state, branches, bound):
    sb = environment(bound)
    state = without_control(state)
    result = sb.seal({"branches": branches}, scope=SCOPE)
    after, answer = run(sb, "sync", state, execution_result=result)
    index = len(branches) - 1
    event = {
        "action": "hydrate_branch",
        "branch_pointer": after["pending_branches"][index],
        "state_data": answer["state_data"],
    }
    hydrated = lambda_handler(event)
    assert wire_size(hydrated) <= bound
    config = from_environment().open(hydrated["branch_config"], scope=SCOPE)
    assert encode(config) == encode(branches[index])


@RUNS
@given(VALUES, VALUES, st.sampled_from(["sync", "merge_callback", "aggregate_distributed"]))
def test_what_was_never_sealed_is_taken_as_it_is_or_refused(sb, value, other, action):
    event = {
        "action": action,
        "state_data": {"execution_id": SCOPE, "value": other},
        "execution_result": {"odd": value, "segment_results": [value]},
        "callback_result": {"odd": value},
    }
    try:
        answer = lambda_handler(event)
    except REFUSED:
        return
    assert wire_size(answer) <= from_environment().policy.max_bag_bytes


ENGINES_LIMIT = 262_144
ANSWER = 200 * 1024


@pytest.mark.parametrize("wire", ["0", "1"])
@pytest.mark.parametrize("status", ["PAUSED_FOR_HITP", "PAUSED_FOR_ASYNC_LLM", "paused"])
@pytest.mark.parametrize("shape", ["fields", "inside", "history"])
def test_an_answer_of_200_kb_fits_next_to_the_bag_of_a_workflow_that_waits(
    monkeypatch, wire, status, shape
):
    """The engine puts the answer next to the bag before any function sees it."""
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    many = {f"d{n}": filler(4_000, n) for n in range(20)}
    state = {
        "fields": {**START, **many},
        "inside": {**START, "current_state": many},
        "history": {**START, "state_history": list(many.values())},
    }[shape]
    paused = call("sync", state_data=state, execution_result={"status": status})
    event = {
        "state_data": paused["state_data"],
        "next_action": paused["next_action"],
        "callback_result": {"text": filler(ANSWER - 20, 99)},
        "execution_id": "arn:aws:states:eu-west-1:123456789012:execution:orders:run-1",
    }
    assert wire_size(event) < ENGINES_LIMIT
    del event["execution_id"]
    answer = call("merge_callback", **event)
    after = opened_of_both(answer["state_data"])
    assert after["callback_result"] == event["callback_result"]
    assert {name: after[name] for name in state if name != "segment_to_run"} == {
        name: one for name, one in state.items() if name != "segment_to_run"
    }


def test_a_bag_whose_control_fields_take_more_than_a_pause_leaves_is_made_all_the_same(monkeypatch):
    monkeypatch.setenv("STATEBAG_CONTROL", "$.large")
    forget()
    state = {**START, "large": filler(60_000), "doc": filler(60_000, 1)}
    paused = call("sync", state_data=state, execution_result={"status": "PAUSED_FOR_HITP"})
    assert paused["state_data"]["large"] == state["large"]
    assert wire_size(paused) < 96 * 1024


def opened_of_both(bag):
    """The state in a bag, or behind legacy pointers."""
    forget()
    event = {"idempotency_key": START["idempotency_key"], "it": bag}
    return from_environment().open(event, scope=SCOPE, legacy=True)["it"]
