from __future__ import annotations

import pytest

from statebag.local import run
from tests.local.machines import chain

GIVEN = {
    "a": {"b": [{"n": 1}, {"n": 2}], "s": "text"},
    "empty": [],
    "books": [{"t": "Moby", "p": 9}, {"t": "Sword", "p": 13}],
}


def read(path, given=None):
    return run(
        chain(("P", {"Type": "Pass", "Parameters": {"v.$": path}})),
        input=GIVEN if given is None else given,
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", GIVEN),
        ("$.a.b[1].n", 2),
        ("$.a.b[-1].n", 2),
        ("$['a']['s']", "text"),
        ("$.a.b[*].n", [1, 2]),
        ("$.a.b[0:1]", [{"n": 1}]),
        ("$..n", [1, 2]),
        ("$.empty[*]", []),
        ("$.gone[*].x", []),
        ("$.gone.deeper[1:]", []),
        ("$.books[?(@.p > 10)].t", ["Sword"]),
        ("$.books[?(@.t =~ /M.*/)].p", [9]),
        ("$.books[?(@.t =~ /o/)].p", []),
        ("$.books[?(@.t =~ /mo\\w\\w/i)].p", [9]),
        ("$.books.length()", 2),
        ("$$.State.Name", "P"),
        ("States.Format('{}-{}', $.a.s, $.a.b[0].n)", "text-1"),
        ("States.StringToJson('')", None),
        ("States.StringToJson(' ')", None),
    ],
)
def test_a_path_finds(path, value):
    assert read(path).output == {"v": value}


@pytest.mark.parametrize("path", ["$.gone", "$.a.gone.more", "$.a.b[2]", "$.a.s.x", "$unset"])
def test_a_definite_path_that_finds_nothing_fails_the_state(path):
    execution = read(path)
    assert execution.error == "States.Runtime"
    assert f"The JSONPath '{path}' specified for the field 'v.$' could not" in execution.cause


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$.x", "Invalid path '$.x' : No results for path: $['x']"),
        ("$.a.x", "Invalid path '$.a.x' : No results for path: $['a']['x']"),
        ("$.x.y", "Invalid path '$.x.y' : Missing property in path $['x']"),
    ],
)
def test_a_path_of_a_field_names_what_is_missing(path, reason):
    execution = run(chain(("P", {"Type": "Pass", "InputPath": path})), input=GIVEN)
    assert execution.error == "States.Runtime"
    assert execution.cause.endswith(reason)


def test_a_backslash_is_part_of_a_name_before_the_other_quote():
    assert read("$['a\\\"b']", {'a\\"b': 1}).output == {"v": 1}
    assert read("$['it\\'s']", {"it's": 1}).output == {"v": 1}


def test_arguments_that_do_not_fit_can_be_caught():
    state = {
        "Type": "Map",
        "ItemProcessor": chain(
            ("P", {"Type": "Pass", "Parameters": {"v.$": "States.MathAdd($.s, 1)"}})
        ),
        "Catch": [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "C"}],
    }
    definition = chain(("M", state), ("C", {"Type": "Pass"}))
    execution = run(definition, input=[{"s": "x"}])
    assert execution.output["Error"] == "States.IntrinsicFailure"
    assert "The function 'States.MathAdd($.s, 1)'" in execution.output["Cause"]
