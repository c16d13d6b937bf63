"""`merge_callback` and `merge_async`."""

import pytest

from statebag import InvalidState
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler, opened

BOTH = pytest.mark.parametrize("name", ["callback", "async"])


@BOTH
@pytest.mark.parametrize("result", [{"approved": True}, "yes", 7, ["a"], {"text": filler(400_000)}])
def test_results_of_any_kind_and_size_are_kept_whole(name, result):
    field = f"{name}_result"
    answer = call(f"merge_{name}", state_data=START, **{field: result})
    assert answer["next_action"] == "CONTINUE"
    assert answer["state_data"]["segment_to_run"] == 1
    assert opened(answer["state_data"])[field] == result


@BOTH
@pytest.mark.parametrize(
    "status", ["COMPLETE", "APPROVED", "REJECTED", "RUNNING", "PAUSE", 5, None]
)
def test_whatever_an_answer_is_called_the_workflow_goes_on(name, status):
    field, result = f"{name}_result", {"status": status, "next_action": "HALTED", "text": "t"}
    answer = call(f"merge_{name}", state_data=START, **{field: result})
    state = answer["state_data"]
    assert (answer["next_action"], state["segment_to_run"]) == ("CONTINUE", 1)
    assert opened(state)[field] == result
    last = {**START, "segment_to_run": 8}
    answer = call(f"merge_{name}", state_data=last, **{field: result})
    assert (answer["next_action"], answer["state_data"]["segment_to_run"]) == ("COMPLETE", 9)


@BOTH
def test_an_answer_may_name_the_segment(name):
    def segment(result, state=START):
        answer = call(f"merge_{name}", state_data=state, **{f"{name}_result": result})
        return answer["next_action"], answer["state_data"]["segment_to_run"]

    assert segment({"next_segment_to_run": 7}) == ("CONTINUE", 7)
    assert segment({"next_segment_to_run": 9}) == ("COMPLETE", 9)
    assert segment({"StatusCode": 200, "Payload": {"next_segment_to_run": 7}})[1] == 7
    assert segment({"next_segment_to_run": None})[1] == 1
    with pytest.raises(InvalidState):
        segment({"next_segment_to_run": "two"})


@BOTH
def test_a_sealed_result_is_not_read(name, sb):
    sealed = sb.seal({"text": filler(400_000), "status": "SUCCESS"}, scope="machine/run")
    forget()
    with usage.measured() as cost:
        answer = call(f"merge_{name}", state_data=START, **{f"{name}_result": sealed})
    assert cost.gets == 0
    assert answer["next_action"] == "CONTINUE"
    assert opened(answer["state_data"])[f"{name}_result"]["text"] == filler(400_000)


@BOTH
def test_a_sealed_failure_is_seen_and_its_text_is_not_read(name, sb):
    error = {"Error": "E", "Cause": filler(300_000)}
    for result in (error, {"Payload": error, "StatusCode": 200}):
        sealed = sb.seal(result, scope="machine/run")
        forget()
        with usage.measured() as cost:
            answer = call(f"merge_{name}", state_data=START, **{f"{name}_result": sealed})
        assert cost.bytes_got < 100_000
        state = opened(answer["state_data"])
        assert answer["next_action"] == "FAILED"
        assert (state["error"], state[f"{name}_result"]) == (error, result)


@BOTH
def test_null_is_an_answer_too(name):
    """A task token can be answered with it."""
    field = f"{name}_result"
    pause = {"resume_point": {"after": "PAUSED_FOR_HITP", "segment_to_run": 4}}
    answer = call(f"merge_{name}", state_data={**START, **pause}, **{field: None})
    state = answer["state_data"]
    assert (answer["next_action"], state["segment_to_run"], state[field]) == ("CONTINUE", 4, None)
    assert call(f"merge_{name}", state_data=state, **{field: None})["state_data"] == state


@BOTH
def test_a_result_is_needed(name):
    with pytest.raises(InvalidState) as refused:
        call(f"merge_{name}", state_data=START)
    assert refused.value.path == f"$.{name}_result"
