"""The summary of scheduling metadata that left."""

import pytest

from statebag import Policy, Statebag
from statebag.format import derived
from statebag.format.derived import with_derived
from statebag.manager.scheduling import FULL, SUMMARY, summary_of
from tests.bags import noise

METADATA = {
    "total_batches": 40,
    "priority": "high",
    **{f"batch_{n}": noise(400, n) for n in range(200)},
}


def test_a_summary_is_bounded():
    assert summary_of({"total_batches": 3, "priority": "x" * 10_000}) == {
        "total_batches": 3,
        "priority": None,
    }
    assert summary_of([1]) is None


@pytest.mark.parametrize("known", [True, False], ids=["declared", "core alone"])
@pytest.mark.parametrize("bound", [96 * 1024, 1200], ids=["field", "rest"])
def test_the_core_opens_a_bag_with_a_summary_exactly(monkeypatch, bound, known):
    if not known:
        monkeypatch.setattr(derived, "_sources", {})
    sb = Statebag("memory://summaries", policy=Policy(carry_bytes=0))
    state = {"a": noise(900), FULL: METADATA, "b": [noise(20, n) for n in range(40)]}
    sealed = sb.seal(state, scope="m/r", budget=bound)
    bag = with_derived(sealed, FULL, {SUMMARY: summary_of(METADATA)})
    assert bag[SUMMARY] == {"total_batches": 40, "priority": "high"}
    assert sb.open(bag) == state
    assert list(sb.open(bag)) == list(state)
    assert sb.open([bag, {"in": bag}]) == [state, {"in": state}]
    assert SUMMARY not in sb.open(bag, only=["a"])
    assert sb.differences(bag, sealed) == []
