"""What `open --only` keeps of a state."""

import pytest

from statebag.cli.asked_values import asked_values
from statebag.errors import InvalidState
from statebag.format.paths import parse_place

STATE = {"b": [{"n": 1, "m": 2}, {"n": 3}, 4], "고객이름": {"값": 1, "곁": 2}, "a": None, "": 0}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a"], {"a": None}),
        (["a", "b[0].n"], {"b": [{"n": 1}], "a": None}),
        (["$.b[-1]"], {"b": [4]}),
        (["$.b[-2:]"], {"b": [{"n": 3}, 4]}),
        (["$.b[-1]", "$.b[0].m"], {"b": [{"m": 2}, 4]}),
        (["$.b[7:]"], {"b": []}),
        (["$['고객이름'].값"], {"고객이름": {"값": 1}}),
        (["$['']"], {"": 0}),
        (["$.b", "$.b[0].n"], {"b": STATE["b"]}),
        (["$"], STATE),
    ],
)
def test_only_what_was_asked_for_is_left(paths, expected):
    found = asked_values(STATE, [parse_place(path) for path in paths])
    assert found == expected
    assert list(found) == [name for name in STATE if name in expected]


@pytest.mark.parametrize(
    ("path", "place", "hint"),
    [
        ("c", "$.c", "inspect"),
        ("$['고객이릉']", "$.고객이릉", "Did you mean $.고객이름?"),
        ("b[3]", "$.b[3]", "$.b is an array of 3 items."),
        ("b[-4].n", "$.b[-4]", "an array of 3 items"),
        ("b[2].n", "$.b[2].n", "inspect"),
        ("a.x", "$.a.x", "inspect"),
        ("b.n", "$.b.n", "array of 3"),
        ("고객이름[0]", "$.고객이름[0]", "inspect"),
    ],
)
def test_a_place_that_is_not_there_is_an_error_with_a_hint(path, place, hint):
    with pytest.raises(InvalidState) as caught:
        asked_values(STATE, [parse_place(path)])
    assert caught.value.path == place
    assert hint in caught.value.hint
