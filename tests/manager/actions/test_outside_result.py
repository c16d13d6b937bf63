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
def test_the_result_decides_what_comes_next(name):
    def action(**result):
        answer = call(f"merge_{name}", state_data=START, **{f"{name}_result": result})
        return answer["next_action"], answer["state_data"]["segment_to_run"]

    assert action(next_segment_to_run=9) == ("COMPLETE", 9)
    assert action(next_action="HALTED") == ("HALTED", 1)
    assert action(error={"Error": "E"}) == ("FAILED", 1)
    assert action(status="PAUSED_FOR_ASYNC_LLM") == ("PAUSED_FOR_ASYNC_LLM", 1)
    with pytest.raises(InvalidState):
        action(status="MAYBE")


@BOTH
def test_a_sealed_result_is_not_read(name, sb):
    sealed = sb.seal({"text": filler(400_000), "status": "SUCCESS"}, scope="machine/run")
    forget()
    with usage.measured() as cost:
        answer = call(f"merge_{name}", state_data=START, **{f"{name}_result": sealed})
    assert cost.gets == 0
    assert answer["next_action"] == "COMPLETE"
    assert opened(answer["state_data"])[f"{name}_result"]["text"] == filler(400_000)


@BOTH
def test_a_result_is_needed(name):
    with pytest.raises(InvalidState) as refused:
        call(f"merge_{name}", state_data=START)
    assert refused.value.path == f"$.{name}_result"
