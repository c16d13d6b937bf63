"""A stub stands for a text, a number or an array too: what computes with one ends a strict run.

Each case is run with the plain state as well: a strict run that succeeds has the same answer.
"""

import json

import pytest

from statebag import Policy
from statebag.local import run as run_workflow
from statebag.local.reads import PATH_NOT_NAMED
from tests.local.machines import chain, task
from tests.local.sealed_state import END, SCOPE, client

STATE = {
    "other": "a",
    "key": "route",
    "route": "a",
    "deep": {"x": {"y": 1}, "ctl": {"c": 1, "d": "q"}},
    "rows": list(range(50)),
    "map": {"k": "v", "l": [1, 2]},
    "text": "text",
    "no": False,
    "nothing": None,
    "half": {"b": {"q": 1}, "w": 2},
}
POLICY = Policy(
    control=("$.other", "$.key", "$.deep.ctl", "$.nothing.code", "$.half.b.c"),
    movable=("$.rows", "$.map", "$.text", "$.no"),
)
# The bag, where no parser of expressions sees that it is the input.
BAG = "$reduce([$states.input, $states.input], function($a, $b) {$b})"


def answers(state, *, plain):
    """The run of a state on the sealed or the plain state, and its opened output."""
    sb = client(POLICY)

    def make(_event, _context):
        return STATE if plain else sb.seal(STATE, scope=SCOPE)

    machine = chain(("Make", task("make")), ("C", dict(state)), ("End", END))
    machine["States"]["Yes"] = {"Type": "Pass", "Result": "yes", "End": True}
    ran = run_workflow(machine, functions={"make": make}, input={}, wait_scale=0, timeout=60)
    output = ran.output if plain or ran.output is None else sb.open(ran.output)
    return ran, json.dumps(output, sort_keys=True)


def is_refused(state):
    plain, _ = answers(state, plain=True)
    assert plain.status == "SUCCEEDED", plain.cause
    ran, _ = answers(state, plain=False)
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED), (ran.output, ran.cause)


def is_as_plain(state):
    plain, wanted = answers(state, plain=True)
    ran, output = answers(state, plain=False)
    assert (plain.status, ran.status, ran.cause) == ("SUCCEEDED", "SUCCEEDED", None)
    assert output == wanted


def jsonata(code):
    return {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"r": f"{{% {code} %}}"}}


def gives(call):
    return {"Type": "Pass", "Parameters": {"r.$": call}}


def asks(**rule):
    return {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "End"}


@pytest.mark.parametrize(
    "code",
    [
        "text = 'text'",
        "'text' != text",
        "text in ['text']",
        "'text' in [text]",
        "no ? 1 : 2",
        "no and true",
        "true and no",
        "no or false",
        "$not(no)",
        "$boolean(no)",
        "$type(no)",
        "$string(text)",
        "$length(text)",
        "$number(text = 'text')",
        "text & 'z'",
        "text > 'a'",
        "$distinct([text, 'text'])",
        "$hash(text, 'MD5')",
        "$count(rows)",
        "$sum(rows)",
        "$reverse(rows)",
        "$partition(rows, 2)",
        "$map(rows, function($v) {1})",
        "$append(rows, 1)",
        "[rows, 1]",
        "[rows]",
        "rows[]",
        "rows.(1)",
        "(rows.$)",
        "rows#$i.$i",
        "rows@$r.$r",
        "$lookup($, 'rows')[0]",
        "{text: 1}",
        "$merge([map, {'q': 1}])",
        "(map ~> |$|{'q': 1}|)",
        "$keys(deep)",
        "deep.*",
        "$string(deep)",
        "(deep = {'x': {'y': 1}, 'ctl': {'c': 1, 'd': 'q'}})",
        "($ ~> |$|{}, ['ro' & 'ute']|)",
        "($ ~> |$|{}, ['te' & 'xt']|)",
        "($ ~> |$|{}, ['oth' & 'er']|)",
        "($ ~> |deep|{}, ['c' & 'tl']|)",
    ],
)  # fmt: skip
def test_an_expression_that_computes_with_a_stub(code):
    is_refused(jsonata(f"{BAG}.({code})"))


@pytest.mark.parametrize(
    "code",
    [
        f"{BAG}[text = 'text'].other",
        f"{BAG}[$not(no)].other",
        "[$states.input, $states.input].rows",
        "$map([$states.input, $states.input], function($o) {$o.rows})[0][0]",
        "$filter([$states.input], function($o) {$not($o.no)})",
        "$append($states.input.rows, [1])",
        "$states.input.rows[]",
        "{'a': $states.input.rows[]}",
        "[$states.input.rows, 1]",
        "$states.input.{'m': text = 'text'}",
        "$states.input.{'m': $boolean(no)}",
        "$states.input{ text: other }",
        "$states.input.deep.*",
        "$keys($states.input.deep)",
        "$each($states.input.deep, function($v, $k) {$k})",
        "$merge([$states.input.map, $states.input.deep.ctl])",
        "$states.input ~> |$|{}, ['other']|",
        "$states.input ~> |$|{}, [key]|",
    ],
)
def test_an_expression_whose_answer_depends_on_what_left(code):
    is_refused(jsonata(code))


@pytest.mark.parametrize(
    "code",
    [
        "$exists(text)",
        "{'a': text, 'b': rows}",
        "[text, 1]",
        "[text]",
        "[[text], [1]]",
        "$append(text, 1)",
        "$merge([map])",
        "$merge([map, {}])",
        "$merge([deep, {'ctl': 1}])",
        "$map([$, $], function($o) {$o.text})[0]",
        "($ ~> |$|{'te' & 'xt': 1}|)",
        "($ ~> |$|{'other': text}|)",
        "($ ~> |deep.ctl|{}, ['c']|)",
        "[$, $].other",
    ],
)
def test_an_expression_that_hands_a_stub_on(code):
    is_as_plain(jsonata(f"{BAG}.({code})"))


@pytest.mark.parametrize(
    "call",
    [
        "$.deep.*",
        "$.deep.keys()",
        "$.half.*",
        "States.Format('{}', $.deep)",
        "States.Format('{}', States.Array($.deep))",
        "States.Hash(States.JsonToString($.deep), 'MD5')",
        "States.Base64Encode(States.JsonToString($.deep))",
        "States.ArrayContains(States.Array($.deep), 'x')",
        "States.JsonMerge($.map, $.deep.ctl, false)",
        "States.JsonMerge($.deep.ctl, $.map, false)",
        "$.nothing",
    ],
)
def test_a_path_or_call_that_reads_what_stands_above_a_control_path(call):
    is_refused(gives(call))


@pytest.mark.parametrize(
    "call", ["$.deep", "$.half", "States.JsonMerge($.deep, $.deep.ctl, false)", "$.deep.ctl.*"]
)
def test_an_object_above_a_control_path_is_handed_on(call):
    is_as_plain(gives(call))


@pytest.mark.parametrize("rule", [{"IsPresent": True}, {"IsNull": True}, {"IsString": False}])
def test_what_stands_above_a_control_path_may_be_no_object(rule):
    """`$.error.code` is named, and `$.error` is null on a good day."""
    is_refused(asks(Variable="$.nothing", **rule))


@pytest.mark.parametrize("path", ["$.deep", "$.deep.ctl", "$.half"])
def test_an_object_above_a_control_path_is_present(path):
    is_as_plain(asks(Variable=path, IsPresent=True))


@pytest.mark.parametrize("path", ["$.map.n", "$.half.b.n", "$.rows[0]"])
def test_a_result_is_put_into_what_left(path):
    """A stub alone has no room for a field next to it."""
    is_refused({"Type": "Pass", "Result": 7, "ResultPath": path})


@pytest.mark.parametrize("path", ["$.deep.n", "$.deep.x", "$.half.n", "$.map", "$.n"])
def test_a_result_replaces_what_left_or_stands_beside_it(path):
    is_as_plain({"Type": "Pass", "Result": 7, "ResultPath": path})


def test_a_deleted_field_would_come_back():
    ran, _ = answers(jsonata("$states.input ~> |$|{}, ['other']|"), plain=False)
    assert "The state 'C' deletes $states.input.other, which stands next to a stub" in ran.cause
    assert "Let a function delete it, or set it to null." in ran.cause
    is_as_plain(jsonata("$states.input ~> |$|{'other': null}|"))


@pytest.mark.parametrize("value", [None, "s", 5, True, [1, 2]])
def test_what_is_found_above_a_control_path_is_told_as_deployed(value):
    """Another state, whose value there is no object, may lose it on another day."""
    sb = client(Policy(control=("$.at.code",)))
    made = {"make": lambda _event, _context: sb.seal({"at": value, "z": 1}, scope=SCOPE)}
    for one, warned in ((value, True), ({"code": 1}, False)):
        made["make"] = lambda _event, _context, one=one: sb.seal({"at": one}, scope=SCOPE)
        machine = chain(("Make", task("make")), ("C", gives("$.at")))
        ran = run_workflow(machine, functions=made, input={}, strict=False, timeout=60)
        assert ran.status == "SUCCEEDED"
        assert bool(ran.warnings) is warned
