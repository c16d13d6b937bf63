"""What leaves and in which form, before anything is made to fit."""

import pytest

from statebag import InvalidState, Policy
from statebag.format.codec import sha256_hex
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Blob, Escaped, Stored
from statebag.format.unopened import Unopened
from statebag.opening.verified import Texts, verified_stored
from statebag.sealing.bases import Bases
from statebag.sealing.known import Known
from statebag.sealing.parts import Branch, Cut, Gathered, Kept, Plain, Single
from statebag.sealing.pieces import NeedsOpened
from statebag.sealing.plan import Planner
from tests.bags import noise, payload_bytes

POLICY = Policy(field_limit=1000, piece_bytes=1024)
BLOB = Blob("0" * 64, 5000, f"m/{'0' * 32}.pack", 8, 900)


def planner(policy=POLICY, known=None):
    return Planner(policy, "m/run", known or Known(), Bases(0))


def unread(kind="array", count=3):
    stub = Stored(BLOB, kind, count)
    return Unopened({KEY: stub.to_wire()}, stub)


def children(state, policy=POLICY):
    root = planner(policy).part(state, ())
    assert isinstance(root, Branch)
    return root.children


def test_small_values_stay_and_large_ones_leave():
    parts = children(
        {
            "small": [1],
            "text": noise(3000),
            "list": [noise(200, n) for n in range(50)],
            "members": {f"k{n}": noise(90, n) for n in range(100)},
            "status": noise(3000),
        }
    )
    assert isinstance(parts["small"], Plain)
    assert isinstance(parts["text"], Single)
    assert isinstance(parts["list"], Single | Cut)
    assert isinstance(parts["members"], Single | Cut)
    assert isinstance(parts["status"], Plain)
    assert parts["status"].control


def test_large_objects_are_looked_into_to_a_depth():
    state = {"a": {"b": {"c": {"d": {"text": noise(3000), "n": 1}}}}}
    part, depth = planner().part(state, ()), 0
    while isinstance(part, Branch):
        (part,) = list(part.children.values())[:1]
        depth += 1
    assert isinstance(part, Single | Cut)
    assert depth == POLICY.look_into_depth
    shallow = children(state, Policy(field_limit=1000, look_into_depth=1))
    assert isinstance(shallow["a"], Single | Cut)


def test_an_object_with_control_fields_keeps_them_beside_the_rest():
    policy = Policy(field_limit=1000, control=("$.current_state.phase",))
    state = {"current_state": {"phase": "one", **{f"key {n}": n for n in range(3000)}}}
    part = children(state, policy)["current_state"]
    assert isinstance(part, Gathered)
    assert list(part.children) == ["phase"]
    assert part.required == ()


@pytest.mark.parametrize("number", [2**53 + 1, -0.0, 1e17])
def test_what_an_engine_may_change_leaves(number):
    parts = children({"a": {"b": number, "c": 1}, "d": [number], "e": 1.5, "status": number})
    inner = parts["a"]
    assert isinstance(inner, Branch)
    assert isinstance(inner.children["b"], Single)
    assert isinstance(inner.children["c"], Plain)
    assert isinstance(parts["d"], Single)
    assert isinstance(parts["e"], Plain)
    assert isinstance(parts["status"], Plain)


def test_what_is_known_is_kept():
    value = noise(3000)
    known = Known()
    text = encode(value)
    stub = Stored(Blob(sha256_hex(text), len(text), BLOB.at, BLOB.offset, BLOB.length))
    known.add_value(verified_stored(stub, Texts({stub.blob: text})))
    part = planner(known=known).part({"a": value}, ())
    assert isinstance(part.children["a"], Kept)
    assert part.children["a"].stub == stub


def test_lookalikes_are_escaped_or_leave_whole():
    parts = children({"a": {KEY: 1}, "b": [{KEY: 2}], "c": {KEY: noise(3000)}, "status": {KEY: 3}})
    assert parts["a"].value == {KEY: Escaped({KEY: 1}).to_wire()}
    assert parts["b"].value == [{KEY: Escaped({KEY: 2}).to_wire()}]
    assert isinstance(parts["c"], Single)
    assert parts["status"].value == {KEY: Escaped({KEY: 3}).to_wire()}


def test_unread_values_pass_and_block_what_holds_them_from_leaving():
    state = {"a": unread(), "b": [unread(), 1], "c": {"d": unread()}}
    parts = children(state)
    assert isinstance(parts["a"], Kept)
    assert isinstance(parts["b"], Branch)
    assert isinstance(parts["c"], Branch)
    with pytest.raises(NeedsOpened) as caught:
        planner().leave_whole(state["b"], ("b",))
    assert caught.value.path == ("b",)
    with pytest.raises(NeedsOpened):
        planner().part({"x": {KEY: unread()}}, ())
    with pytest.raises(InvalidState) as refused:
        planner().part({"status": {KEY: unread()}}, ())
    assert refused.value.path == "$.status"


def test_a_part_takes_no_less_than_it_reckons():
    state = {
        "n": list(range(50)),
        "text": "naïve \n" * 300,
        "log": [noise(200, n) for n in range(60)],
        "c": {'odd "key"': {"é": noise(2000)}, "x": 1},
    }
    from statebag.sealing.layout import lay_out

    for stored in (False, True):
        root = planner().part(state, ())
        if stored:
            root.children["text"].stored = True
        layout = lay_out(root, "m/run", Known(), 3)
        assert payload_bytes(layout.bag) <= root.wire <= payload_bytes(layout.bag) + 400
