"""Differences between bags: right against a plain comparison, and read no more than they must."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import Policy, Statebag
from statebag.format.json_text import decode, encode
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import noise
from tests.strategies import VALUES

SCOPE = "machine/run"
SMALL = Policy(carry_bytes=600, field_limit=256, piece_bytes=1024, attempts=1)


def found(before, after, policy=SMALL):
    forget()
    store = MemoryStore()
    client = Statebag(store, policy=policy, replicas=())
    bags = [client.seal(state, scope=SCOPE) for state in (before, after)]
    forget()
    client = Statebag(store, policy=policy, replicas=())
    with usage.measured() as used:
        changes = client.differences(*bags, scope=SCOPE)
    return changes, used


def base():
    return {
        "log": [{"n": n, "text": noise(300, n)} for n in range(400)],
        "big": noise(5000, 1),
        "keyed": {f"key {n}": noise(200, n) for n in range(100)},
        "small": {"a": 1, "b": [1, 2, 3]},
    }


def kinds(changes):
    return [(change.path, change.kind) for change in changes]


def test_the_same_state_has_no_difference_and_nothing_is_read():
    changes, used = found(base(), base())
    assert (changes, used.gets) == ([], 0)


def test_an_appended_entry_costs_the_end_of_the_history():
    after = base()
    after["log"] += [{"n": 400, "text": "new"}, {"n": 401}]
    changes, used = found(base(), after)
    assert kinds(changes) == [("$.log[400]", "added"), ("$.log[401]", "added")]
    assert [change.after for change in changes] == [len(encode(one)) for one in after["log"][-2:]]
    assert used.bytes_got < 20_000


def test_edits_are_named_by_their_paths_with_sizes():
    after = base()
    after["log"][200]["text"] = "changed"
    del after["keyed"]["key 7"]
    after["keyed"]["new"] = 1
    after["small"]["a"] = 1.0
    after["small"]["b"].insert(0, 0)
    after["big"] += "x"
    del after["small"]["b"][1]
    changes, _ = found(base(), after)
    assert sorted(kinds(changes)) == sorted(
        [
            ("$.log[200].text", "changed"),
            ("$.keyed['key 7']", "removed"),
            ("$.keyed.new", "added"),
            ("$.small.a", "changed"),
            ("$.small.b[0]", "changed"),
            ("$.big", "changed"),
        ]
    )
    (big,) = [change for change in changes if change.path == "$.big"]
    assert (big.before, big.after, big.new) == (5002, 5003, after["big"])


def test_what_changes_its_form_and_not_its_value_is_no_difference():
    state = base()
    forget()
    store = MemoryStore()
    bags = [
        Statebag(store, policy=policy, replicas=()).seal(state, scope=SCOPE)
        for policy in (SMALL, Policy(carry_bytes=0, attempts=1), Policy(attempts=1))
    ]
    client = Statebag(store, policy=SMALL, replicas=())
    for one in bags:
        for two in bags:
            assert client.differences(one, two, scope=SCOPE) == []


def applied(state, changes):
    """The old state with all changes made, by the values that they say."""
    state = copy.deepcopy(state)
    from statebag.format.paths import parse_path

    removed = []
    for change in changes:
        *above, last = parse_path(change.path)
        if not above and not isinstance(state, dict | list):
            return change.new
        holder = state
        for part in above:
            holder = holder[part]
        if change.kind == "removed":
            removed.append((holder, last))
        elif isinstance(holder, list) and change.kind == "added":
            holder.insert(last, change.new)
        else:
            holder[last] = change.new
    for holder, last in reversed(removed):
        del holder[last]
    return state


FIELDS = st.dictionaries(st.text(max_size=3), VALUES, max_size=6)


@settings(max_examples=150)
@given(FIELDS, FIELDS)
def test_the_changes_make_the_one_state_of_the_other(before, after):
    changes, _ = found(before, after)
    # Read anew: Hypothesis may put one object in two places, and a change is of one place.
    made = applied(decode(encode(before)), changes)
    assert encode(sorted_keys(made)) == encode(sorted_keys(after))
    assert not changes or encode(before) != encode(after)


def sorted_keys(value):
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sorted_keys(one) for one in value]
    return value
