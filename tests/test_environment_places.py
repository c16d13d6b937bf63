"""The table of places whose disk goes away."""

import re
from pathlib import Path

import pytest

from statebag.environment_places import PASSING_PLACES, PassingPlace, passing_place_in

ADOPT = Path(__file__).parent.parent / "docs" / "adopt.md"


@pytest.mark.parametrize("place", PASSING_PLACES, ids=lambda place: place.variables[0])
def test_each_variable_says_where_the_process_runs(place):
    for name in place.variables:
        assert passing_place_in({name: "x"}) == place.words
        assert passing_place_in({name: ""}) is None
    if place.execution:
        assert passing_place_in({"AWS_EXECUTION_ENV": f"{place.execution}X"}) == place.words


@pytest.mark.parametrize("place", [one for one in PASSING_PLACES if one.local is not None])
def test_on_a_developers_machine_they_say_nothing(place):
    name, value = place.local
    variables = dict.fromkeys(place.variables, "1")
    assert passing_place_in({**variables, name: value or "anything"}) is None
    assert passing_place_in({**variables, name: ""}) == place.words
    if value:
        assert passing_place_in({**variables, name: "another"}) == place.words
    # Of another place nothing is said by it.
    assert passing_place_in({"DYNO": "web.1", name: value or "x"}) == "a Heroku dyno"


def test_each_place_has_a_source_and_each_variable_stands_once():
    assert all(re.fullmatch(r"https://[a-z.]+/\S+", one.source) for one in PASSING_PLACES)
    names = [name for one in PASSING_PLACES for name in one.variables]
    assert len(set(names)) == len(names)
    assert all(isinstance(one, PassingPlace) for one in PASSING_PLACES)


def test_the_page_names_every_place():
    row = next(
        line for line in ADOPT.read_text("utf-8").splitlines() if "| `STATEBAG_STORE`" in line
    )
    for place in PASSING_PLACES:
        word = next(one for one in place.words.split() if one[0].isupper())
        assert word in row, place.words
