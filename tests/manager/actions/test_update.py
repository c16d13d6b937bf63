"""`update_and_compress`: the state with a result in it, and what its sealing came to."""

import pytest

from statebag import BagTooLarge, InvalidState
from statebag.format.json_text import encode, wire_size
from statebag.state_data_manager import lambda_handler, update_and_compress_state_data
from tests.manager.actions.calls import START, call, filler, opened

FIGURES = ("payload_size_kb", "compression_applied", "s3_offloaded", "last_optimization")


def test_it_is_the_default_action():
    assert lambda_handler({"state_data": START, "execution_result": {}})["segment_to_run"] == 0


def test_the_figures_say_what_the_bag_is():
    bag = call("update_and_compress", state_data=START, execution_result={"status": "CONTINUE"})
    assert bag["payload_size_kb"] == round(len(encode(bag)) / 1024, 2)
    assert (bag["compression_applied"], bag["s3_offloaded"]) == (False, False)
    carried = call("update_and_compress", state_data={**bag, "text": "x" * 40_000})
    assert (carried["compression_applied"], carried["s3_offloaded"]) == (True, False)
    stored = call("update_and_compress", state_data={**bag, "text": filler(200_000)})
    assert (stored["compression_applied"], stored["s3_offloaded"]) == (True, True)
    assert stored["payload_size_kb"] == round(len(encode(stored)) / 1024, 2)


def test_the_state_is_what_it_was_and_what_the_result_brought():
    state = {**START, "current_state": {"a": 1}, "state_history": [0], "mine": filler(90_000)}
    result = {"status": "RUNNING", "final_state": {"b": filler(50_000)}, "new_history_logs": [1]}
    after = opened(call("update_and_compress", state_data=state, execution_result=result))
    for name in FIGURES:
        del after[name]
    del after["last_append_id"]
    assert after == {
        **state,
        "status": "RUNNING",
        "current_state": {"a": 1, "b": result["final_state"]["b"]},
        "state_history": [0, 1],
    }


def test_a_smaller_ceiling_is_kept():
    state = {**START, **{f"f{n}": filler(4_000, n) for n in range(20)}}
    bag = call("update_and_compress", state_data=state, max_payload_size_kb=8)
    assert wire_size(bag) <= 8 * 1024
    after = opened(bag)
    assert {name: after[name] for name in state} == state


def test_a_larger_ceiling_does_not_lift_the_policys_bound():
    state = {**START, **{f"f{n}": filler(4_000, n) for n in range(60)}}
    bag = call("update_and_compress", state_data=state, max_payload_size_kb=250)
    assert wire_size(bag) <= 96 * 1024


@pytest.mark.parametrize("asked", ["50", 0, -1, True, [1]])
def test_a_ceiling_is_a_number(asked):
    with pytest.raises(InvalidState) as refused:
        call("update_and_compress", state_data=START, max_payload_size_kb=asked)
    assert refused.value.path == "$.max_payload_size_kb"


def test_control_fields_that_pass_the_bound_are_named():
    with pytest.raises(BagTooLarge, match=r"\$\.status"):
        call("update_and_compress", state_data={**START, "status": filler(200_000)})


def test_it_takes_fields_as_arguments_too():
    bag = update_and_compress_state_data(state_data=START, execution_result={"loop_counter": 7})
    assert bag["loop_counter"] == 7


def test_a_step_that_changes_little_writes_nothing(sb):
    from statebag.telemetry import usage

    bag = call("update_and_compress", state_data={**START, "doc": filler(300_000)})
    with usage.measured() as cost:
        call("update_and_compress", state_data=bag, execution_result={"status": "RUNNING"})
    assert (cost.gets, cost.puts) == (0, 0)
