"""Joining branches: what one changed is taken, what two changed is settled and recorded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import ConfigurationError, InvalidState, Statebag
from statebag.format.codec import sha256_hex
from statebag.format.json_text import encode
from statebag.manager.merge import three_way
from statebag.manager.merge.sameness import same
from statebag.manager.merge.three_way import Side, join, must_be_opened, parse_rules
from tests.strategies import VALUES

STATE = {"a": 1, "list": [1, 2], "inner": {"x": 1, "y": 2}, "other": "o"}


def sides(*values, fork=STATE):
    return [Side(name, fork, value) for name, value in zip("pqrstuv", values, strict=False)]


def joined(*values, rules=None, ours=STATE, fork=STATE):
    return join(ours, sides(*values, fork=fork), rules or {})


def test_what_one_branch_changed_is_taken_and_what_none_returns_stays():
    outcome = joined({"a": 2, "other": "o"}, {"list": [3], "new": None}, {})
    assert outcome.values == {**STATE, "a": 2, "list": [3], "new": None}
    assert outcome.conflicts == []


def test_the_same_change_of_two_is_no_conflict():
    outcome = joined({"inner": {"y": 3, "x": 1}}, {"inner": {"x": 1, "y": 3}})
    assert outcome.values["inner"] == {"x": 1, "y": 3}
    assert outcome.conflicts == []


def test_values_that_differ_in_type_alone_are_a_change():
    assert joined({"a": True}).values["a"] is True
    assert isinstance(joined({"a": 1.0}).values["a"], float)


def test_objects_are_merged_inside_where_two_changed_them():
    outcome = joined({"inner": {"x": 5, "y": 2}}, {"inner": {"x": 1, "y": 2, "z": 3}})
    assert outcome.values["inner"] == {"x": 5, "y": 2, "z": 3}
    assert outcome.conflicts == []
    # A key that is gone from a value that was returned was deleted.
    outcome = joined({"inner": {"x": 1}}, {"inner": {"x": 7, "y": 2}})
    assert outcome.values["inner"] == {"x": 7}


def test_by_default_the_last_branch_wins_and_the_conflict_is_on_record():
    outcome = joined({"inner": {"x": 5}}, {"inner": {"x": 6, "y": 2}}, {"a": 1})
    assert outcome.values["inner"] == {"x": 6}
    assert outcome.conflicts == [
        {
            "path": "$.current_state.inner.x",
            "rule": "last",
            "fork": sha256_hex(b"1"),
            "branches": [
                {"branch_id": "p", "sha256": sha256_hex(b"5")},
                {"branch_id": "q", "sha256": sha256_hex(b"6")},
            ],
            "count": 2,
        }
    ]


def test_append_keeps_what_every_branch_added():
    values = ({"list": [1, 2, 3]}, {"list": [1, 2, 4, 5]}, {"list": [1, 9]})
    outcome = joined(*values, rules={"list": "append"})
    assert outcome.values["list"] == [1, 2, 3, 4, 5, 9]
    assert [one["rule"] for one in outcome.conflicts] == ["append"]
    assert joined({"list": [1, 2, 3]}, {"list": 7}, rules={"list": "append"}).values["list"] == 7


def test_union_keeps_every_item_once_and_of_objects_every_key():
    values = ({"list": [2, 3]}, {"list": [3, True, 4]})
    assert joined(*values, rules={"list": "union"}).values["list"] == [1, 2, 3, True, 4]
    values = ({"inner": {"x": 5}}, {"inner": {"z": 6}})
    assert joined(*values, rules={"inner": "union"}).values["inner"] == {"x": 5, "z": 6}


def test_error_refuses_with_the_path_and_no_value():
    with pytest.raises(InvalidState) as refused:
        joined({"a": "secret"}, {"a": "other"}, rules={"a": "error"})
    assert refused.value.path == "$.current_state.a"
    assert "secret" not in str(refused.value)
    assert joined({"a": 5}, {"a": 5}, rules={"a": "error"}).values["a"] == 5


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigurationError, match="last, append, union, error"):
        parse_rules({"a": "first"})


def test_a_state_that_moved_on_since_the_fork_takes_part():
    ours = {**STATE, "a": 10, "inner": {"x": 1, "y": 20}}
    outcome = joined({"a": 2, "inner": {"x": 3, "y": 2}}, ours=ours)
    assert outcome.values["a"] == 2
    assert outcome.values["inner"] == {"x": 3, "y": 20}
    assert [one["branch_id"] for one in outcome.conflicts[0]["branches"]] == ["state_data", "p"]
    assert joined({"a": 1}, ours=ours).values["a"] == 10


def test_branches_may_start_from_different_states():
    older = {"a": 0}
    outcome = join(STATE, [Side("p", older, {"a": 0}), Side("q", STATE, {"a": 7})], {})
    assert outcome.values["a"] == 7
    assert outcome.conflicts == []


def test_a_conflict_lists_few_branches_and_counts_all():
    many = [Side("x" * 1000 + str(n), STATE, {"a": n + 2}) for n in range(500)]
    (conflict,) = join(STATE, many, {}).conflicts
    assert conflict["count"] == 500
    assert len(encode(conflict)) < 4000


def test_objects_nested_to_the_limit_are_joined():
    def nested(leaf):
        value = leaf
        for _ in range(490):
            value = {"n": value}
        return value

    fork = {"deep": nested(0)}
    outcome = joined({"deep": nested(1)}, {"deep": nested(2)}, ours=fork, fork=fork)
    assert encode(outcome.values["deep"]) == encode(nested(2))
    assert len(outcome.conflicts) == 1


OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@settings(deadline=None, max_examples=60)
@given(OBJECTS, st.lists(OBJECTS, max_size=4))
def test_unchanged_branches_change_nothing_and_a_single_one_wins(state, changes):
    unchanged = [Side(str(n), state, dict(state)) for n in range(3)]
    assert same(join(state, unchanged, {}).values, state)
    for change in changes:
        alone = join(state, [*unchanged, Side("one", state, change)], {})
        assert same(alone.values, {**state, **change})
        assert alone.conflicts == []


@settings(deadline=None, max_examples=60)
@given(OBJECTS, st.lists(OBJECTS, max_size=4))
def test_every_top_level_key_of_state_and_branches_survives(state, changes):
    branches = [Side(str(n), state, change) for n, change in enumerate(changes)]
    keys = set(state).union(*changes)
    assert set(join(state, branches, {}).values) == keys


def unread(values):
    sb = Statebag("memory://three-way")
    return sb.open(sb.seal(values, scope="m/e"), only=[])


BIG = {"doc": "word " * 10_000, "log": ["line " * 300 + str(n) for n in range(60)]}


def test_values_that_were_not_opened_and_did_not_change_need_no_opening():
    state = unread(BIG)
    branches = [Side("p", state, unread(BIG)), Side("q", state, {**state, "x": 1})]
    assert must_be_opened(state, branches) == []
    assert join(state, branches, {}).values == {**state, "x": 1}


def test_what_one_alone_changed_is_taken_unread():
    state = unread(BIG)
    changed = unread({"doc": "other " * 10_000})
    branches = [Side("p", state, changed), Side("q", state, dict(state))]
    assert must_be_opened(state, branches) == []
    assert join(state, branches, {}).values["doc"] is changed["doc"]


def test_what_two_changed_must_be_opened():
    state = unread(BIG)
    first, second = unread({"log": ["a " * 30_000]}), unread({"log": ["b " * 30_000]})
    branches = [Side("p", state, first), Side("q", state, second)]
    assert must_be_opened(state, branches) == ["log"]


@pytest.mark.parametrize("inside", [False, True])
def test_keys_of_one_branch_each_are_compared_once(inside, monkeypatch):
    """With every branch asked for every key, 5,000 branches took seconds."""
    count, compared = 1_000, 0

    def counted(one, other):
        nonlocal compared
        compared += 1
        return same(one, other)

    monkeypatch.setattr(three_way, "same", counted)
    own = [{f"k{n}": n} for n in range(count)]
    fork = {"all": {}} if inside else {}
    branches = [Side(str(n), fork, {"all": one} if inside else one) for n, one in enumerate(own)]
    outcome = join(fork, branches, {})
    merged = outcome.values["all"] if inside else outcome.values
    assert merged == {key: n for one in own for key, n in one.items()}
    assert compared < 8 * count
