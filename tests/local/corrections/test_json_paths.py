from __future__ import annotations

import pytest
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from statebag.local.corrections.json_paths import extracted, with_result
from statebag.local.expressions import Expressions
from tests.local.machines import chain, run, task

DATA = {
    "a": {"b": [{"v": 1}, {"v": 2}], "n": None, "with space": 3, "dash-ed": 4},
    "one": [{"v": 7}],
    "empty": [],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DATA),
        ("$.a.n", None),
        ("$.a['with space']", 3),
        ('$.a["with space"]', 3),
        ("$.a.dash-ed", 4),
        ("$['a']['b'][0]['v']", 1),
        ("$.a.b[1]", {"v": 2}),
        ("$.a.b[-1].v", 2),
        ("$.one[0].v", 7),
        ("$.a.b[*].v", [1, 2]),
        ("$.one[*].v", [7]),
        ("$.one.*", [{"v": 7}]),
        ("$.a.b[0:1]", [{"v": 1}]),
        ("$.a.b[?(@.v > 1)].v", [2]),
        ("$.a.b[?(@.v > 5)].v", []),
        ("$.empty[*]", []),
        ("$..n", [None]),
        ("$..nowhere", []),
        ("$.one[*].nowhere", []),
    ],
)
def test_definite_paths_give_values_and_others_lists(path, value):
    assert extracted(path, DATA, Expressions()) == value


@pytest.mark.parametrize(
    "path", ["$.gone", "$.a.gone.deep", "$.one[1]", "$.one.v", "$.a[0]", "$.gone[*]", "$.n.x"]
)
def test_a_definite_beginning_must_be_there(path):
    with pytest.raises(NoSuchJsonPathError):
        extracted(path, DATA, Expressions())


@pytest.mark.parametrize(
    ("path", "output"),
    [
        ("$", "R"),
        ("$.new", {"a": {"b": [1]}, "new": "R"}),
        ("$.a.c.d", {"a": {"b": [1], "c": {"d": "R"}}}),
        ("$.a.b[0]", {"a": {"b": ["R"]}}),
        ("$['a']", {"a": "R"}),
    ],
)
def test_a_result_path_creates_what_it_needs(path, output):
    assert with_result({"a": {"b": [1]}}, path, "R") == output


@pytest.mark.parametrize("path", ["$.a.b.c", "$.a.b[1]", "$[0]", "$.a.b[*]"])
def test_a_result_path_replaces_nothing_in_its_way(path):
    with pytest.raises(LookupError):
        with_result({"a": {"b": [1]}}, path, "R")


def test_a_result_selector_picks_a_value_out_of_an_array():
    state = task(ResultSelector={"v.$": "$[0].v", "all.$": "$[*].v"})
    execution = run(chain(("S", state)), {}, {"work": lambda _event, _context: [{"v": 1}]})
    assert execution.output == {"v": 1, "all": [1]}


def test_a_missing_path_in_parameters_fails_as_on_aws():
    execution = run(chain(("S", task(Parameters={"v.$": "$.gone"}))), {"a": 1}, {"work": print})
    assert execution.error == "States.Runtime"
    assert "The JSONPath '$.gone'" in execution.cause


def test_a_result_path_that_does_not_fit_has_an_error_that_can_be_caught():
    state = task(
        ResultPath="$.a.b",
        Catch=[{"ErrorEquals": ["States.ResultPathMatchFailure"], "ResultPath": None, "Next": "R"}],
    )
    definition = chain(("S", state), ("R", {"Type": "Pass"}))
    execution = run(definition, {"a": 1}, {"work": lambda _event, _context: 2})
    assert execution.output == {"a": 1}
    assert execution.transitions[0].error == "States.ResultPathMatchFailure"


def test_variables_are_read_by_json_path():
    definition = chain(
        ("A", {"Type": "Pass", "Assign": {"kept.$": "$.items"}}),
        ("B", {"Type": "Pass", "Parameters": {"v.$": "$kept[1].v", "all.$": "$kept"}}),
    )
    execution = run(definition, {"items": [{"v": 1}, {"v": 'q"2'}]})
    assert execution.output == {"v": 'q"2', "all": [{"v": 1}, {"v": 'q"2'}]}


def test_intrinsics_are_computed():
    parameters = {
        "a.$": "States.Array($.n, 'x')",
        "f.$": "States.Format('{}-{}', $.n, $.s)",
        "j.$": "States.JsonToString($.o)",
        "p.$": "States.ArrayPartition($.list, 2)",
        "h.$": "States.Hash($.s, 'SHA-256')",
        "m.$": "States.JsonMerge($.o, $.p, false)",
        "l.$": "States.ArrayLength($.list)",
        "g.$": "States.ArrayGetItem($.list, 2)",
        "b.$": "States.Base64Decode(States.Base64Encode($.s))",
    }
    execution = run(
        chain(("S", {"Type": "Pass", "Parameters": parameters})),
        {"n": 3, "s": "text", "o": {"k": 1}, "p": {"q": 2}, "list": [1, 2, 3]},
    )
    output = execution.output
    assert output.pop("h") == "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"
    assert output == {
        "a": [3, "x"], "f": "3-text", "j": '{"k":1}', "p": [[1, 2], [3]],
        "m": {"k": 1, "q": 2}, "l": 3, "g": 3, "b": "text",
    }  # fmt: skip


def test_items_must_be_an_array():
    state = {"Type": "Map", "ItemsPath": "$.x", "ItemProcessor": chain(("P", {"Type": "Pass"}))}
    execution = run(chain(("M", state)), {"x": {"a": 1}})
    assert execution.error == "States.Runtime"
    assert "must point to array" in execution.cause
