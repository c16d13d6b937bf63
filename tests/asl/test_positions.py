"""Where fields stand in the text of a definition."""

import json

import pytest

from statebag.asl.model import Definition, Position
from statebag.asl.positions import positions_in
from tests.asl.test_model import DEFINITION


@pytest.mark.parametrize("text", [json.dumps(DEFINITION, indent=2), json.dumps(DEFINITION)])
def test_positions_of_fields_in_the_text(text):
    model = Definition(DEFINITION, positions_in(text))
    lines = text.splitlines()
    for path, name in [
        ("$.States.Each.Next", "Next"),
        ("$.States['odd name'].Branches[1].StartAt", "StartAt"),
        ("$.States.Pick.Choices[0].Next", "Next"),
    ]:
        position = model.position(path)
        assert lines[position.line - 1][position.column - 1 :].startswith(f'"{name}"')
    assert model.position("$.States.Each.Nowhere.at.all") == model.position("$.States.Each")
    assert model.position("$.Gone") == Position(1, 1)


def test_yaml_and_tabs():
    found = positions_in("StartAt: A\nStates:\n  A:\n    Choices:\n      - Next: B\n", "$.x")
    assert found["$.x.States.A.Choices[0].Next"] == Position(5, 9)
    assert positions_in('{\n\t"a": 1}')["$.a"] == Position(2, 2)


def test_a_tab_is_one_column_wherever_it_is():
    text = '{\t"a":\t[\t1,\t"\\t",\t22\t,\t3]\t,\r\n\t\t"b" :\t\t2,"c":3}'
    lines = text.splitlines()
    found = positions_in(text)
    begins = {"$.a": '"a"', "$.a[1]": '"\\t"', "$.a[2]": "22", "$.a[3]": "3]", "$.b": '"b"'}
    for path, beginning in {**begins, "$.a[0]": "1", "$.c": '"c"'}.items():
        place = found[path]
        assert lines[place.line - 1][place.column - 1 :].startswith(beginning), path


@pytest.mark.parametrize("text", ["{]", "a: [", "[" * 3_000, "\0", "", "1"])
def test_a_text_that_cannot_be_followed_has_no_fields(text):
    assert {*positions_in(text)} <= {"$"}
