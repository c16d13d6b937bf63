"""What a definition reads without a name, and what a function leaves unread, end a run."""

import contextlib
import json

import msgspec
import pytest

import statebag
from statebag import Policy
from statebag.local import run as run_workflow
from statebag.local.reads import PATH_NOT_NAMED
from tests.local.machines import task
from tests.local.sealed_state import (
    END,
    NAMED,
    SCOPE,
    STATE,
    NoSuchRowError,
    choice,
    client,
    run,
    seals,
)


def is_refused(ran, path, name):
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED), (ran.status, ran.cause)
    assert f"The state 'C' reads {path}, which is not in its payload" in ran.cause
    line = f"STATEBAG_CONTROL=$.other,$.optional,$.deep.other,{name} "
    assert line in ran.cause
    last = ran.history[-1]
    assert last["type"] == "ExecutionFailed"
    assert last["executionFailedEventDetails"]["error"] == PATH_NOT_NAMED
    assert ran.transitions[-1].state == "C"


JSONPATH = [
    (choice(Variable="$.route", StringEquals="a"), "$.route", "$.route"),
    (choice(Variable="$.route", IsPresent=True), "$.route", "$.route"),
    (choice(Not={"Variable": "$.deep.x.y", "IsPresent": True}), "$.deep.x.y", "$.deep.x.y"),
    (choice(Variable="$.items[0].n", NumericEquals=1), "$.items[0].n", "$.items"),
    (choice(Variable="$.other", StringEqualsPath="$.route"), "$.route", "$.route"),
    (choice(Variable="$.rows", IsString=True), "$.rows", "$.rows"),
    (choice(Variable="$.rows[0]", NumericEquals=0), "$.rows[0]", "$.rows"),
    ({"Type": "Wait", "SecondsPath": "$.wait"}, "$.wait", "$.wait"),
    ({"Type": "Pass", "InputPath": "$.deep.x"}, "$.deep.x", "$.deep.x"),
    ({"Type": "Pass", "OutputPath": "$.route"}, "$.route", "$.route"),
    ({"Type": "Pass", "Parameters": {"a": [{"b.$": "$.route"}]}}, "$.route", "$.route"),
    ({"Type": "Pass", "Parameters": {"b.$": "$['route']"}}, "$['route']", "$.route"),
    ({"Type": "Pass", "Parameters": {"b.$": "States.Format('{}', $.wait)"}}, "$.wait", "$.wait"),
    (
        {"Type": "Pass", "Parameters": {"b.$": "$.items[?(@.n > 1)]"}},
        "$.items[?(@.n > 1)]",
        "$.items",
    ),
    ({"Type": "Pass", "Assign": {"v.$": "$.route"}}, "$.route", "$.route"),
    (task("echo", TimeoutSecondsPath="$.wait"), "$.wait", "$.wait"),
    (task("echo", ResultSelector={"r.$": "$.route"}), "$.route", "$.route"),
    (
        {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
        },
        "$.items",
        "$.items",
    ),
    (
        {
            "Type": "Map",
            "ItemsPath": "$.rows",
            "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
        },
        "$.rows",
        "$.rows",
    ),
]


@pytest.mark.parametrize(("state", "path", "name"), JSONPATH, ids=lambda one: str(one)[:60])
@pytest.mark.parametrize("catching", [False, True])
def test_a_path_that_no_control_path_names(state, path, name, catching):
    if catching and state["Type"] in {"Task", "Map"}:
        state = {**state, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}]}
    sb = client()
    echo = {"echo": lambda event, _context: sb.open(event) and event}
    is_refused(run(("C", state), ("End", END), functions=echo), path, name)


JSONATA = [
    ({"Type": "Pass", "Output": "{% $states.input.route %}"}, "$states.input.route", "$.route"),
    (
        {"Type": "Pass", "Output": "{% $exists($states.input.route) ? 1 : 2 %}"},
        "$states.input.route",
        "$.route",
    ),
    (
        {"Type": "Pass", "Output": "{% $sum($states.input.items.n) %}"},
        "$states.input.items.n",
        "$.items.n",
    ),
    ({"Type": "Pass", "Output": "{% $states.input.rows[0] %}"}, "$states.input.rows[0]", "$.rows"),
    (
        {"Type": "Pass", "Output": "{% $count($states.input.rows) %}"},
        "$states.input.rows",
        "$.rows",
    ),
    ({"Type": "Wait", "Seconds": "{% $states.input.wait %}"}, "$states.input.wait", "$.wait"),
    ({"Type": "Pass", "Assign": {"v": "{% $states.input.wait %}"}}, "$states.input.wait", "$.wait"),
    (task("echo", Output="{% $states.result.route %}"), "$states.result.route", "$.route"),
    (
        {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.route = 'b' %}", "Next": "End"}],
            "Default": "End",
        },
        "$states.input.route",
        "$.route",
    ),
]


@pytest.mark.parametrize(("state", "path", "name"), JSONATA, ids=lambda one: str(one)[:60])
def test_an_expression_that_names_what_is_not_there(state, path, name):
    sb = client()
    echo = {"echo": lambda event, _context: sb.open(event) and event}
    if state["Type"] == "Task":
        state = {
            **{key: value for key, value in state.items() if key != "Resource"},
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "echo", "Payload": "{% $states.input %}"},
            "Output": state["Output"].replace("result", "result.Payload"),
        }
        path = path.replace("result", "result.Payload")
    is_refused(run(("C", state), ("End", END), functions=echo, jsonata=["C"]), path, name)


@pytest.mark.parametrize(
    "code",
    [
        "$lookup($states.input, 'route')",
        "$lookup($states, 'input').route",
        "$lookup($lookup($states, 'input'), 'route')",
        "($s := $states; $s.input.route)",
        "($s := $states; $i := $s.input; {'r': $i.route})",
        "$states.*.route",
        "($states.input).route",
        "[$states.input].route",
        "{'a': $states.input}.a.route",
        "$append([], $states.input).route",
        "$states.input ~> function($o) {$o.route}",
        "($states.input ~> |$|{'k': 1}|).route",
        "$map([$states.input], function($i) {$i.route})",
        "$filter([$states.input], function($o) {$o.route = 'a'})",
        "$reduce([$states.input, $states.input], function($a, $b) {$b}).route",
    ],
)
def test_an_expression_that_gets_to_a_name_in_another_way(code):
    state = {"Type": "Pass", "Output": f"{{% {code} %}}"}
    ran = run(("C", state), ("End", END), jsonata=["C"])
    is_refused(ran, "$states.input.route", "$.route")


@pytest.mark.parametrize(
    "code",
    [
        "$states",
        "[$states.input]",
        "$append([$states.input], 1)",
        "$merge([$states.input, {'z': 1}])",
        "$merge([$lookup($states, 'input'), {'z': 1}])",
        "$map([$states.input], function($i) {$i})",
        "$filter([$states.input], function($o) {$o.other = 'a'})",
        "$lookup($states, 'input').other",
        "$states.input ~> |$|{'z': 1}|",
    ],
)
def test_an_expression_that_hands_a_bag_on(code):
    state = {"Type": "Pass", "Output": f"{{% {code} %}}"}
    ran = run(("C", state), ("End", END), jsonata=["C"])
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)


@pytest.mark.parametrize(
    "code",
    [
        "$keys($states.input)",
        "$keys($states.*)",
        "$string($states.input)",
        "$string($states)",
        "$string({'a': $states.input})",
        "$hash($string($states.input), 'MD5')",
        "$hash($lookup($states, 'input'), 'MD5')",
        "'' & [$states.input]",
        "$states.input = {'a': 1}",
        "$spread([$states.input])",
        "$each($lookup($states, 'input'), function($v, $k) {$k})",
        "$sift($states.*[0], function($v, $k) {true})",
        "$states.**.route",
        "($f := function($o) {$o.route}; $f($states.*[0]))",
        "$merge([$states.input]) ~> function($o) {$states.*[$exists(route)]}",
    ],
)
def test_an_expression_that_lists_the_members_of_a_bag(code):
    state = {"Type": "Pass", "Output": f"{{% {code} %}}"}
    ran = run(("C", state), ("End", END), jsonata=["C"])
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED)
    assert "Read single fields by their names" in ran.cause


MERGES = [
    "$merge([$states.input, $kept])",
    "$merge([$kept, {'z': 1}, $states.input])",
    "$merge([$merge([$states.input, {'z': 1}]), $kept])",
    "$merge($append([$states.input], [$kept]))",
    "$merge([$lookup($states, 'input'), $kept])",
]
OTHER_MERGES = [
    "$reduce([$kept, $states.input], function($a, $b) {$merge([$a, $b])})",
    "[$states.input, $kept] ~> $merge",
    "($m := $merge; $m([$lookup($states, 'input'), $kept]))",
]


@pytest.mark.parametrize("policy", [Policy(), NAMED], ids=["all of it left", "with a rest"])
@pytest.mark.parametrize("code", [*MERGES, *OTHER_MERGES])
def test_an_expression_that_makes_one_bag_of_two(code, policy):
    """An object has one stub: what is behind the other would be lost, without a word."""
    keeps = {"Type": "Pass", "Assign": {"kept": "{% $states.input %}"}, "Output": {}}
    merges = {"Type": "Pass", "Output": f"{{% {code} %}}"}
    functions = {
        "make": seals(policy=policy),
        "again": seals({**STATE, "more": 2}, policy),
    }
    ran = run(
        ("Keep", keeps), ("Again", task("again")), ("C", merges), ("End", END),
        functions=functions, jsonata=["Keep", "C"],
    )  # fmt: skip
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED), ran.output
    if code in MERGES:
        assert "The state 'C' merges the bag at $" in ran.cause
        assert "with another bag" in ran.cause
        assert "let a function merge the states" in ran.cause


@pytest.mark.parametrize(
    "code",
    [
        "$merge([$states.input, $states.input])",
        "$merge([$kept, {'z': 1}, $kept])",
        "{'one': $states.input, 'two': $kept}",
        "[$states.input, $kept]",
        "$append($states.input, $kept)",
    ],
)
def test_an_expression_that_keeps_both(code):
    """Or that merges a bag with itself."""
    keeps = {"Type": "Pass", "Assign": {"kept": "{% $states.input %}"}}
    merges = {"Type": "Pass", "Output": f"{{% {code} %}}"}
    ran = run(("Keep", keeps), ("C", merges), ("End", END), jsonata=["Keep", "C"])
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)


def test_what_was_merged_with_a_bag_is_watched_like_the_bag():
    state = {"Type": "Pass", "Output": "{% $merge([$states.input, {'z': 1}]).route %}"}
    ran = run(("C", state), ("End", END), jsonata=["C"])
    is_refused(ran, "$states.input.route", "$.route")


@pytest.mark.parametrize("control", [(), NAMED.control], ids=["all of it left", "with a rest"])
@pytest.mark.parametrize(
    "call",
    [
        "States.Hash(States.JsonToString($), 'MD5')",
        "States.Hash(States.Format('{}', States.JsonToString($)), 'MD5')",
        "States.Base64Encode(States.JsonToString($))",
        "States.StringSplit(States.JsonToString($), ',')",
        "States.ArrayContains(States.Array($), 1)",
        "States.ArrayContains(States.Array('{}'), States.JsonToString($))",
        "States.ArrayUnique(States.Array($))",
        "States.Format('{}', $)",
        "States.Format('{}', States.Array($))",
    ],
)
def test_a_function_that_computes_with_a_bag(call, control):
    policy = Policy(control=control)
    keep = {"Type": "Pass", "Assign": {"kept.$": "$"}}
    state = {"Type": "Pass", "Parameters": {"x.$": call}}
    sb = client(policy)
    functions = {
        "make": lambda _event, _context: sb.seal(STATE, scope=SCOPE),
        "again": lambda event, _context: sb.seal({**sb.open(event), "wait": 1}, scope=SCOPE),
    }
    ran = run(
        ("Keep", keep), ("Again", task("again")), ("C", state), ("End", END), functions=functions
    )
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED)
    assert "The state 'C' reads $, which is not in its payload" in ran.cause
    assert "Read single fields by their names" in ran.cause


@pytest.mark.parametrize("control", [(), NAMED.control], ids=["all of it left", "with a rest"])
def test_a_function_that_makes_one_bag_of_two(control):
    keep = {"Type": "Pass", "Assign": {"kept.$": "$"}}
    state = {"Type": "Pass", "Parameters": {"x.$": "States.JsonMerge($, $kept, false)"}}
    policy = Policy(control=control)
    sb = client(policy)
    functions = {
        "make": lambda _event, _context: sb.seal(STATE, scope=SCOPE),
        "again": lambda event, _context: sb.seal({**sb.open(event), "wait": 1}, scope=SCOPE),
    }
    ran = run(
        ("Keep", keep), ("Again", task("again")), ("C", state), ("End", END), functions=functions
    )
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED)
    assert "The state 'C' merges the bag at $ with another bag" in ran.cause


@pytest.mark.parametrize("name", ["ArrayLength", "ArrayGetItem", "ArrayPartition", "MathAdd"])
def test_a_function_that_computes_with_a_value_that_left(name):
    """The stub of one field, as a seal that is not strict makes it."""
    sb = client(msgspec.structs.replace(NAMED, carry_bytes=0, field_limit=256))
    made = {"make": lambda _event, _context: sb.seal({"rows": ["x" * 100] * 50}, scope=SCOPE)}
    more = "" if name == "ArrayLength" else ", 1"
    state = {"Type": "Pass", "Parameters": {"x.$": f"States.{name}($.rows{more})"}}
    ran = run(("C", state), ("End", END), functions=made, strict=False)
    is_refused(ran, "$.rows", "$.rows")


@pytest.mark.parametrize(
    "call",
    [
        "States.JsonToString($)",
        "States.Format('{}', States.JsonToString($))",
        "States.Format('{}', $.other)",
        "States.Hash(States.JsonToString($.other), 'MD5')",
        "States.ArrayLength(States.Array($, $))",
        "States.ArrayGetItem(States.Array($), 0)",
        "States.ArrayPartition(States.Array($, $), 1)",
        "States.JsonMerge($, $, false)",
        "States.JsonMerge($, $.deep, false)",
        "States.StringToJson(States.JsonToString($))",
    ],
)
def test_a_function_that_hands_a_bag_on(call):
    policy = Policy(control=("$.other", "$.deep"))
    state = {"Type": "Pass", "Parameters": {"x.$": call}}
    ran = run(("C", state), ("End", END), functions={"make": seals(policy=policy)})
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)


def test_variables_hold_bags_too():
    state = {"Type": "Pass", "Parameters": {"x.$": "$kept.route"}}
    ran = run(("Keep", {"Type": "Pass", "Assign": {"kept.$": "$"}}), ("C", state), ("End", END))
    is_refused(ran, "$kept.route", "$.route")


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_named_or_only_moved_may_be_read(strict):
    sb = client().with_control("$.status")
    missing = choice(Variable="$.optional", IsPresent=True)
    moved = {"Type": "Pass", "Parameters": {"a.$": "$.rows", "all.$": "$", "n.$": "$.status"}}
    other = {"Type": "Pass", "Parameters": {"text.$": "States.JsonToString($.a)", "a.$": "$.a"}}
    functions = {
        "make": seals({**STATE, "status": "RUNNING"}),
        "last": lambda event, _context: {"sum": sum(sb.open(event["a"]))},
    }
    ran = run(
        ("C", {**missing, "Default": "Moved"}),
        ("Moved", moved),
        ("Other", other),
        ("Last", task("last")),
        ("End", END),
        functions=functions
        | {"make": lambda _e, _c: sb.seal({**STATE, "status": "R"}, scope=SCOPE)},
        strict=strict,
    )
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)
    assert ran.output == {"sum": sum(STATE["rows"])}


NESTED = {"n": 1, "o": {"p": {"q": 5}, "keep": 1}, "list": [{"a": 1}]}


@pytest.mark.parametrize(
    ("path", "lost"),
    [
        ("$.o.p", "$.o"),
        ("$.o.fresh", "$.o"),
        ("$['o']['p']", "$.o"),
        ("$.o.p.q", "$.o.p"),
        ("$.none.p", "$.none"),
    ],
)
@pytest.mark.parametrize("catching", [False, True])
def test_a_result_is_put_into_what_is_in_the_store(path, lost, catching):
    state = {"Type": "Pass", "Result": 7, "ResultPath": path}
    if catching:
        catch = {"ErrorEquals": ["States.ALL"], "Next": "End", "ResultPath": path}
        state = task("fails", Catch=[catch])

    def fails(_event, _context):
        raise NoSuchRowError

    policy = Policy(control=("$.n",))
    functions = {"make": seals(NESTED, policy), "fails": sb_reads_then(fails)}
    ran = run(("C", state), ("End", END), functions=functions)
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED), ran.cause
    assert f"The state 'C' writes to {path}, and the object there, {lost} of the bag" in ran.cause
    assert f"STATEBAG_CONTROL=$.n,{lost} " in ran.cause
    assert "STATEBAG_MOVABLE" not in ran.cause


def sb_reads_then(handler):
    """A function that opens its event before it does anything."""
    opening = client()

    def reads(event, context):
        with contextlib.suppress(statebag.StatebagError):
            opening.open(event)
        return handler(event, context)

    return reads


@pytest.mark.parametrize("control", ["$.o", "$.o.keep"])
@pytest.mark.parametrize("path", ["$.o.p", "$.o.fresh", "$.fresh", "$.n"])
def test_a_result_is_put_beside_what_is_in_the_payload(control, path):
    sb = client(Policy(control=("$.n", control)))
    functions = {
        "make": lambda _e, _c: sb.seal(NESTED, scope=SCOPE),
        "last": lambda event, _context: sb.open(event),
    }
    state = {"Type": "Pass", "Result": 7, "ResultPath": path}
    ran = run(("C", state), ("Last", task("last")), functions=functions)
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)
    expected = json.loads(json.dumps(NESTED))
    (expected["o"] if path.startswith("$.o.") else expected)[path.rpartition(".")[2]] = 7
    assert ran.output == expected


@pytest.mark.parametrize(
    ("transform", "name"),
    [
        ("|$|{},['o']|", "$.o"),
        ("|$|{},'o'|", "$.o"),
        ("|o|{'p': 7}|", "$.o"),
        ("|o.p|{'q': 7}|", "$.o.p"),
        ("|o|{},['p']|", "$.o"),
        ("|list[0]|{'a': 7}|", "$.list"),
        ("|$|{'copy': o.keep}|", "$.o.keep"),
        ("|$|{'x': 1}| ~> |o|{'p': 7}|", "$.o"),
    ],
)
def test_a_transform_of_what_is_in_the_store(transform, name):
    state = {"Type": "Pass", "Output": f"{{% $states.input ~> {transform} %}}"}
    sealed = seals(NESTED, Policy(control=("$.n",)))
    ran = run(("C", state), ("End", END), functions={"make": sealed}, jsonata=["C"])
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED), ran.cause
    assert f"STATEBAG_CONTROL=$.n,{name} " in ran.cause


@pytest.mark.parametrize(
    "transform", ["|$|{'z': 2}|", "|$|{'z': n}|", "|o|{},['p']|", "|o|{'p': 7}|", "|$|{},['z']|"]
)
def test_a_transform_of_what_is_in_the_payload(transform):
    state = {"Type": "Pass", "Output": f"{{% $states.input ~> {transform} %}}"}
    sealed = seals(NESTED, Policy(control=("$.n", "$.o", "$.z")))
    ran = run(("C", state), ("End", END), functions={"make": sealed}, jsonata=["C"])
    assert (ran.status, ran.cause) == ("SUCCEEDED", None)


def test_small_data_as_deployed_hides_what_strict_shows():
    state = choice(Variable="$.route", StringEquals="a")
    assert run(("C", state), ("End", END), strict=False).status == "SUCCEEDED"
    large = {**STATE, **{f"k{i}": "x" * 90 for i in range(2_000)}}
    ran = run(("C", state), ("End", END), functions={"make": seals(large)}, strict=False)
    is_refused(ran, "$.route", "$.route")


def test_seals_after_the_run_are_as_they_were():
    run(("End", END))
    assert client().seal({"a": 1}, scope=SCOPE) == {"a": 1}


def test_the_input_of_the_execution_may_be_a_bag():
    bag = client(msgspec.structs.replace(NAMED, strict=True)).seal(STATE, scope=SCOPE)
    state = {"Type": "Pass", "Parameters": {"b.$": "$$.Execution.Input.route"}, "End": True}
    ran = run_workflow({"StartAt": "C", "States": {"C": state}}, functions={}, input=bag)
    assert (ran.status, ran.error) == ("FAILED", PATH_NOT_NAMED)
    assert "reads $$.Execution.Input.route" in ran.cause


def test_items_of_a_map_and_branches_of_a_parallel():
    reads = {"Type": "Pass", "InputPath": "$.all.route", "End": True}
    inner = {"StartAt": "C", "States": {"C": reads}}
    mapped = {
        "Type": "Map",
        "ItemsPath": "$.other",
        "ItemSelector": {"all.$": "$"},
        "ItemProcessor": inner,
    }
    sealed = {"make": seals({**STATE, "other": [1]})}
    is_refused(run(("M", mapped), ("End", END), functions=sealed), "$.all.route", "$.route")
    branch = {"Type": "Parallel", "Branches": [inner], "Parameters": {"all.$": "$"}}
    is_refused(run(("P", branch), ("End", END)), "$.all.route", "$.route")
    passes = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    select = {**mapped, "ItemSelector": {"x.$": "$.route"}, "ItemProcessor": passes}
    is_refused(run(("C", select), ("End", END), functions=sealed), "$.route", "$.route")


def test_strict_reaches_bags_below_other_names():
    """The state stands at $.data here; control paths begin at the state."""
    sb = client()
    functions = {"make": lambda _e, _c: {"data": sb.seal(STATE, scope=SCOPE), "next": 1}}
    state = choice(Variable="$.data.route", StringEquals="a")
    is_refused(run(("C", state), ("End", END), functions=functions), "$.data.route", "$.route")


READS = [
    ({"Type": "Pass", "InputPath": "$.route"}, "$.route", "$.route"),
    (choice(Variable="$.deep.x.y", NumericEquals=1), "$.deep.x.y", "$.deep.x.y"),
    ({"Type": "Pass", "Parameters": {"a.$": "States.Format('{}', $.wait)"}}, "$.wait", "$.wait"),
    ({"Type": "Pass", "Parameters": {"a.$": "$.items[0].n"}}, "$.items[0].n", "$.items"),
    ({"Type": "Pass", "Output": "{% $states.input.route %}"}, "$states.input.route", "$.route"),
    ({"Type": "Pass", "Output": "{% $uppercase($states.input.route) %}"},
     "$states.input.route", "$.route"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "path", "name"), READS, ids=lambda one: str(one)[:60])
def test_what_is_there_and_may_leave_is_told_as_deployed(state, path, name):
    """The state is small, so all of it is in the payload: on another day it is not."""
    jsonata = ["C"] if "Output" in state else []
    ran = run(("C", state), ("End", END), strict=False, jsonata=jsonata)
    assert ran.status == "SUCCEEDED", ran.cause
    (warning,) = ran.warnings
    assert f"The state 'C' reads {path}, which is in its payload this time" in warning
    assert f"STATEBAG_CONTROL=$.other,$.optional,$.deep.other,{name}." in warning


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "InputPath": "$.other"},
        {"Type": "Pass", "InputPath": "$.rows"},
        {"Type": "Pass", "InputPath": "$.deep.other"},
        {"Type": "Pass", "InputPath": "$"},
        choice(Variable="$.optional", IsPresent=True),
    ],
)
def test_what_never_leaves_or_is_only_handed_on_is_not_told(state):
    functions = {"make": seals({**STATE, "deep": {"other": 1, "x": {"y": 1}}})}
    ran = run(("C", state), ("End", END), strict=False, functions=functions)
    assert (ran.status, ran.warnings) == ("SUCCEEDED", ())


def test_a_bag_below_another_name_is_known_too():
    sb = client()
    functions = {"make": lambda _e, _c: {"data": sb.seal(STATE, scope=SCOPE), "next": 1}}
    keep = {"Type": "Pass", "Parameters": {"again.$": "$.data"}}
    state = {"Type": "Pass", "InputPath": "$.again.route"}
    ran = run(("K", keep), ("C", state), ("End", END), functions=functions, strict=False)
    assert "reads $.again.route" in ran.warnings[0]


def test_a_misspelt_control_path_is_named():
    policy = Policy(control=("$.rout", "$.deep.other"))
    state = choice(Variable="$.route", StringEquals="a")
    ran = run(("C", state), ("End", END), functions={"make": seals(policy=policy)})
    assert ran.error == PATH_NOT_NAMED
    assert "There is a control path $.rout: did you mean $.route?" in ran.cause


def test_a_control_path_that_is_not_like_the_one_that_is_read_is_not_named():
    ran = run(("C", choice(Variable="$.route", StringEquals="a")), ("End", END))
    assert ran.error == PATH_NOT_NAMED
    assert "did you mean" not in ran.cause
