"""The summary of scheduling metadata that left, and what an engine writes in its place."""

import json

import pytest

from statebag import DELETE, BagTooLarge, BlobMissing, InvalidState, Policy, Statebag
from statebag.errors import NotPermitted
from statebag.format.derived import with_derived
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.manager.scheduling import (
    FULL,
    SUMMARY,
    is_summary_of,
    may_be_summary,
    summaries_of,
    summary_of,
)
from statebag.opening.bag_difference import bag_differences
from statebag.opening.inspection import inspect
from statebag.store.memory import MemoryStore
from statebag.telemetry.usage import measured
from statebag.testing.process import forget
from tests.bags import noise, travelled

METADATA = {
    "total_batches": 40,
    "priority": "high",
    **{f"batch_{n}": noise(400, n) for n in range(200)},
}
GIVEN = {"total_batches": 40, "priority": "high"}
KEYS = {"k": b"0123456789abcdef0123456789abcdef"}
NOT_DERIVED = [
    {"mine": 1},
    {"total_batches": 41, "priority": "high"},
    {"total_batches": True, "priority": "high"},
    {"priority": "high"},
    {},
    "approved",
    None,
    [GIVEN],
    {**GIVEN, "more": None},
    {KEY: {"v": 1, "escaped": {KEY: 1}}},
]


def client(**settings):
    return Statebag(MemoryStore(), policy=Policy(carry_bytes=0, **settings), replicas=())


SMALL = {f"field {n}": noise(30, n) for n in range(200)}


def bag_of(sb, bound=96 * 1024):
    """The state and its bag with a summary, as the manager writes it."""
    state = {"a": noise(900), FULL: METADATA, "b": [noise(20, n) for n in range(40)], **SMALL}
    sealed = sb.seal(state, scope="m/r", budget=bound)
    assert (KEY in sealed) is (bound == REST)
    return state, travelled(with_derived(sealed, FULL, {SUMMARY: summary_of(METADATA)}))


def data(value):
    """What an engine wrote, as `open` gives it."""
    return {KEY: 1} if isinstance(value, dict) and KEY in value else value


REST = 1500
BOUNDS = pytest.mark.parametrize("bound", [96 * 1024, REST], ids=["field", "rest"])


def test_a_summary_is_bounded():
    huge = {"total_batches": 10**5000, "priority": "x" * 10_000}
    assert summary_of(huge) == {"total_batches": 0, "priority": 1}
    assert summaries_of(huge)[1] == {"total_batches": None, "priority": None}
    assert summary_of([1]) is None
    assert summaries_of([1]) == ()


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


def test_a_summary_has_no_nulls_that_a_router_would_compare():
    details = {"batch_details": [{}] * 7}
    assert summary_of(details) == {"total_batches": 7, "priority": 1}
    assert summary_of({"batch_details": {"a": 1}}) == {"total_batches": 1, "priority": 1}
    assert summary_of({"batch_details": "x", "priority": 2}) == {"total_batches": 0, "priority": 2}


def test_what_an_earlier_release_wrote_is_a_summary_too():
    details = {"batch_details": [1, 2], "priority": "x" * 65}
    for value in ({"total_batches": 2, "priority": 1}, {"total_batches": None, "priority": None}):
        assert is_summary_of(value, details)
    assert not is_summary_of({"total_batches": None, "priority": 1}, details)
    assert not is_summary_of({"total_batches": 2}, details)


@pytest.mark.parametrize("value", [GIVEN, {"total_batches": None, "priority": 1.5}])
def test_what_may_be_a_summary(value):
    assert may_be_summary(value)


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {**GIVEN, "x": 1}, {**GIVEN, "priority": [1]}, {**GIVEN, "priority": {}}],
)
def test_what_cannot_be_a_summary(value):
    assert not may_be_summary(value)


@BOUNDS
def test_the_core_opens_a_bag_with_a_summary_exactly(bound):
    sb = client()
    state, bag = bag_of(sb, bound)
    assert bag[SUMMARY] == GIVEN
    assert sb.open(bag) == state
    assert list(sb.open(bag)) == list(state)
    assert sb.open([bag, {"in": bag}]) == [state, {"in": state}]
    assert SUMMARY not in sb.open(bag, only=["a"])
    assert sb.differences(bag, sb.seal(state, scope="m/r", budget=bound)) == []


@BOUNDS
@pytest.mark.parametrize("value", NOT_DERIVED, ids=repr)
def test_what_an_engine_writes_over_a_summary_is_a_field_of_the_state(bound, value):
    sb = client()
    state, bag = bag_of(sb, bound)
    written = {**bag, SUMMARY: value}
    expected = {**state, SUMMARY: data(value)}
    forget()
    assert encode(sb.open(written)) == encode(expected)
    forget()
    partly = sb.open(written, only=["$.a"])
    assert partly[SUMMARY] == data(value)
    assert encode(sb.open(sb.seal(partly, scope="m/r", budget=bound))) == encode(expected)
    assert sb.get(written, f"$.{SUMMARY}") == data(value)
    assert sb.get(written, "$.a") == state["a"]
    appended = sb.append(written, "b", ["more"], scope="m/r")
    assert sb.open(appended)[SUMMARY] == data(value)
    assert [one.path for one in sb.differences(bag, written)] == [f"$.{SUMMARY}"]
    inside = sb.open({"x": [written]}, only=["$.y"])
    assert sb.open(sb.seal(inside, scope="m/r")) == {"x": [expected]}
    assert {one.path for one in bag_differences(bag, written)} == {f"$.{SUMMARY}"}
    assert [one for one in inspect(written).root.walk() if one.path == (SUMMARY,)]


def test_a_stub_that_an_engine_puts_over_a_summary_is_opened():
    sb = client()
    state, bag = bag_of(sb)
    stub = sb.seal({"x": noise(200_000)}, scope="m/r")["x"]
    assert sb.open({**bag, SUMMARY: stub}) == {**state, SUMMARY: noise(200_000)}


def test_what_is_derived_is_at_no_path():
    sb = client()
    for bound in (96 * 1024, REST):
        state, bag = bag_of(sb, bound)
        with pytest.raises(InvalidState):
            sb.get(bag, f"$.{SUMMARY}")
        with pytest.raises(InvalidState):
            sb.get(bag, f"$.{SUMMARY}.priority")
        assert sb.get(bag, f"$.{FULL}.priority") == "high"
        assert sb.get({"in": bag}, "$.in") == state


def test_a_part_of_a_bag_reads_the_source_of_what_it_must_judge():
    sb = client()
    _, bag = bag_of(sb)
    forget()
    with measured() as cost:
        sb.open(bag, only=["$.none"])
    assert cost.gets == 1
    plain = sb.seal({"a": 1, FULL: METADATA}, scope="m/r")
    forget()
    with measured() as cost:
        sb.open(plain, only=["$.none"])
    assert cost.gets == 0


def test_without_the_source_nothing_is_dropped_and_nothing_is_guessed():
    sb = client()
    _, bag = bag_of(sb)
    forget()
    for info in list(sb.store.list()):
        sb.store.delete(info.name)
    with pytest.raises(BlobMissing):
        sb.open(bag, only=["$.none"])


def signed(**policy):
    return Statebag(
        MemoryStore(),
        policy=Policy(carry_bytes=0, field_limit=2000, **policy),
        replicas=(),
        signing_keys=KEYS,
    )


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("names", [["approved"], [SUMMARY, "approved"], ["approved", "b", FULL]])
def test_in_a_signed_bag_no_mark_takes_a_field_away(required, names):
    """The signature does not cover the mark, and need not: it alone drops nothing."""
    sb = signed(require_signatures=required)
    state = {"approved": False, FULL: METADATA, "b": noise(5000), SUMMARY: {"mine": 1}}
    bag = sb.seal(state, scope="m/r")
    for place in (FULL, "b"):
        forged = json.loads(json.dumps(bag))
        forged[place][KEY]["derived"] = names
        forget()
        assert sb.open(forged, scope="m/r") == state
        assert sb.open(sb.seal(sb.open(forged, only=["$.approved"]), scope="m/r")) == state
    rest = sb.with_control("approved").seal({**state, **SMALL}, scope="m/r", budget=REST)
    assert rest[KEY]["rest"] is True
    rest[KEY]["derived"] = names
    assert sb.open(rest, scope="m/r")["approved"] is False
    assert sb.open(rest, scope="m/r")[SUMMARY] == {"mine": 1}


def test_in_a_signed_bag_a_forged_summary_is_data():
    sb = signed(require_signatures=True)
    bag = sb.seal({"a": 1, FULL: METADATA}, scope="m/r")
    bag[FULL][KEY]["derived"] = [SUMMARY]
    assert sb.open({**bag, SUMMARY: GIVEN}, scope="m/r") == {"a": 1, FULL: METADATA}
    forged = {**bag, SUMMARY: {**GIVEN, "priority": "low"}}
    assert sb.open(forged, scope="m/r")[SUMMARY] == {**GIVEN, "priority": "low"}
    del forged[FULL][KEY]["sig"]
    with pytest.raises(NotPermitted):
        sb.open(forged, scope="m/r")


@BOUNDS
@pytest.mark.parametrize("value", [{**GIVEN, "priority": "low"}, "approved", None])
def test_a_decorated_function_gets_what_an_engine_wrote(bound, value):
    sb = client()
    _, bag = bag_of(sb, bound)
    seen = []

    @sb.step(scope="$.execution_id", returns="delta")
    def handler(state, _):
        seen.append(state.get(SUMMARY, "nothing"))
        return {"n": 1}

    event = {**bag, SUMMARY: value, "execution_id": "m/r"}
    again = handler(event, None)
    assert seen == [value]
    assert sb.open(again)[SUMMARY] == value
    handler({**bag, "execution_id": "m/r"}, None)
    assert seen[1:] == ["nothing"]
    assert DELETE not in seen


def test_a_source_that_an_engine_replaced_leaves_no_summary_of_the_old_one_behind():
    """The state left with all its fields: the metadata that was summed up is in the store."""
    sb = client()
    state = {"a": 1, FULL: {**GIVEN, "x": 1}, **SMALL}
    sealed = sb.seal(state, scope="m/r", budget=REST)
    bag = travelled(with_derived(sealed, FULL, {SUMMARY: GIVEN}))
    assert "derived" in bag[KEY]
    assert sb.open(bag) == state
    for value in ({"total_batches": 1}, "none", None):
        assert sb.open({**bag, FULL: value}) == {**state, FULL: value}
        assert SUMMARY not in sb.open({**bag, FULL: value}, only=["$.a"])


def test_an_unopened_rest_counts_what_it_marks():
    """Its bytes count for the bound, in whatever form the stub beside a summary is."""
    sb = client()
    _, bag = bag_of(sb, REST)
    part = sb.open({"in": bag, "n": 1}, only=["$.n"])
    with pytest.raises(BagTooLarge):
        sb.seal(part, scope="m/r", budget=300)
    assert SUMMARY in sb.seal(part, scope="m/r", budget=4_000)["in"]
    assert sb.open(sb.seal(part, scope="m/r"))["in"] == sb.open(bag)
