"""What is refused before anything is written."""

import copy
import enum
import tracemalloc
from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from statebag import InvalidState, Statebag
from statebag.format import json_check
from statebag.format.json_check import check_json
from tests.format.test_json_text import nested


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("state", "path", "hint"),
    [
        (float("nan"), "$", "null"),
        ({"a": [1, {"b": float("inf")}]}, "$.a[1].b", "null"),
        ({"a": [1, {"b": -float("inf")}]}, "$.a[1].b", "string"),
        ({"a": {"odd name": (1, 2)}}, "$.a['odd name']", "list(value)"),
        ({"when": datetime(2026, 1, 1, tzinfo=UTC)}, "$.when", "isoformat"),
        ({"when": date(2026, 1, 1)}, "$.when", "isoformat"),
        ([Decimal("1.10")], "$[0]", "str(value)"),
        ({"": b"bytes"}, "$['']", "base64"),
        ({"a.b": {1}}, "$['a.b']", "sorted"),
        ({"id": UUID(int=1)}, "$.id", "str(value)"),
        ({"x": 1j}, "$.x", "Turn it into"),
        ({"x": Colour.RED}, "$.x", "Turn it into"),
        ({"x": object()}, "$.x", "Turn it into"),
        ({"x": {1: "a"}}, "$.x", "str(key)"),
        ({"x": {None: "a"}}, "$.x", "str(key)"),
        ({"x": {True: "a"}}, "$.x", "str(key)"),
        ({"x": {("a", 1): "a"}}, "$.x", "str(key)"),
        ({"x": ["ok", "\ud800"]}, "$.x[1]", "errors='replace'"),
        ({"x": {"\udfff": 1}}, "$.x", None),
        ({"n": 10**4300}, "$.n", "string"),
        ({"n": [-(10**4299)]}, "$.n[0]", "string"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place_and_a_way_out(state, path, hint):
    with pytest.raises(InvalidState) as caught:
        check_json(state)
    assert caught.value.path == path
    if hint is None:
        assert "surrogate" in caught.value.message
    else:
        assert hint in caught.value.hint


def test_the_first_fault_in_reading_order_is_named():
    with pytest.raises(InvalidState) as caught:
        check_json({"a": {"deep": [[float("nan")]]}, "b": {1}})
    assert caught.value.path == "$.a.deep[0][0]"


def test_no_value_is_in_the_message():
    with pytest.raises(InvalidState) as caught:
        check_json({"a": ["secret", "secret\ud800"]})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", [list, dict])
def test_levels_at_the_limit_and_one_beyond(kind):
    check_json(nested(500, kind))
    with pytest.raises(InvalidState) as caught:
        check_json(nested(501, kind))
    assert "500" in caught.value.message
    assert len(caught.value.path) < 400


def test_what_holds_itself_is_refused():
    loop = []
    loop.append(loop)
    pair = {"a": 1}
    pair["b"] = [pair]
    for value in (loop, {"x": [loop]}, pair):
        with pytest.raises(InvalidState):
            check_json(value)


def test_what_is_shared_is_taken_in_no_more_time():
    value = ["x"]
    for _ in range(400):  # 2**400 values, if each were looked at where it stands
        value = [value, value]
    with pytest.raises(InvalidState, match="in so many places"):
        check_json(value)


@pytest.mark.parametrize("place", [0, 1, 3, 40])
def test_a_word_in_the_name_of_a_field_is_found_at_any_depth(place):
    value = {"a": 1, "an odd name": "b", "list": [{"name": "odd"}]}
    for _ in range(place):
        value = {"in": [value]}
    assert not check_json(value, words=("xyz", "odd")).usual_names
    assert check_json(value, words=("xyz", "oddly")).usual_names
    assert check_json(value).usual_names


@pytest.mark.parametrize("wrap", [lambda one: [one, one], lambda one: {"a": one, "b": one}])
def test_a_part_in_endlessly_many_places_is_refused_at_once(wrap):
    value = "x"
    for _ in range(60):
        value = wrap(value)
    with pytest.raises(InvalidState, match=r"stands for 10\*\*18 values"):
        check_json(value)
    with pytest.raises(InvalidState, match="so many places"):
        Statebag("memory://endless").seal({"a": value}, scope="m/e")


def test_a_part_in_some_places_is_as_any():
    part = [list(range(10)) for _ in range(2000)]
    value = [part] * 20
    for _ in range(8):
        value = [value]
    assert check_json(value).depth == 11


def tower(width, levels, inner=20, kind=list):
    """Containers that each hold the next one `width` times; only `levels` of them are distinct."""
    value = [0] * inner
    for _ in range(levels):
        value = [value] * width if kind is list else dict.fromkeys(map(str, range(width)), value)
    return value


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize(
    ("width", "levels", "inner"), [(30, 5, 20), (30, 12, 20), (40, 6, 20), (30_000, 1, 30_000)]
)
def test_a_part_in_many_places_of_few_levels_takes_little_memory(kind, width, levels, inner):
    value = tower(width, levels, inner, kind)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidState, match="in so many places"):
            check_json({"a": value})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000_000  # the values stand in 486,000,000 places or more


@pytest.mark.parametrize("kind", [list, dict])
def test_a_wide_level_is_looked_at_as_any(kind, monkeypatch):
    monkeypatch.setattr(json_check, "_WIDEST", 100)
    value = tower(3, 4, 20, kind)
    facts = check_json({"a": value})
    assert (facts.depth, facts.exact_numbers) == (6, True)
    part = {"odd name": [2**60]}
    facts = check_json({"a": [tower(3, 4, 20, kind), *([part] * 500)]}, words=("odd",))
    assert (facts.depth, facts.exact_numbers, facts.usual_names) == (7, False, False)
    part["odd name"].append(float("nan"))
    with pytest.raises(InvalidState) as caught:
        check_json({"a": [tower(3, 4, 20, kind), *([part] * 500)]})
    assert caught.value.path == "$.a[1]['odd name'][1]"


@pytest.mark.parametrize("kind", [list, dict])
def test_what_holds_itself_many_times_is_looked_at_once_in_each_level(kind, monkeypatch):
    looked_at = []
    values = json_check._Walk._values

    def counted(walk, some, dicts, lists):
        looked_at.append(len(some))
        values(walk, some, dicts, lists)

    monkeypatch.setattr(json_check._Walk, "_values", counted)
    loop = kind()
    if isinstance(loop, list):
        loop.extend([loop] * 300)
    else:
        loop.update({str(n): loop for n in range(300)})
    with pytest.raises(InvalidState, match="hold themselves"):
        check_json(loop)
    assert sum(looked_at) < 6_000_000  # levels of 90,000 would be 22,000,000


def test_a_large_state_of_distinct_parts_is_no_state_of_shared_ones(monkeypatch):
    monkeypatch.setattr(json_check, "_WIDEST", 100)
    monkeypatch.setattr(json_check, "_MOST_VALUES", 100)
    assert check_json({"a": [[n] for n in range(500)]}).depth == 3
    with pytest.raises(InvalidState, match="in so many places"):
        check_json({"a": [[1]] * 500})


@pytest.mark.parametrize("kind", [list, dict])
def test_a_fault_after_a_part_in_many_places_is_found(kind):
    with pytest.raises(InvalidState) as caught:
        check_json({"a": tower(30, 40, 20, kind), "b": [1, float("nan")]})
    assert caught.value.path == "$.b[1]"


LONG = "x" * 1_000_000
BOMBS = {
    "a string in a list": lambda: [LONG] * 20_000,
    "a string in records": lambda: [{"text": LONG} for _ in range(20_000)],
    "a string at several levels": lambda: [LONG] * 10_000 + [[LONG] * 10_000],
    "a key of records": lambda: [{LONG: n} for n in range(20_000)],
    "a key and a value": lambda: {"a": {LONG: [LONG] * 10_000}, "b": [{LONG: 1}] * 10_000},
    "a string with marks of other scripts": lambda: ["é" * 1_000_000] * 20_000,
    "a record in many places": lambda: [{"a": [LONG] * 10}] * 2_000,
    "a record in many places of few levels": lambda: tower_of([LONG] * 30, 30, 3),
    "a long integer": lambda: [10**4_000] * 1_900_000,
    "a long integer below zero": lambda: {"a": [-(10**4_000)] * 1_900_000},
}


def tower_of(value, width, levels):
    for _ in range(levels):
        value = [value] * width
    return value


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("strings", [True, False])
def test_a_text_that_would_not_fit_in_memory_is_refused_before_it_is_made(
    bomb, strings, monkeypatch
):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    value = BOMBS[bomb]()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidState, match="would take more than") as caught:
            check_json(value, strings=strings)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 150_000_000  # the text has gigabytes
    assert "x" * 100 not in str(caught.value)
    assert "Store a part" in caught.value.hint


@pytest.mark.parametrize("bomb", BOMBS)
def test_such_a_state_is_refused_by_every_call_that_takes_one(bomb, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    client, value = Statebag("memory://bombs"), BOMBS[bomb]()
    bag = client.seal({"log": [1], "a": 1}, scope="m/e")
    for call in (
        lambda: client.seal({"a": value}, scope="m/e"),
        lambda: client.seal({"a": value}, scope="m/e", parent=bag),
        lambda: client.append(bag, "log", [value]),
        lambda: client.heads("m/heads").head("main").seal({"a": value}),
        lambda: client.with_values(None).seal({"a": value}, scope="m/e"),
    ):
        with pytest.raises(InvalidState, match="would take more than"):
            call()


def test_a_text_that_fits_is_written_however_often_its_parts_stand_in_it(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    assert check_json([LONG] * 200).depth == 1
    assert check_json([{LONG: n} for n in range(150)]).depth == 2
    with pytest.raises(InvalidState, match="lone surrogate"):
        check_json([LONG] * 200 + ["\ud800"])
    with pytest.raises(InvalidState, match="lone surrogate"):
        check_json([{LONG: n} for n in range(150)] + [{"\ud800": 1}])


def test_on_a_system_that_says_nothing_of_its_memory_there_is_a_limit_too(monkeypatch):
    monkeypatch.setattr(json_check, "memory_bytes", lambda: None)
    assert check_json([LONG] * 100).depth == 1
    with pytest.raises(InvalidState, match="would take more than"):
        check_json([LONG] * 20_000)


@pytest.mark.parametrize(
    ("floats", "exact", "no_exponents"),
    [
        ([0.5, 1e15], True, True),
        ([0.5, -7.25, 0.0], True, True),
        ([0.5, -0.0], False, False),
        ([0.5, 1e-4], True, False),
        ([0.5, -1e-4], True, False),
        ([0.5, 1e17], False, False),
        ([0.5, -1e17], False, False),
        ([1e308, 1e308, 1e308], False, False),  # their sum is no finite number
        ([-1e308, -1e308, 0.5], False, False),
        ([0.0, 0.0], True, True),
        ([0.0, -0.25, -0.0, 5.0], False, False),
        ([0.0, -0.25, 5e-324], True, False),
    ],
)
def test_facts_about_floats(floats, exact, no_exponents):
    facts = check_json({"a": floats, "b": True, "c": 3})
    assert (facts.exact_numbers, facts.no_exponents) == (exact, no_exponents)


@pytest.mark.parametrize("wrong", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("others", [[], [float("inf"), 1.5], [1e308, 1e308], [-1e308, -1e308]])
def test_a_wrong_float_is_found_among_others(wrong, others):
    finite = [one for one in others if one != float("inf")]
    with pytest.raises(InvalidState) as caught:
        check_json([*finite, float(wrong), *others])
    assert caught.value.path == f"$[{len(finite)}]"


def test_a_key_that_is_no_string_is_found_among_many_objects_alike():
    rows = [{"a": 1, "b": 2} for _ in range(50)]
    assert check_json(rows, words=("b",)).usual_names is False
    with pytest.raises(InvalidState) as caught:
        check_json([*rows, {"a": 1, 2: 2}])
    assert caught.value.path == "$[50]"
    with pytest.raises(InvalidState) as caught:
        check_json([*rows, {"a": 1, "b\ud800": 2}])
    assert caught.value.path == "$[50]"


def test_subclasses_of_objects_and_arrays_pass_and_those_of_scalars_do_not():
    class Items(list):
        pass

    class Number(int):
        pass

    class Text(str):
        __slots__ = ()

    state = OrderedDict(a=Items([1, OrderedDict(b=2)]))
    assert check_json(state).depth == 3
    for one in (Number(3), Text("x")):
        with pytest.raises(InvalidState) as caught:
            check_json({"a": Items([1, one])})
        assert caught.value.path == "$.a[1]"


ROWS = [{"name": f"row {n}", "at": n, "part": 0.5, "tags": ["a", {"deep": n}]} for n in range(9)]
PLACES = {
    "a float": (lambda rows, n: rows[n].update(part=1e300), (4, False, False, True)),
    "a tiny float": (lambda rows, n: rows[n].update(part=1e-5), (4, True, False, True)),
    "an integer": (lambda rows, n: rows[n].update(at=2**60), (4, False, True, True)),
    "an odd name": (lambda rows, n: rows[n].update({"an odd name": 1}), (4, True, True, False)),
    "an odd name below": (
        lambda rows, n: rows[n]["tags"].append({"odd": 1}),
        (4, True, True, False),
    ),
    "levels": (lambda rows, n: rows[n]["tags"].append([[1]]), (5, True, True, True)),
    "nothing": (lambda rows, n: rows[n], (4, True, True, True)),
}
FAULTS = {
    "NaN": (lambda row: row.update(part=float("nan")), ".part"),
    "a date": (lambda row: row.update(at=date(2024, 1, 1)), ".at"),
    "a surrogate": (lambda row: row.update(name="\ud800"), ".name"),
    "a key": (lambda row: row["tags"].append({5: 1}), ".tags[2]"),
    "a long integer": (lambda row: row["tags"].append(-(10**4300)), ".tags[2]"),
}


@pytest.fixture(params=[(1, 1), (1, 3), (2, 5), (4, 2), (100, 100)])
def blocks(request, monkeypatch):
    monkeypatch.setattr(json_check, "_OBJECTS_AT_ONCE", request.param[0])
    monkeypatch.setattr(json_check, "_VALUES_AT_ONCE", request.param[1])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("row", [0, 4, 8])
@pytest.mark.usefixtures("blocks")
def test_facts_are_those_of_all_blocks(place, row):
    rows = copy.deepcopy(ROWS)
    change, facts = PLACES[place]
    change(rows, row)
    found = check_json(rows, words=("odd",))
    assert (
        found.depth,
        found.exact_numbers,
        found.no_exponents,
        found.usual_names,
    ) == facts


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("row", [0, 4, 8])
@pytest.mark.usefixtures("blocks")
def test_a_fault_is_found_in_any_block(fault, row):
    rows = copy.deepcopy(ROWS)
    change, place = FAULTS[fault]
    change(rows[row])
    with pytest.raises(InvalidState) as caught:
        check_json(rows)
    assert caught.value.path == f"$[{row}]{place}"


@pytest.mark.usefixtures("blocks")
def test_parts_in_many_places_are_found_in_blocks_too(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    part = {LONG: LONG}
    with pytest.raises(InvalidState, match="would take more than"):
        check_json([dict(part) for _ in range(300)])
    value = "x"
    for _ in range(60):
        value = [value, {"a": value}]
    with pytest.raises(InvalidState, match="so many places"):
        check_json(value)
