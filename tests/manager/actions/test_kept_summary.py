"""The summary of scheduling metadata, through steps that read it and steps that do not."""

import pytest

from statebag.format.stub import KEY
from statebag.manager.actions.invocation import Invocation
from statebag.state_data_manager import lambda_handler
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import travelled
from tests.manager.actions.calls import SCOPE, START, filler, opened, sync


def test_scheduling_metadata_leaves_and_its_summary_stays_through_unread_steps(sb):
    metadata = {
        "total_batches": 40,
        "priority": "high",
        "batches": [filler(900, n) for n in range(200)],
    }
    state = {**START, "scheduling_metadata": metadata}
    bag = sync(state)["state_data"]
    assert bag["scheduling_summary"] == {"total_batches": 40, "priority": "high"}
    assert list(bag["scheduling_metadata"]) == [KEY]
    for _ in range(2):
        forget()
        with usage.measured() as cost:
            bag = sync(bag, new_history_logs=[1])["state_data"]
        assert cost.gets == 0
        assert bag["scheduling_summary"] == {"total_batches": 40, "priority": "high"}
    assert opened(bag)["scheduling_metadata"] == metadata
    small = sync({**START, "scheduling_metadata": {"total_batches": 1}})["state_data"]
    assert "scheduling_summary" not in small


def test_a_scheduling_summary_of_ones_own_is_kept_as_it_is():
    own = {"total_batches": 1, "priority": "mine"}
    metadata = {"batches": [filler(900, n) for n in range(200)]}
    bag = sync({**START, "scheduling_metadata": metadata, "scheduling_summary": own})["state_data"]
    for _ in range(2):
        assert bag["scheduling_summary"] == own
        bag = sync(bag)["state_data"]


SUMMED = {
    "total_batches": 40,
    "priority": "high",
    "batches": [filler(900, n) for n in range(200)],
}
LOW = {"total_batches": 40, "priority": "low"}
NEWER = {"total_batches": 1, "batches": [filler(900, n) for n in range(100)]}


@pytest.mark.parametrize("written", [LOW, "approved", None, {"mine": 1}], ids=repr)
@pytest.mark.parametrize("result", [{}, {"scheduling_metadata": NEWER}], ids=["same", "replaced"])
def test_what_an_engine_writes_over_a_summary_passes_the_steps_as_data(sb, written, result):
    bag = sync({**START, "scheduling_metadata": SUMMED})["state_data"]
    bag["scheduling_summary"] = written
    for _ in range(3):
        forget()
        bag = sync(bag)["state_data"]
        if result:
            invocation = Invocation({"state_data": bag})
            replaced = {**invocation.state(), **result}
            bag = travelled(invocation.sealed_state(replaced, 90_000))
            assert bag["scheduling_summary"] == written
        state = sb.open(bag, scope=SCOPE)
        assert state["scheduling_summary"] == written
        assert state["scheduling_metadata"] == result.get("scheduling_metadata", SUMMED)


def test_what_an_engine_writes_over_a_summary_is_in_the_older_forms_too(monkeypatch, sb):
    for name, value in (("STATEBAG_WIRE", "0"), ("STATEBAG_PLAIN", "1")):
        bag = sync({**START, "scheduling_metadata": SUMMED})["state_data"]
        assert bag["scheduling_summary"] == {"total_batches": 40, "priority": "high"}
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            forget()
            event = {"action": "sync", "execution_result": {}}
            as_it_was, changed = (
                lambda_handler({**event, "state_data": one})["state_data"]
                for one in (bag, {**bag, "scheduling_summary": LOW})
            )
        forget()
        assert "scheduling_summary" not in sb.open(as_it_was, scope=SCOPE, legacy=True)
        assert sb.open(changed, scope=SCOPE, legacy=True)["scheduling_summary"] == LOW
