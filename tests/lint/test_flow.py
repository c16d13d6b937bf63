"""The bounds of lint against what the engine on this machine counts, and how long it takes."""

import json

import pytest

from statebag.asl.model import Definition
from statebag.lint.calls import Functions
from statebag.lint.expression_sizes import json_path
from statebag.lint.flow import Flow
from statebag.lint.linter import Options, lint
from statebag.lint.shape import size
from statebag.local import run
from tests.calls import calls_of
from tests.lint.machines import codes, found, machine, task

LAMBDA = "arn:aws:states:::lambda:invoke"
BOUND = 40_000
GIVEN = {"n": 3, "rows": [{"id": "r" * 200, "n": n} for n in range(4)], "text": "é" * 3_000}


class Largest:
    """An observer that keeps the largest bound of what each state hands on."""

    def __init__(self):
        self.bounds = {}
        self.nothing = []

    def reads(self, *_):
        pass

    def calls(self, *_):
        pass

    def adds_up(self, *_, **__):
        pass

    def finds_nothing(self, path, reference):
        self.nothing.append((path, reference))

    def hands_on(self, path, what, made, entry):
        if what == "its output":
            name = path.rpartition(".")[2]
            self.bounds[name] = max(self.bounds.get(name, 0), size(made))


def bounds_of(definition):
    observer = Largest()
    Flow(Functions(bag_bytes=BOUND), len(json.dumps(GIVEN)), observer).run(Definition(definition))
    return observer


def answer(event, _context):
    """Something that holds its input, is near to the bound, and has text of several bytes."""
    room = 9_000 - len(json.dumps(event)) // 4
    return {"text": "ü" * max(room, 10), "list": ["ö" * 500] * 4, "n": 1}


def fails(_event, _context):
    raise RuntimeError("q" * 5_000)


def jsonata(name, **more):
    return {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": LAMBDA,
        "Arguments": {
            "FunctionName": name,
            "Payload": {"execution_id": "{% $states.context.Execution.Id %}"},
        },
        **more,
    }


def loop():
    definition = machine(
        Begin={"Type": "Pass", "Result": {"left": 3}, "ResultPath": "$.count"},
        Work=task("f", ResultPath="$.turn"),
        Less={
            "Type": "Pass",
            "Parameters": {"left.$": "States.MathAdd($.count.left, -1)"},
            "ResultPath": "$.count",
        },
        More={
            "Type": "Choice",
            "Choices": [{"Variable": "$.count.left", "NumericGreaterThan": 0, "Next": "Work"}],
            "Default": "End",
        },
        End={"Type": "Succeed"},
    )
    definition["States"]["Less"]["Next"] = "More"
    return definition


def caught():
    states = {
        "Fails": task(
            "g", Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "After"}]
        ),
        "After": {"Type": "Pass", "Parameters": {"all.$": "$", "cause.$": "$.error.Cause"}},
    }
    states["Fails"]["Retry"] = []
    return machine(**states)


def chosen(**state):
    """A Choice on what a Pass gives, and what comes after any of its ways."""
    given = {"Type": "Pass", "Result": {"in": {"x": 1}, "t": "t" * 500}}
    after = {"Type": "Pass", "Parameters": {"x.$": "$.x"}}
    return machine(Given=given, Chosen={"Type": "Choice", "Default": "After", **state}, After=after)


TEXTS = {"quotes": '"\\' * 1_000, "many": "a," * 1_000, "list": [1] * 1_000}

DEFINITIONS = {
    "paths": machine(
        A=task("f", ResultPath="$.a"),
        B=task("f", ResultSelector={"v.$": "$.Payload.list[0]", "n": 1}, ResultPath="$.b.c"),
        C={"Type": "Pass", "InputPath": "$.a", "Parameters": {"x.$": "$", "y.$": "$.value.text"}},
        D={"Type": "Pass", "Result": {"é": ["ü"]}, "ResultPath": "$.r"},
        E={"Type": "Wait", "Seconds": 0, "OutputPath": "$.x"},
    ),
    "intrinsics": machine(
        A={
            "Type": "Pass",
            "Parameters": {
                "format.$": "States.Format('{} and {}', $.n, $.rows[0].id)",
                "array.$": "States.Array($.n, $.rows[1], 'x')",
                "length.$": "States.ArrayLength($.rows)",
                "hash.$": "States.Hash($.text, 'SHA-256')",
            },
        },
    ),
    "map": machine(
        M={
            "Type": "Map",
            "ItemsPath": "$.rows",
            "ItemSelector": {"row.$": "$$.Map.Item.Value", "n.$": "$.n"},
            "ItemProcessor": machine(I=task("f", ResultPath="$.done")),
            "Comment": "statebag: at most 4 items",
            "ResultPath": "$.out",
        },
    ),
    "parallel": machine(
        P={
            "Type": "Parallel",
            "Branches": [machine(L=task("f")), machine(R={"Type": "Pass", "InputPath": "$.text"})],
            "ResultSelector": {"left.$": "$[0]", "right.$": "$[1]"},
            "ResultPath": "$.both",
        },
    ),
    "texts": machine(
        A={"Type": "Pass", "Result": TEXTS},
        B={"Type": "Pass", "Parameters": {"x.$": "States.JsonToString($.quotes)"}},
        C={"Type": "Pass", "Result": TEXTS},
        D={
            "Type": "Pass",
            "Parameters": {"x.$": "States.JsonToString(States.JsonToString($.quotes))"},
        },
        E={"Type": "Pass", "Result": TEXTS},
        F={"Type": "Pass", "Parameters": {"x.$": "States.StringSplit($.many, ',')"}},
        G={"Type": "Pass", "Result": TEXTS},
        H={"Type": "Pass", "Parameters": {"x.$": "States.ArrayPartition($.list, 1)"}},
        I={"Type": "Pass", "Parameters": {"x.$": "States.ArrayRange(1000000, 1000999, 1)"}},
        J={"Type": "Pass", "Result": TEXTS},
        K={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": "{% $string($states.input.quotes) %}",
        },
    ),
    "context": machine(
        A={"Type": "Pass", "Result": {}},
        B={"Type": "Pass", "Parameters": {"x.$": "$$.Execution.Input", "y.$": "$$"}},
        C={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": ["{% $states.context.Execution.Input.rows %}", "{% $states.context %}"],
        },
    ),
    "names": machine(
        A={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": "{% ($t := $append($states.input.text, 'q'); [$t, $t, $t, $t, $t, $t]) %}",
        },
    ),
    "choice in": chosen(
        InputPath="$.in", Choices=[{"Variable": "$.x", "IsNull": True, "Next": "After"}]
    ),
    "choice out": chosen(
        OutputPath="$.in", Choices=[{"Variable": "$.in.x", "IsNull": True, "Next": "After"}]
    ),
    "choice rule": chosen(
        QueryLanguage="JSONata",
        Choices=[{"Condition": "{% true %}", "Output": {"x": "x" * 2_000}, "Next": "After"}],
        Output={"x": 1},
    ),
    "choice default": chosen(
        QueryLanguage="JSONata",
        Choices=[{"Condition": "{% false %}", "Output": {"x": 1}, "Next": "After"}],
        Output={"x": "x" * 2_000},
    ),
    "loop": loop(),
    "caught": caught(),
    "jsonata": machine(
        J=jsonata(
            "f",
            Assign={"kept": "{% $states.result.Payload.text %}"},
            Output="{% {'in': $states.input, 'out': $states.result.Payload, 'n': 1} %}",
        ),
        K={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": {
                "merged": "{% $merge([$states.input.in, {'k': $kept}]) %}",
                "count": "{% $count($states.input.out.list) %}",
                "one": "{% $states.input.out.list[0] %}",
                "last": "{% $states.input.out.list[-1] %}",
            },
        },
    ),
    "longer than what they are given": machine(
        Range={"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"r": "{% [1..9000] %}"}},
        Padded={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": {"p": "{% $pad('x', -20000, '-=') & $pad('y', 9000) %}"},
        },
        Listed={"Type": "Pass", "QueryLanguage": "JSONata", "Output": ["a", "b", "c"] * 900},
        Together={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": {"j": "{% $join($states.input, ' ----------- ') %}"},
        },
    ),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_no_run_hands_on_more_than_the_bound(name):
    definition = DEFINITIONS[name]
    execution = run(definition, functions={"f": answer, "g": fails}, input=GIVEN)
    assert execution.status == "SUCCEEDED", (execution.error, execution.cause)
    observer = bounds_of(definition)
    told = 0
    for one in execution.transitions:
        if one.state in observer.bounds and one.error is None:
            told += 1
            assert one.output_bytes <= observer.bounds[one.state], one.state
    assert told >= len(definition["States"]) - 1
    assert observer.nothing == []


def test_bounds_are_not_beside_the_point():
    """Two results of BOUND bytes and an input: not three, and not the limit."""
    observer = bounds_of(DEFINITIONS["paths"])
    assert BOUND < observer.bounds["A"] < BOUND + 2 * len(json.dumps(GIVEN))
    assert observer.bounds["B"] < 2 * BOUND + 2 * len(json.dumps(GIVEN))


def test_ways_that_exclude_each_other_are_not_added_up(tmp_path):
    """Two ways put a result each beside the input, and no way both."""
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "IsPresent": True, "Next": "L"}],
        "Default": "R",
    }
    definition = machine(
        C=choice,
        L=task("L", ResultPath="$.left", Next="A"),
        R=task("R", ResultPath="$.right", Next="A"),
        A={"Type": "Pass", "Parameters": {"all.$": "$"}},
    )
    assert codes(found(tmp_path, definition)) == []
    definition["States"]["L"]["Next"] = "R"
    assert codes(found(tmp_path, definition)) == ["SB102"]


def test_a_variable_that_many_states_assign_keeps_its_bound(tmp_path):
    """Twenty assignments of bags: one at a time is in it."""
    states = {
        f"S{n}": jsonata(
            f"F{n}",
            Retry=[{"ErrorEquals": ["StoreUnavailable"]}],
            Assign={"state": "{% $states.result.Payload %}"},
            Output={},
        )
        for n in range(20)
    }
    definition = machine(**states)
    pick = {
        "Type": "Choice",
        "QueryLanguage": "JSONata",
        "Choices": [{"Condition": "{% $random() > 0.5 %}", "Next": "S0"}],
        "Default": "Both",
    }
    both = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": {"one": "{% $state %}", "two": "{% $state %}"},
        "End": True,
    }
    definition["States"]["S19"].pop("End")
    definition["States"] |= {"S19": {**states["S19"], "Next": "Pick"}, "Pick": pick, "Both": both}
    definition["States"]["S19"].pop("End", None)
    assert codes(found(tmp_path, definition)) == []


def test_what_grows_in_a_variable(tmp_path):
    step = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Assign": {"all": "{% $append($all, [$states.input, $all]) %}"},
        "Next": "Pick",
    }
    pick = {
        "Type": "Choice",
        "QueryLanguage": "JSONata",
        "Choices": [{"Condition": "{% $count($all) < 9 %}", "Next": "Step"}],
        "Default": "End",
    }
    end = {"Type": "Succeed", "QueryLanguage": "JSONata", "Output": ["{% $all %}", "{% $all %}"]}
    definition = {"StartAt": "Step", "States": {"Step": step, "Pick": pick, "End": end}}
    assert "SB102" in codes(found(tmp_path, definition))


def test_nesting_costs_no_more_than_its_depth(tmp_path):
    inner = {"StartAt": "S0", "States": {"S0": {"Type": "Pass", "Parameters": {"x.$": "$"}}}}
    inner["States"]["S0"]["End"] = True
    for depth in range(1, 30):
        state = {"Type": "Map", "End": True, "ItemProcessor": inner}
        if depth % 2:
            state = {"Type": "Parallel", "End": True, "Branches": [inner]}
        inner = {"StartAt": f"S{depth}", "States": {f"S{depth}": state}}
    file = tmp_path / "deep.asl.json"
    file.write_text(json.dumps(inner))
    calls_of(lambda: lint([file], Options()), most=5_000_000)  # not 2^30


def test_what_a_rule_assigns_is_there_behind_it(tmp_path):
    seal = jsonata(
        "f", Retry=[{"ErrorEquals": ["StoreUnavailable"]}], Output="{% $states.result %}"
    )
    rule = {"Condition": "{% 1 = 1 %}", "Assign": {"kept": "{% $states.input %}"}, "Next": "After"}
    chosen = {"Type": "Choice", "QueryLanguage": "JSONata", "Choices": [rule], "Default": "End"}
    three = {"Type": "Pass", "Parameters": {"a.$": "$kept", "b.$": "$kept", "c.$": "$kept"}}
    definition = machine(A=seal, C=chosen, After=three, End={"Type": "Succeed"})
    assert codes(found(tmp_path, definition)) == ["SB102"]
    del rule["Assign"]
    assert codes(found(tmp_path, definition)) == ["SB009"]


def test_a_child_of_a_distributed_map_has_an_input_of_its_own(tmp_path):
    """Two small items beside each other, and not two inputs of the execution around."""
    twice = {
        "Type": "Pass",
        "Parameters": {"a.$": "$$.Execution.Input", "b.$": "$$.Execution.Input"},
    }
    inner = machine(I={**twice})
    inner["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    mapped = {
        "Type": "Map",
        "ItemsPath": "$.rows",
        "ItemSelector": {"n": 1},
        "ItemProcessor": inner,
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "b"},
        },
    }
    assert codes(found(tmp_path, machine(M=mapped), input_bytes=200_000)) == []
    del inner["ProcessorConfig"], mapped["ResultWriter"]
    assert "SB102" in codes(found(tmp_path, machine(M=mapped), input_bytes=200_000))


def test_the_same_items_again_are_not_more_than_the_array(tmp_path):
    mapped = {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": machine(I={"Type": "Succeed"})}
    assert codes(found(tmp_path, machine(M=mapped))) == []
    mapped["ItemSelector"] = {"all.$": "$"}
    assert codes(found(tmp_path, machine(M=mapped))) == ["SB103"]


def test_how_many_items_there_are_can_be_said(tmp_path):
    mapped = {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": machine(I=task("f"))}
    definition = machine(M=mapped)
    assert codes(found(tmp_path, definition)) == ["SB103"]
    mapped["Comment"] = "Reviewers. statebag: at most 2 items"
    assert codes(found(tmp_path, definition)) == []
    mapped["Comment"] = "Reviewers. statebag: at most 3 items"
    assert codes(found(tmp_path, definition)) == ["SB103"]


def test_how_large_items_are_can_be_said(tmp_path):
    """A hundred items in an array of as much as a bag are small, each beside a sealed result."""
    work = task("f", ResultPath="$.done")
    inner = machine(I=work, J=task("g", ResultPath="$.more"))
    selector = {"item.$": "$$.Map.Item.Value"}
    mapped = {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": inner, "ResultPath": None}
    definition = machine(M={**mapped, "ItemSelector": selector})
    definition["States"]["M"]["Comment"] = "statebag: at most 1 item"
    assert codes(found(tmp_path, definition)) == ["SB102"]
    definition["States"]["M"]["Comment"] = "statebag: at most 1 item of 1,024 bytes"
    assert codes(found(tmp_path, definition)) == []
    definition["States"]["M"]["Comment"] = "statebag: at most 100 items of 1,024 bytes"
    assert codes(found(tmp_path, definition)) == ["SB103"]


def test_the_same_items_again_are_as_many_as_there_are(tmp_path):
    """The size of one item is not that of the array."""
    keep = {"Type": "Pass", "End": True}
    inner = {"StartAt": "P", "States": {"P": keep}}
    mapped = {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": inner}
    mapped["Comment"] = "statebag: at most 300 items of 1,024 bytes"
    assert codes(found(tmp_path, machine(M=mapped))) == ["SB103"]
    mapped["Comment"] = "statebag: at most 200 items of 1,024 bytes"
    assert codes(found(tmp_path, machine(M=mapped))) == []


def test_small_outputs_of_a_map_need_no_word(tmp_path):
    done = {"Type": "Pass", "Result": {}}
    mapped = {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": machine(I=done)}
    assert codes(found(tmp_path, machine(M=mapped))) == []


def test_a_path_of_a_call_is_known_inside_of_another():
    (one, two) = json_path("States.Format('{}{}', States.ArrayGetItem($.a, 0), $.b.c)").references
    assert (one.path, two.path) == (("a",), ("b", "c"))


COMPUTES = {
    "States.Hash(States.JsonToString($.value), 'MD5')": True,
    "States.ArrayContains(States.Array('{}'), States.JsonToString($.value))": True,
    "States.Hash(States.Format('{}', States.JsonToString($.value)), 'MD5')": True,
    "States.Hash($.value, 'MD5')": False,
    "States.StringSplit($.value, ',')": False,
    "States.Base64Encode(States.JsonToString($.value))": True,
    "States.Format('{}', $.value)": False,
    "States.Format('{}', States.JsonToString($.value))": False,
    "States.JsonToString($.value)": False,
    "States.Array($.value)": False,
    "States.JsonMerge($.value, $.value, false)": False,
    "{% $string($states.input.value) %}": False,
    "{% $hash($string($states.*.value), 'MD5') %}": True,
    "{% $hash($states.input.value, 'MD5') %}": False,
    "{% $keys($lookup($states, 'input').value) %}": True,
    "{% $count($keys($states.input.value)) %}": True,
    "{% $keys({'n': $count($states.input.value)}) %}": False,
    "{% $states.input.value = 1 %}": False,
    "{% $exists($states.input.value) %}": False,
    "{% $merge([$states.input.value, {'z': 1}]) %}": False,
    "{% $states.input.value %}": False,
}


@pytest.mark.parametrize("text", COMPUTES)
def test_what_computes_with_a_whole_bag(tmp_path, text):
    state = {"Type": "Pass", "Parameters": {"x.$": text}}
    if text.startswith("{%"):
        state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"x": text}}
    report = found(tmp_path, machine(A=task("f"), B=state), sealed=("*",))
    told = [one.code for one in report.findings if "computes with all of a bag" in one.message]
    assert told == (["SB201"] if COMPUTES[text] else [])
    assert not any("STATEBAG" in one.fix for one in report.findings if one.code == "SB201")


@pytest.mark.parametrize(
    "code",
    [
        "$lookup($states, 'input').value.rows",
        "($s := $states; $s.input.value.rows)",
        "$states.*.value.rows",
        "($states.input.value).rows",
    ],
)
def test_a_bag_that_an_expression_gets_to_in_another_way(tmp_path, code):
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {code} %}}"}
    assert "SB203" in codes(found(tmp_path, machine(A=task("f"), B=state), sealed=("*",)))


def calls_of_format(folder, count):
    call = f"States.Format('{'{}' * count}'{', $.value.x' * count})"
    definition = machine(A=task("f"), B={"Type": "Pass", "Parameters": {"x.$": call}})
    return calls_of(lambda: found(folder, definition, sealed=("*",)))


def calls_of_jsonata(folder, count):
    code = " & ".join(["$states.input.value.x"] * count)
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {code} %}}"}
    definition = machine(A=task("f"), B=state)
    return calls_of(lambda: found(folder, definition, sealed=("*",)))


def calls_of_members(folder, count):
    members = {f"x{n}.$": f"$.value.a{n}" for n in range(count)}
    definition = machine(A=task("f"), B={"Type": "Pass", "Parameters": members})
    return calls_of(lambda: found(folder, definition, sealed=("*",)))


def calls_of_rules(folder, count):
    rules = [{"Variable": f"$.value.a{n}", "IsPresent": True, "Next": "End"} for n in range(count)]
    definition = machine(
        A=task("f"),
        B={"Type": "Choice", "Choices": rules, "Default": "End"},
        End={"Type": "Succeed"},
    )
    return calls_of(lambda: found(folder, definition, sealed=("*",)))


def calls_of_steps(folder, count):
    definition = machine(
        A=task("f"), B={"Type": "Pass", "Parameters": {"x.$": "$.value" + ".a" * count}}
    )
    return calls_of(lambda: found(folder, definition, sealed=("*",)))


@pytest.mark.parametrize(
    ("calls", "count"),
    [
        (calls_of_format, 500),
        (calls_of_jsonata, 100),
        (calls_of_members, 200),
        (calls_of_rules, 200),
        (calls_of_steps, 1_000),
    ],
)
def test_twice_as_much_takes_twice_as_many_calls(tmp_path, calls, count):
    calls(tmp_path, 2 * count)  # what is imported, compiled and remembered counts once
    assert calls(tmp_path, 2 * count) < 2.3 * calls(tmp_path, count)


def batched(payload, **batcher):
    """A distributed Map that gives its children batches."""
    child = machine(Work=task("f", sealed=False))
    child["States"]["Work"]["Parameters"]["Payload"] = payload
    return machine(
        Each={
            "Type": "Map",
            "ItemsPath": "$.rows",
            "ItemSelector": {"row.$": "$$.Map.Item.Value"},
            "ItemBatcher": {"MaxItemsPerBatch": 2, **batcher},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **child,
            },
            "ResultPath": "$.results",
        }
    )


def test_a_batch_has_items_and_what_its_map_adds():
    payload = {
        "rows.$": "$.Items",
        "first.$": "$.Items[0].row",
        "id.$": "$.BatchInput.execution_id",
    }
    given = batched(payload, BatchInput={"execution_id.$": "$$.Execution.Id"})
    assert not bounds_of(given).nothing
    seen = []

    def work(event, _context):
        seen.append((len(event["rows"]), event["first"]["n"], bool(event["id"])))
        return 1

    assert run(given, input=GIVEN, functions={"f": work}).status == "SUCCEEDED"
    assert seen == [(2, 0, True), (2, 2, True)]


@pytest.mark.parametrize("path", ["$.row", "$.BatchInput.other"])
def test_a_batch_has_nothing_else(path):
    given = batched({"it.$": path}, BatchInput={"n": 1})
    observer = bounds_of(given)
    assert [place for place, _ in observer.nothing] == [
        "$.States.Each.ItemProcessor.States.Work.Parameters.Payload.it.$"
    ]
    assert run(given, input=GIVEN, functions={"f": lambda *_: 1}).status == "FAILED"


def test_a_batch_of_items_out_of_a_bag_is_read_by_the_engine(tmp_path):
    given = batched("$", BatchInput={"n": 1})
    given["States"] = {"Read": task("g", OutputPath="$.value", Next="Each"), **given["States"]}
    given["StartAt"] = "Read"
    assert "SB202" in codes(found(tmp_path, given, sealed=("*",)))
