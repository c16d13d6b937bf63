import json

import pytest

from statebag import InvalidState
from statebag.format.json_check import check_json
from statebag.integrations.exact_text import bytes_of, value_of

VALUE = {"a": [1, 2.5, "é", None], "b": {}}


@pytest.mark.parametrize(
    ("style", "named"),
    list(
        enumerate(
            [
                {"ensure_ascii": False},
                {},
                {"ensure_ascii": False, "separators": (",", ":")},
                {"separators": (",", ":")},
                {"ensure_ascii": False, "indent": 2},
                {"indent": 2},
            ]
        )
    ),
)
def test_json_is_a_value_whatever_its_style(style, named):
    data = json.dumps(VALUE, **named).encode()
    assert value_of(data) == {"style": style, "json": VALUE}
    assert bytes_of(value_of(data)) == data


@pytest.mark.parametrize(
    "data",
    [b"", b"5", b'"text"', b"\xff\x00", b'{"a":  1}', b'{"a": NaN}', b'{"a": "\\ud800"}', b"[1e3]"],
)
def test_other_bytes_come_back_too(data):
    value = value_of(data)
    check_json(value)
    assert list(value) == ["bytes"]
    assert bytes_of(value) == data


@pytest.mark.parametrize(
    "value", [{}, [], 5, None, {"json": 1}, {"json": 1, "style": 99}, {"bytes": "?"}]
)
def test_something_else_is_an_error(value):
    with pytest.raises(InvalidState, match="does not hold bytes"):
        bytes_of(value)
