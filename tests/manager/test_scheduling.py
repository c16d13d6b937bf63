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
        "priority": 1,
    }
    assert summary_of([1]) is None


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, (0, 1)),
        ({"batch_details": [{}] * 40}, (40, 1)),
        ({"batch_details": {"a": {}, "b": {}}, "priority": "low"}, (2, "low")),
        ({"batch_details": [{}] * 40, "total_batches": 7, "priority": 0}, (7, 0)),
        ({"batch_details": [{}], "total_batches": None, "priority": None}, (1, 1)),
        ({"batch_details": "text", "total_batches": [1], "priority": {}}, (0, 1)),
        ({"total_batches": "9" * 80, "priority": 1.5}, (0, 1.5)),
    ],
)
def test_a_summary_has_a_number_where_a_router_compares_one(metadata, expected):
    assert tuple(summary_of(metadata).values()) == expected


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
