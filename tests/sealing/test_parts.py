"""What a part says of its size in a bag: never less than it takes, and for plain values no more."""

import pytest
from msgspec.structs import replace

from statebag import Policy
from statebag.format.stub import KEY, Blob
from statebag.opening.known import Bases, Known
from statebag.sealing.layout import Placing
from statebag.sealing.leaving import Single
from statebag.sealing.parts import Branch, Gathered, Plain, changed, mapped, part_at, walk
from statebag.sealing.plan import Planner
from tests.bags import noise, payload_bytes

PACK = f"m/run/{'0' * 32}.pack"


def part_of(state, **policy):
    return Planner(Policy(**policy), "m/run", Known(), Bases(0)).part(state, ())


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"status": 1},
        {"status": 1, "a": [1, {"b": None}]},
        {f"key {n}": n for n in range(50)},
        {"status": {"": 1, "é": 2, "\U0001f9ea": 3, 'q"': 4, "\\": 5, "\n": 6, "\x7f": 7}},
    ],
)
def test_a_branch_of_plain_values_takes_what_it_says(state):
    branch = part_of({**state, "current_state": {"x": 1}}, control=("current_state.phase",))
    assert isinstance(branch, Branch)
    assert branch.wire == payload_bytes({**state, "current_state": {"x": 1}})


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("value", [noise(3000), [noise(300, n) for n in range(9)]])
def test_a_value_that_leaves_takes_no_more_than_it_says(value, stored):
    single = part_of({"value": value}, field_limit=1000).children["value"]
    assert isinstance(single, Single)
    if stored:
        single = single.storing()  # its place in the pack is not known yet
        at_most = single.wire
        blob = Blob(single.encoded.sha256, single.size, PACK, 10**10, 10**9)
        single = replace(single, blob=blob)
        assert single.wire == at_most
    stub = single.placed(Placing("m/run", Known(), 3))
    taken = payload_bytes({KEY: stub.to_wire()})
    assert taken <= single.wire <= taken + 4


def test_what_stands_beside_a_rest_is_counted_with_its_names():
    state = {"status": noise(40), **{f"key {n}": n for n in range(3000)}}
    gathered = part_of(state, field_limit=1000, control=("status",))
    assert isinstance(gathered, Gathered)
    stub = gathered.placed(Placing("m/run", Known(), 3)).placed(PACK)
    body = {**stub.to_wire(), "rest": True, "beside": []}
    taken = payload_bytes({KEY: body, "status": state["status"]})
    assert taken <= gathered.wire <= taken + 40


STATE = {"status": 1, "a": {"b": {"c": 1, "d": [1, 2]}, "e": 2}, "f": noise(3000)}
TREE = {"control": ("a.b.c",), "field_limit": 1000}


def test_a_walk_meets_every_part_once_outermost_first():
    root = part_of(STATE, **TREE)
    paths = [part.path for part in walk(root)]
    assert paths == [
        (), ("status",), ("a",), ("a", "b"), ("a", "b", "c"), ("a", "b", "d"), ("a", "e"), ("f",),
    ]  # fmt: skip
    assert all(part_at(root, part.path) is part for part in walk(root))


def test_a_changed_tree_shares_what_did_not_change_and_leaves_the_old_one_alone():
    root = part_of(STATE, **TREE)
    before = walk(root)
    stored = part_at(root, ("f",)).storing()
    plain = Plain(("a", "b", "d"), 7, 7, 1)
    after = changed(root, {("f",): stored, plain.path: plain})
    assert part_at(after, ("f",)) is stored
    assert part_at(after, plain.path) is plain
    assert part_at(after, ("a", "e")) is part_at(root, ("a", "e"))
    assert list(after.children) == list(root.children)
    assert walk(root) == before
    assert changed(root, {}) is root
    assert changed(root, {("f",): part_at(root, ("f",))}) is root


def test_members_of_a_changed_part_are_changed_in_their_turn():
    state = {"status": 1, **{f"key {n}": n for n in range(3000)}, "large": noise(3000)}
    root = part_of(state, field_limit=1000)
    assert isinstance(root, Gathered)
    large = part_at(root, ("large",)).storing()
    after = changed(root, {(): root.storing(), ("large",): large})
    assert after.carried is None
    assert part_at(after, ("large",)) is large


def test_the_innermost_part_is_replaced_first_and_the_last_before_the_first():
    root = part_of(STATE, **TREE)
    met = []
    assert mapped(root, lambda part: met.append(part.path) or part) is root
    assert met == [part.path for part in reversed(walk(root))]
    status = Plain(("status",), 2, 2, 1)
    after = mapped(root, lambda part: status if part.path == ("status",) else part)
    assert part_at(after, ("status",)) is status
    assert list(after.children) == list(root.children)
