"""What leaves and in which form, before anything is made to fit."""

import json

import pytest

from statebag import InvalidState, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Blob, Escaped, Stored
from statebag.format.unopened import Unopened
from statebag.opening.known import Bases, Known
from statebag.sealing import plan
from statebag.sealing.cut_value import Cut
from statebag.sealing.kept import Kept
from statebag.sealing.layout import lay_out
from statebag.sealing.leaving import Single
from statebag.sealing.member_texts import MemberTexts
from statebag.sealing.parts import Branch, Gathered, Plain, changed
from statebag.sealing.pieces import NeedsOpened
from statebag.sealing.plan import Planner
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import noise, payload_bytes

POLICY = Policy(field_limit=1000, piece_bytes=1024, control=("status",))
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
    for stored in (False, True):
        root = planner().part(state, ())
        if stored:
            root = changed(root, {("text",): root.children["text"].storing()})
        layout = lay_out(root, "m/run", Known(), 3)
        assert payload_bytes(layout.bag) <= root.wire <= payload_bytes(layout.bag) + 400


def test_text_that_looks_like_numbers_and_brackets_stays_beside_numbers_that_leave():
    texts = {"a": "9" * 30, "b": "-0.0", "c": "[" * 300, "d": '{"x":1e99}', "e": "1E400"}
    parts = children({**texts, "number": 2**60, "deep": json.loads("[" * 101 + "]" * 101)})
    for name in texts:
        assert isinstance(parts[name], Plain), name
    assert not isinstance(parts["number"], Plain)
    assert not isinstance(parts["deep"], Plain)


@pytest.mark.parametrize("value", [[1, 2], "text", 7, None])
def test_above_a_control_path_only_an_object_stays_beside_the_rest(value):
    policy = Policy(max_bag_bytes=2048, control=("status", "where.phase"))
    state = {"status": 1, "where": value, **{f"key {n}": n for n in range(2500)}}
    part = planner(policy).part(state, ())
    assert isinstance(part, Gathered)
    assert list(part.children) == ["status"]
    with_object = planner(policy).part({**state, "where": {"phase": 1}}, ())
    assert isinstance(with_object, Gathered)
    assert list(with_object.children) == ["status", "where"]


def test_above_a_control_path_what_was_not_opened_stays_beside_the_rest():
    policy = Policy(control=("status", "where.phase"))
    state = {"where": unread("object"), **{f"key {n}": n for n in range(2500)}}
    part = planner(policy).part(state, ())
    assert isinstance(part, Gathered)
    assert list(part.children) == ["where"]


def test_what_was_not_opened_stands_in_plain_form_at_most_so_deep():
    """Some engines' JSON readers stop at a few hundred levels."""

    def holding_unread(levels):
        value = unread()
        for _ in range(levels):
            value = [value]
        return value

    part = planner().part(holding_unread(101), ())
    for _ in range(101):
        assert isinstance(part, Branch)
        (part,) = part.children.values()
    assert isinstance(part, Kept)
    with pytest.raises(NeedsOpened):
        planner().part(holding_unread(102), ())


def test_what_lies_above_a_control_path_stays_where_all_else_must_go_inside():
    policy = Policy(
        max_bag_bytes=2048, field_limit=256, carry_bytes=0, control=("status", "where.phase")
    )
    state = {"where": {"phase": "one"}, "there": {"phase": "two", "text": noise(600, 99)}}
    state |= {f"large {n}": noise(600, n) for n in range(40)}
    forget()
    sb = Statebag(MemoryStore(), policy=policy, replicas=())
    bag = sb.seal(state, scope="m/run")
    assert bag["where"] == {"phase": "one"}
    assert sorted(set(bag) - {KEY}) == ["where"]
    assert encode(sb.open(bag)) == encode(state)


def test_the_text_of_an_object_that_stays_is_not_joined_if_its_members_leave(monkeypatch):
    joined = []
    join = MemberTexts.__bytes__
    monkeypatch.setattr(
        MemberTexts, "__bytes__", lambda self: joined.append(len(self)) or join(self)
    )
    state = {"inner": {"a": noise(3000, 1), "b": noise(3000, 2), "c": 1}, "small": {"x": {"y": 1}}}
    inner, small = (len(encode(one)) for one in state.values())
    assert isinstance(children(state)["inner"], Branch)
    assert joined == [small]
    # Its length is that of a value which is known: then its text decides.
    known = Known()
    known._add_size(inner)
    knowing = Planner(POLICY, "m/run", known, Bases(0))
    assert isinstance(knowing.part(state, ()).children["inner"], Branch)
    assert joined == [small, inner, small]


@pytest.mark.parametrize("others", [{}, {"d": [1]}], ids=["scalars alone", "an array too"])
def test_the_members_of_a_large_object_are_encoded_once(monkeypatch, others):
    encoded = []
    encode_one = plan._text_of
    monkeypatch.setattr(plan, "_text_of", lambda one: encoded.append(one) or encode_one(one))
    inner = {"a": noise(3000, 1), "b": noise(3000, 2), "c": 1, **others}
    children({"inner": inner})
    assert sorted(map(repr, encoded)) == sorted(map(repr, [*inner, *inner.values()]))


def test_an_object_that_was_stored_whole_is_found_by_its_joined_text():
    client = Statebag(MemoryStore(), policy=Policy(field_limit=1000, carry_bytes=0))
    state = {"inner": {f"k{n}": noise(300, n) for n in range(10)}, "n": 1}
    bag = client.seal(state, scope="m/run")
    assert isinstance(children({"inner": state["inner"]})["inner"], Single | Cut)
    forget()
    opened = client.open(bag, scope="m/run")
    opened["n"] = 2
    assert client.seal(opened, scope="m/run")["inner"] == bag["inner"]
