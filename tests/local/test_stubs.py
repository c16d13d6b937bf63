"""Where stubs stand in a value, also in the text of strings, and what a path meets behind them."""

import json

import pytest

from statebag.format.stub import KEY
from statebag.local.stubs import first_stub, hidden, marks_of, parsed, read_of, unread_place

STUB = {KEY: {"v": 1, "sha256": "0" * 64, "size": 2, "data": "x"}}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [1, STUB]}, "$.a[1]"),
        (STUB, "$"),
        ({"b": {"n": 1, KEY: {**STUB[KEY], "rest": True, "beside": []}}}, "$.b"),
        ({"body": json.dumps({"state": STUB})}, "$.body"),
        ({"Records": [{"body": json.dumps({"Message": json.dumps(STUB)})}]}, "$.Records[0].body"),
        ({"body": "state: " + json.dumps({"n": 1, **STUB})}, "$.body"),
        ({"body": f"what {KEY} means"}, None),
        ({"body": f'{{"{KEY}": 1}}'}, None),
        ({KEY: 5, "a": [None, True, 1.5]}, None),
        ({"a": {KEY: {"n": 1}}}, None),
    ],
)
def test_where_a_stub_stands(value, place):
    assert first_stub(value) == place


OTHER = {KEY: {"v": 1, "sha256": "1" * 64, "size": 2, "data": "x"}}


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        (STUB, True),
        ({"a": [1, STUB]}, True),
        ({KEY: {**STUB[KEY], "rest": True}, "n": 1}, True),
        (json.dumps({"b": STUB}), True),
        (json.dumps(json.dumps(STUB)), True),
        ("state: " + json.dumps(STUB), True),
        (f"damaged {KEY}", True),
        (iter([]), True),
        (object(), True),
        (OTHER, False),
        ([OTHER, {"x": None}], False),
        (json.dumps(OTHER).encode(), False),
        ({"x": 1}, False),
        ("text", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("event", [STUB, {"Records": [{"body": json.dumps(STUB)}]}])
def test_whether_a_value_holds_a_stub_that_was_given(value, is_one, event):
    assert bool(read_of(marks_of(event), value)) is is_one


@pytest.mark.parametrize(
    ("path", "is_hidden"),
    [
        ("$.a", False),
        ("$.a.b", True),
        ("$.list[*].x", True),
        ("$.list[0].x", False),
        ("$.list[1].x", True),
        ("$.list[0:1]", False),
        ("$..x", True),
        ("$.plain.*", False),
        ("$.*.x", True),
        ("$.list[?(@.x == 1)]", True),
        ("$.plain[?(@.x == 1)]", False),
        ("$.none.x", False),
        ("$['a']['b']", True),
        ("$['a','plain']", False),
        ("$['a','plain'].x", True),
        ("$['none','plain'].x", False),
        ("$.list[0,0].x", False),
        ("$.list[0,1].x", True),
    ],
)
def test_whether_a_path_leads_behind_a_stub(path, is_hidden):
    value = {"a": STUB, "list": [{"x": 1}, STUB], "plain": {"x": [1]}}
    assert any(list(hidden(value, steps)) for steps in parsed(path)) is is_hidden


def test_the_first_stub_that_was_not_read():
    def stub(n):
        return {KEY: {"v": 1, "sha256": f"{n:064x}", "size": 9, "at": f"m/r/{n}"}}

    event = {"n": 1, "a": [stub(1)], "b": {"c": stub(2)}}
    marks = marks_of(event)
    assert unread_place(event, frozenset()) == "$.a[0]"
    assert unread_place(event, read_of(marks, event["a"])) == "$.b.c"
    assert unread_place(event, read_of(marks, event["b"]["c"])) == "$.a[0]"
    assert unread_place(event, read_of(marks, event)) is None
    assert unread_place(event, read_of(marks, iter([event["a"]]))) is None
    assert unread_place({"n": 1}, frozenset()) is None
