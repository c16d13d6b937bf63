"""What two bags tell of their difference: never less than there is, and nothing from the store."""

import copy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statebag import BlobCorrupt, InvalidStub, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.paths import parse_path
from statebag.opening.bag_difference import bag_differences
from statebag.store.memory import MemoryStore
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise, travelled

SCOPE = "machine/run-1"
SMALL = Policy(field_limit=256, carry_bytes=0, piece_bytes=1024)
POLICIES = {
    "stored": SMALL,
    "carried": Policy(field_limit=256, carry_bytes=8_000),
    "plain": Policy(),
}


def told(before, after):
    return [
        (change.path, change.kind, change.before, change.after)
        for change in bag_differences(before, after)
    ]


@pytest.fixture
def sb():
    return Statebag(MemoryStore(), policy=Policy(carry_bytes=0))


def test_equal_states_differ_in_nothing(sb):
    state = {"a": noise(50_000), "b": [noise(900, n) for n in range(200)], "c": 1}
    bag = sb.seal(state, scope=SCOPE)
    assert told(bag, travelled(bag)) == []
    # One side plain, the other behind a stub with the digest of the same text.
    assert told({"a": state["a"]}, {"a": bag["a"]}) == []
    assert told({"a": state["a"]}, {"a": noise(50_000, 9)})[0][1] == "changed"


def test_each_kind_of_change_has_its_path_and_sizes(sb):
    before = {"big": noise(50_000), "gone": [1, 2], "n": 1, "deep": {"x": [1, {"y": 2}]}}
    after = {"big": noise(60_000, 1), "new": "é", "n": 1.0, "deep": {"x": [1, {"y": 3}, 4]}}
    assert told(sb.seal(before, scope=SCOPE), sb.seal(after, scope=SCOPE)) == [
        ("$.big", "changed", 50_002, 60_002),
        ("$.gone", "removed", 5, 0),
        ("$.n", "changed", 1, 3),
        ("$.deep.x[1].y", "changed", 1, 1),
        ("$.deep.x[2]", "added", 0, 1),
        ("$.new", "added", 0, 4),
    ]


def test_a_list_in_pieces_that_grew_is_one_change_with_both_sizes(sb):
    entries = [{"n": n, "text": noise(400, n)} for n in range(400)]
    bag = sb.seal({"list": entries[:-1]}, scope=SCOPE)
    grown = sb.append(bag, "list", entries[-1:], scope=SCOPE)
    ((path, kind, before, after),) = told(bag, grown)
    assert (path, kind) == ("$.list", "changed")
    assert (before, after) == (len(encode(entries[:-1])), len(encode(entries)))


def test_data_that_looks_like_a_stub_is_data(sb):
    one, two = ({"x": {"__statebag__": {"v": 9, "n": n}}} for n in (1, 2))
    assert [change[0] for change in told(*(sb.seal(s, scope=SCOPE) for s in (one, two)))] == [
        "$.x.__statebag__.n"
    ]


def test_what_is_no_stub_and_what_is_damaged_are_typed_errors():
    with pytest.raises(InvalidStub):
        told({"a": {"__statebag__": {"v": 1}}}, {"a": 1})
    carrying = Statebag(MemoryStore(), policy=POLICIES["carried"])
    bag = carrying.seal({"a": "x" * 500}, scope=SCOPE)
    bag["a"]["__statebag__"]["sha256"] = "0" * 64
    with pytest.raises(BlobCorrupt):
        told(bag, {"a": 1})


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(0, 2)
    | st.text("ab", max_size=90)
    | st.integers(0, 700).map(lambda n: "ab" * n),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from("abcdef"), inner),
    max_leaves=30,
)
states = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), values, max_size=5)


def above_arrays(change):
    """The path of a change as far as no array: what is read decides how items are paired there."""
    path = parse_path(change.path)
    return path[: next((i for i, part in enumerate(path) if isinstance(part, int)), len(path))]


@example(
    before={"c": [{"a": None}, ["ab" * 216], {}]},
    after={"a": None, "c": [{}]},
    shared=None,
    policies=("carried", "stored"),
)
@given(
    before=states,
    after=states,
    shared=values,
    policies=st.tuples(*[st.sampled_from([*POLICIES])] * 2),
)
def test_every_difference_lies_below_a_path_that_is_told(before, after, shared, policies):
    before, after = {**before, "z": shared}, {**after, "z": copy.deepcopy(shared)}
    store = RecordingStore(MemoryStore())
    bags = [
        Statebag(store, policy=POLICIES[name]).seal(state, scope=SCOPE)
        for name, state in zip(policies, (before, after), strict=True)
    ]
    store.forget()
    found = list(bag_differences(*bags))
    assert store.calls == []
    exact = Statebag(store).differences(before, after)
    paths = [above_arrays(change) for change in found]
    for change in exact:
        path = above_arrays(change)
        assert any(path[: len(one)] == one for one in paths), (change.path, found)
    differing = [above_arrays(change) for change in exact]
    for change in found:
        path = above_arrays(change)
        if change.kind != "possible":
            assert any(one[: len(path)] == path for one in differing), change
    if policies[0] == policies[1] and encode(before) == encode(after):
        assert found == []
