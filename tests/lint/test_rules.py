"""Each rule: a definition that has it, and one that has not."""

import json
from pathlib import Path

import pytest

from statebag.errors import ConfigurationError
from statebag.lint.finding import RULES
from statebag.lint.linter import Options, lint
from statebag.manager.control_fields import CONTROL_FIELDS
from tests.lint.machines import codes, found, machine, task

LIMIT = 262_144
BAG = 96 * 1024


def the(report, code):
    """The one finding of a code."""
    (one,) = [one for one in report.findings if one.code == code]
    return one


def test_a_sealed_chain_has_nothing(tmp_path):
    report = found(tmp_path, machine(A=task("A"), B=task("B")))
    assert report.findings == []
    assert report.machines == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"Next": "Nowhere"}, "$.States.A.Next"),
        ({"Type": "Tusk"}, "$.States.A.Type"),
        ({"Retry": [{"ErrorEquals": []}]}, "$.States.A.Retry[0].ErrorEquals"),
        ({"Next": "B", "End": True}, "$.States.A"),
    ],
)
def test_what_no_engine_takes(tmp_path, change, place):
    definition = machine(A=task("A"), B=task("B"))
    definition["States"]["A"].update(change)
    one = the(found(tmp_path, definition), "SB001")
    assert (one.path, one.severity) == (place, "error")
    assert one.line > 1


def test_all_problems_of_a_structure_are_told(tmp_path):
    definition = machine(A=task("A", Next="X"), B=task("B", Next="Y"))
    assert [one.code for one in found(tmp_path, definition).findings] == ["SB001", "SB001"]


def test_a_state_that_nothing_leads_to(tmp_path):
    definition = machine(A=task("A", End=True), B=task("B"))
    assert the(found(tmp_path, definition), "SB002").path == "$.States.B"


def test_a_field_that_a_state_does_not_have(tmp_path):
    one = the(found(tmp_path, machine(A=task("A", ResultPth="$.x"))), "SB003")
    assert one.path == "$.States.A.ResultPth"
    assert "'ResultPth'" in one.message


def test_a_choice_without_default(tmp_path):
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.value.status", "StringEquals": "DONE", "Next": "End"}],
    }
    definition = machine(A=task("A"), C=choice, End={"Type": "Succeed"})
    control = ("$.status",)
    assert codes(found(tmp_path, definition, control=control), notes=True) == ["SB004"]
    choice["Default"] = "End"
    assert codes(found(tmp_path, definition, control=control), notes=True) == []


def test_a_result_that_is_not_sealed(tmp_path):
    definition = machine(A=task("Ask", sealed=False))
    one = the(found(tmp_path, definition), "SB101")
    assert "Ask" in one.message
    assert f"{6_291_556 - LIMIT:,}" in one.message
    assert codes(found(tmp_path, definition, sealed=("A*",)), notes=True) == ["SB207", "SB301"]
    told = machine(A=task("Ask", sealed=False, payload={"execution_id.$": "$$.Execution.Id"}))
    assert codes(found(tmp_path, told, sealed=("A*",)), notes=True) == ["SB301"]
    whole = machine(A=task("Ask", sealed=False, payload={}))
    whole["States"]["A"]["Parameters"] = {"FunctionName": "Ask", "Payload.$": "$"}
    assert codes(found(tmp_path, whole, sealed=("A*",)), notes=True) == ["SB301"]


def test_unsealed_wins_over_what_a_task_looks_like(tmp_path):
    definition = machine(A=task("A"))
    assert codes(found(tmp_path, definition, unsealed=("A",)), notes=True) == ["SB101"]


class TestSizes:
    def test_two_bags_side_by_side_fit_and_three_do_not(self, tmp_path):
        two = machine(A=task("A"), B=task("B", ResultPath="$.b"))
        assert codes(found(tmp_path, two)) == []
        three = machine(A=task("A"), B=task("B", ResultPath="$.b"), C=task("C", ResultPath="$.c"))
        one = the(found(tmp_path, three), "SB102")
        assert one.path == "$.States.C"
        # Three bags, and the braces and names around them.
        assert 0 <= over(one) - (3 * BAG - LIMIT) < 60

    def test_two_fields_of_one_result_are_not_two_results(self, tmp_path):
        select = {"a.$": "$.Payload.a", "b.$": "$.Payload.b", "c.$": "$.Payload.c"}
        definition = machine(A=task("A", ResultSelector=select))
        assert "SB102" not in codes(found(tmp_path, definition))

    def test_one_result_taken_three_times_is_three(self, tmp_path):
        select = {"a.$": "$.Payload", "b.$": "$.Payload", "c.$": "$.Payload.part"}
        definition = machine(A=task("A", ResultSelector=select))
        assert over(the(found(tmp_path, definition), "SB102")) > 3 * BAG - LIMIT

    def test_a_loop_that_overwrites_its_result_stays_as_it_is(self, tmp_path):
        definition = machine(A=task("A", ResultPath="$.turn"), B=task("B", ResultPath="$.turn"))
        definition["States"]["B"] = {
            **definition["States"]["B"],
            "Next": "A",
        }
        definition["States"]["B"].pop("End")
        assert codes(found(tmp_path, definition)) == ["SB010"]  # no end, and not that it grows

    def test_a_loop_that_wraps_its_input_grows(self, tmp_path):
        wrap = {"Type": "Pass", "Parameters": {"one.$": "$", "two.$": "$"}, "Next": "A"}
        definition = {"StartAt": "A", "States": {"A": {**wrap, "Next": "A"}}}
        assert "SB102" in codes(found(tmp_path, definition))

    def test_an_unsealed_result_beside_its_input(self, tmp_path):
        definition = machine(A=task("A", sealed=False), B=task("B", sealed=False, ResultPath="$.b"))
        assert over(the(found(tmp_path, definition), "SB102")) >= LIMIT

    def test_what_was_told_once_is_not_told_at_each_state_after_it(self, tmp_path):
        definition = machine(
            A=task("A", sealed=False),
            B=task("B", sealed=False, ResultPath="$.b"),
            C={"Type": "Pass", "Parameters": {"all.$": "$"}},
            D={"Type": "Wait", "Seconds": 1},
        )
        assert the(found(tmp_path, definition), "SB102").path == "$.States.B"

    def test_the_bound_of_a_bag_is_what_the_caller_says(self, tmp_path):
        definition = machine(A=task("A"), B=task("B", ResultPath="$.b"))
        assert codes(found(tmp_path, definition, bag_bytes=140_000)) == ["SB102"]

    def test_the_input_counts(self, tmp_path):
        definition = machine(A=task("A", ResultPath="$.a"), B=task("B", ResultPath="$.b"))
        assert codes(found(tmp_path, definition, input_bytes=10_000)) == []
        assert codes(found(tmp_path, definition, input_bytes=200_000)) == ["SB102"]

    def test_a_jsonata_output_that_keeps_both(self, tmp_path):
        step = {
            "Type": "Task",
            "QueryLanguage": "JSONata",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "A", "Payload": {"execution_id": "{% 1 %}"}},
            "Retry": [{"ErrorEquals": ["StoreUnavailable"]}],
        }
        kept = "{% $states.input %}"
        both = {"before": kept, "after": "{% $states.result.Payload %}", "again": kept}
        assert codes(found(tmp_path, machine(A={**step, "Output": both}))) == ["SB102"]
        one = "{% $states.result.Payload %}"
        assert codes(found(tmp_path, machine(A={**step, "Output": one}))) == []

    def test_variables_are_known_from_where_they_are_assigned(self, tmp_path):
        first = task("A", Assign={"kept.$": "$.Payload"})
        three = {"a.$": "$kept", "b.$": "$kept", "c.$": "$kept"}
        after = {"Type": "Pass", "Parameters": three}
        assert codes(found(tmp_path, machine(A=first, B=after))) == ["SB102"]
        assert codes(found(tmp_path, machine(B=after))) == ["SB009"]


def over(finding):
    """The bytes that a finding says something is over the limit."""
    return int(finding.message.partition(" over the limit")[0].rpartition(" ")[2].replace(",", ""))


class TestMany:
    def mapped(self, inner, **more):
        return machine(
            M={
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": machine(I=inner),
                **more,
            }
        )

    def test_a_map_adds_up(self, tmp_path):
        one = the(found(tmp_path, self.mapped(task("I"))), "SB103")
        assert f"{LIMIT // (BAG + 13)} of up to" in one.message

    def test_a_known_number_of_items_is_counted(self, tmp_path):
        items = {"Type": "Pass", "Result": {"items": [1, 2, 3]}}
        inner = self.mapped(task("I"))
        small = machine(P=items, **inner["States"])
        assert over(the(found(tmp_path, small), "SB103")) > 3 * BAG - LIMIT
        assert codes(found(tmp_path, small, bag_bytes=50_000)) == []

    def test_a_parallel_adds_up(self, tmp_path):
        branches = [machine(**{f"B{n}": task(f"B{n}")}) for n in range(3)]
        definition = machine(P={"Type": "Parallel", "Branches": branches})
        assert over(the(found(tmp_path, definition), "SB104")) >= 3 * BAG - LIMIT
        assert codes(found(tmp_path, definition, bag_bytes=64_000)) == []

    def test_a_distributed_map_without_result_writer(self, tmp_path):
        definition = self.mapped(task("I"))
        state = definition["States"]["M"]
        state["ItemProcessor"]["ProcessorConfig"] = {
            "Mode": "DISTRIBUTED",
            "ExecutionType": "STANDARD",
        }
        assert codes(found(tmp_path, definition)) == ["SB304"]
        state["ResultWriter"] = {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "b", "Prefix": "p"},
        }
        assert codes(found(tmp_path, definition)) == []

    def test_items_inside_a_bag(self, tmp_path):
        definition = machine(A=task("A"), **self.mapped({"Type": "Succeed"})["States"])
        definition["States"]["M"]["ItemsPath"] = "$.value.documents"
        report = found(tmp_path, definition, ignored=frozenset({"SB103"}))
        assert codes(report) == ["SB202"]
        assert list(report.control.values()) == [("$.documents",)]
        # The items come back as they were: together they are no larger than the array.
        assert codes(found(tmp_path, definition, control=("$.documents",))) == []


class TestBags:
    def choice(self, **rule):
        return {
            "Type": "Choice",
            "Choices": [{**rule, "Next": "End"}],
            "Default": "End",
        }

    @pytest.mark.parametrize(
        "rule",
        [
            {"Variable": "$.value.plan.route", "StringEquals": "x"},
            {"Not": {"Variable": "$.value.plan.route", "IsNull": True}},
            {"And": [{"Variable": "$.value.plan.route", "IsPresent": True}]},
            {"Variable": "$.value.execution_id", "StringEqualsPath": "$.value.plan.route"},
        ],
    )
    def test_a_rule_that_looks_into_a_bag(self, tmp_path, rule):
        definition = machine(A=task("A"), C=self.choice(**rule), End={"Type": "Succeed"})
        report = found(tmp_path, definition)
        assert codes(report) == ["SB201"]
        assert list(report.control.values()) == [("$.plan.route",)]
        assert codes(found(tmp_path, definition, control=("$.plan",))) == []

    @pytest.mark.parametrize(
        "change",
        [
            {"ResultPath": "$.value.plan.route"},
            {"Catch": [{"ErrorEquals": ["E"], "Next": "End", "ResultPath": "$.value.plan.e"}]},
        ],
    )
    def test_a_result_that_is_put_into_a_bag(self, tmp_path, change):
        state = {"Type": "Pass", "Result": 7}
        if "Catch" in change:
            state = task("B", ResultPath=None)
        definition = machine(A=task("A"), B={**state, **change}, End={"Type": "Succeed"})
        report = found(tmp_path, definition)
        assert codes(report) == ["SB201"]
        one = the(report, "SB201")
        assert one.path == f"$.States.B.{'Catch[0].' if 'Catch' in change else ''}ResultPath"
        assert "writes into $.plan inside a bag" in one.message
        assert list(report.control.values()) == [("$.plan",)]
        assert codes(found(tmp_path, definition, control=("$.plan",))) == []

    @pytest.mark.parametrize("path", ["$.value.route", "$.fresh", "$.fresh.x", "$.value"])
    def test_a_result_that_is_put_beside_what_a_bag_holds(self, tmp_path, path):
        state = {"Type": "Pass", "Result": 7, "ResultPath": path}
        definition = machine(A=task("A"), B=state, End={"Type": "Succeed"})
        assert codes(found(tmp_path, definition)) == []

    def test_a_second_result_beside_the_first(self, tmp_path):
        first = {"Type": "Pass", "Result": {}, "ResultPath": "$.value.plan"}
        second = {"Type": "Pass", "Result": 7, "ResultPath": "$.value.plan.route"}
        definition = machine(A=task("A"), B=first, C=second, End={"Type": "Succeed"})
        assert codes(found(tmp_path, definition)) == []

    @pytest.mark.parametrize("transform", ["|value|{},['plan']|", "|value.plan|{'p': 7}|"])
    def test_a_transform_of_what_a_bag_holds(self, tmp_path, transform):
        output = f"{{% $states.input ~> {transform} %}}"
        state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": output}
        definition = machine(A=task("A"), B=state, End={"Type": "Succeed"})
        assert list(found(tmp_path, definition).control.values()) == [("$.plan",)]

    def test_what_a_step_reads_itself_is_there_to_be_read(self, tmp_path):
        rule = {"Variable": "$.value.execution_id", "StringEquals": "x"}
        definition = machine(A=task("A"), C=self.choice(**rule), End={"Type": "Succeed"})
        assert codes(found(tmp_path, definition)) == []

    def test_the_managers_control_fields_are_in_its_own_bags_alone(self, tmp_path):
        """A decorated function in the same workflow names them, or they may leave."""
        by_manager = task("A")
        by_manager["Parameters"]["Payload"]["action"] = "update_and_compress"
        for name in CONTROL_FIELDS:
            choice = self.choice(Variable=f"$.value.{name}", StringEquals="x")
            of_manager = machine(A=by_manager, C=choice, End={"Type": "Succeed"})
            assert codes(found(tmp_path, of_manager)) == []
            if name == "execution_id":
                continue
            of_step = machine(A=task("A"), C=choice, End={"Type": "Succeed"})
            report = found(tmp_path, of_step)
            assert codes(report) == ["SB201"]
            assert list(report.control.values()) == [(f"$.{name}",)]
            assert codes(found(tmp_path, of_step, control=(name,))) == []

    def test_a_jsonata_condition(self, tmp_path):
        choice = {
            "Type": "Choice",
            "QueryLanguage": "JSONata",
            "Choices": [{"Condition": "{% $count($states.input.value.todo) > 0 %}", "Next": "End"}],
            "Default": "End",
        }
        definition = machine(A=task("A"), C=choice, End={"Type": "Succeed"})
        report = found(tmp_path, definition)
        assert list(report.control.values()) == [("$.todo",)]

    @pytest.mark.parametrize(
        "state",
        [
            {"Type": "Wait", "SecondsPath": "$.value.pause"},
            {"Type": "Pass", "Parameters": {"n.$": "States.ArrayLength($.value.pause)"}},
            {"Type": "Pass", "Parameters": {"n.$": "$.value.pause[*].x"}},
        ],
    )
    def test_other_readers(self, tmp_path, state):
        assert codes(found(tmp_path, machine(A=task("A"), B=state))) == ["SB201"]

    @pytest.mark.parametrize(
        ("resource", "expected"),
        [
            ("arn:aws:states:::dynamodb:putItem", ["SB201"]),
            ("arn:aws:states:::aws-sdk:s3:putObject", ["SB201"]),
            ("arn:aws:states:::sqs:sendMessage", ["SB203"]),
            ("arn:aws:states:::aws-sdk:sfn:startExecution", ["SB203"]),
            ("arn:aws:states:::states:startExecution.sync:2", ["SB203"]),
        ],
    )
    def test_what_a_service_is_given(self, tmp_path, resource, expected):
        service = {"Type": "Task", "Resource": resource, "ResultPath": None}
        left = frozenset({"SB010"})  # the parameters that each of them must have
        whole = {**service, "Parameters": {"Body.$": "$.value"}}
        assert codes(found(tmp_path, machine(A=task("A"), B=whole), ignored=left)) == []
        part = {**service, "Parameters": {"Body.$": "$.value.part"}}
        assert codes(found(tmp_path, machine(A=task("A"), B=part), ignored=left)) == expected

    def test_credentials(self, tmp_path):
        role = {"RoleArn.$": "$.value.role"}
        report = found(tmp_path, machine(A=task("A"), B=task("B", Credentials=role)))
        assert list(report.control.values()) == [("$.role",)]
        plain = {"RoleArn.$": "$.role"}
        first = task("A", ResultPath="$.a")
        assert codes(found(tmp_path, machine(A=first, B=task("B", Credentials=plain)))) == []

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [
            ("ItemReader", {"Parameters": {"Bucket.$": "$.value.b", "Key": "k"}}, "SB201"),
            ("ItemReader", {"ReaderConfig": {"MaxItemsPath": "$.value.n"}}, "SB201"),
            ("ItemBatcher", {"MaxItemsPerBatch": 2, "BatchInput": {"x.$": "$.value.x"}}, "SB203"),
            ("ItemBatcher", {"MaxItemsPerBatchPath": "$.value.n"}, "SB201"),
            ("ResultWriter", {"Parameters": {"Bucket": "b", "Prefix.$": "$.value.p"}}, "SB201"),
            ("ItemReader", {"Parameters": {"Bucket.$": "$.b", "Key": "k"}}, "SB009"),
            ("ItemReader", {"Parameters": {"Bucket": "b", "Key": "k"}}, None),
        ],
    )
    def test_what_a_distributed_map_reads_and_writes_with(self, tmp_path, field, value, code):
        inner = machine(I={"Type": "Pass", "Result": 1})
        inner["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        resources = {
            "ItemReader": {"Resource": "arn:aws:states:::s3:getObject"},
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject"},
            "ItemBatcher": {},
        }
        mapped = {"Type": "Map", "ItemProcessor": inner, field: {**resources[field], **value}}
        mapped.setdefault("ResultWriter", resources["ResultWriter"])
        report = found(tmp_path, machine(A=task("A"), M=mapped))
        told = [one for one in report.findings if one.path.startswith(f"$.States.M.{field}")]
        assert [one.code for one in told] == ([code] if code else [])

    def test_picking_a_field_needs_a_name(self, tmp_path):
        pick = {"Type": "Pass", "Parameters": {"x.$": "$.value.part"}}
        definition = machine(A=task("A"), B=pick)
        report = found(tmp_path, definition)
        assert codes(report) == ["SB203"]
        assert list(report.movable.values()) == [("$.part",)]
        assert codes(found(tmp_path, definition, movable=("$.part",))) == []
        assert codes(found(tmp_path, definition, movable=("$.part.inner",))) == []
        assert codes(found(tmp_path, definition, control=("$.part",))) == []
        assert codes(found(tmp_path, definition, movable=("$.other",))) == ["SB203"]

    def test_a_movable_path_is_not_one_that_is_read(self, tmp_path):
        definition = machine(
            A=task("A"),
            C=self.choice(Variable="$.value.part", IsNull=True),
            End={"Type": "Succeed"},
        )
        assert codes(found(tmp_path, definition, movable=("$.part",))) == ["SB201"]

    @pytest.mark.parametrize("payload", ["$", "$.value", "$.value.rows"])
    def test_a_function_that_opens_no_bags(self, tmp_path, payload):
        given = {"rows.$": payload}
        definition = machine(A=task("A"), B=task("B", payload=given, sealed=False))
        named = {"movable": ("$.rows",)}
        assert "SB205" in codes(found(tmp_path, definition, **named))
        report = found(tmp_path, definition, unsealed=("B",), **named)
        told = [one for one in report.findings if one.path == "$.States.B" and one.code == "SB204"]
        assert len(told) == 1
        assert "B does not open bags" in told[0].message
        assert "@statebag.step" in told[0].fix

    def test_a_function_that_is_given_control_paths_only(self, tmp_path):
        given = {"rows.$": "$.value.rows", "id.$": "$$.Execution.Id", "n": 1}
        definition = machine(A=task("A"), B=task("B", payload=given, sealed=False))
        assert codes(found(tmp_path, definition, control=("$.rows",), unsealed=("B",))) == []
        before = machine(B=task("B", sealed=False), A=task("A"))
        assert codes(found(tmp_path, before, unsealed=("B",))) == []

    def test_what_no_bag_holds_may_be_read(self, tmp_path):
        definition = machine(C=self.choice(Variable="$.x", IsNull=True), End={"Type": "Succeed"})
        assert codes(found(tmp_path, definition)) == []


class TestLosses:
    def test_a_store_that_is_not_asked_again(self, tmp_path):
        assert codes(found(tmp_path, machine(A=task("A", Retry=[])))) == ["SB301"]
        for name in ("States.ALL", "States.TaskFailed"):
            definition = machine(A=task("A", Retry=[{"ErrorEquals": [name]}]))
            assert codes(found(tmp_path, definition)) == []

    def caught(self, *handlers, **states):
        first = task("A", Catch=list(handlers), Next="End")
        return machine(A=first, End={"Type": "Succeed"}, Failed={"Type": "Fail"}, **states)

    def test_a_catch_that_goes_on_after_a_loss(self, tmp_path):
        handler = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "End"}
        report = found(tmp_path, self.caught(handler), ignored=frozenset({"SB002"}))
        assert codes(report) == ["SB302"]
        losses = {"ErrorEquals": ["BlobMissing", "BlobCorrupt"], "Next": "Failed"}
        assert codes(found(tmp_path, self.caught(losses, handler))) == []

    def test_a_catch_that_only_tells(self, tmp_path):
        handler = {"ErrorEquals": ["States.ALL"], "Next": "Failed"}
        assert codes(found(tmp_path, self.caught(handler))) == []

    def test_a_catch_that_drops_the_state(self, tmp_path):
        handler = {"ErrorEquals": ["Busy"], "Next": "End"}
        report = found(tmp_path, self.caught(handler), ignored=frozenset({"SB002"}))
        assert codes(report) == ["SB303"]

    def test_a_catch_of_a_plain_workflow_may(self, tmp_path):
        handler = {"ErrorEquals": ["States.ALL"], "Next": "B"}
        definition = machine(A=task("A", sealed=False, Catch=[handler]), B={"Type": "Succeed"})
        assert codes(found(tmp_path, definition)) == []


class TestAccepting:
    def test_by_code(self, tmp_path):
        definition = machine(A=task("A", Retry=[]))
        assert codes(found(tmp_path, definition, ignored=frozenset({"SB301"}))) == []

    def test_an_unknown_code_is_refused(self, tmp_path):
        with pytest.raises(ConfigurationError, match="SB999"):
            found(tmp_path, machine(A=task("A")), ignored=frozenset({"SB999"}))

    @pytest.mark.parametrize("where", ["state", "machine"])
    def test_by_a_comment(self, tmp_path, where):
        definition = machine(A=task("A", Retry=[]), B=task("B", Retry=[]))
        holder = definition["States"]["A"] if where == "state" else definition
        holder["Comment"] = "It is small. statebag: ignore SB301, SB302 the caller retries"
        report = found(tmp_path, definition)
        assert [one.path for one in report.findings] == (["$.States.B"] if where == "state" else [])
        assert report.accepted == (1 if where == "state" else 2)


def test_every_rule_is_in_the_page_with_its_severity():
    page = (Path(__file__).parents[2] / "docs" / "lint.md").read_text("utf-8")
    for code, rule in RULES.items():
        assert f"| `{code}` | {rule.severity} |" in page


def test_every_rule_is_told_somewhere_in_these_tests():
    told = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert [code for code in RULES if f'"{code}"' not in told] == []


def test_the_examples_are_read_with_their_templates():
    """Their functions' settings are known: nothing there is told to be unknown."""
    root = Path(__file__).parents[2]
    report = lint([root / "examples", root / "deploy"], Options())
    assert report.machines == 4
    assert {one.code for one in report.findings if one.severity == "error"} == set()
    assert report.control == {}
    assert report.movable == {}
    assert [one for one in report.findings if one.code != "SB108"] == []  # (loops that end)


def test_placeholders_without_quotes(tmp_path):
    file = tmp_path / "m.asl.json"
    text = json.dumps(machine(W={"Type": "Wait", "Seconds": "WAIT"})).replace('"WAIT"', "${Wait}")
    file.write_text(text)
    assert lint([file], Options()).findings == []


class TestChildren:
    """A distributed Map's children are executions of their own."""

    def definition(self, id_, **selector):
        work = task("W", payload={"state.$": "$", "execution_id.$": id_}, sealed=False, End=True)
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        return machine(
            A=task("A"),
            Each={
                "Type": "Map",
                "ItemsPath": "$.value.rows",
                "ItemSelector": {"item.$": "$$.Map.Item.Value", **selector},
                "ItemProcessor": {"ProcessorConfig": config, "StartAt": "W", "States": {"W": work}},
                "ResultPath": None,
            },
        )

    def test_a_bag_of_the_parent_under_the_id_of_the_child(self, tmp_path):
        told = found(
            tmp_path,
            self.definition("$$.Execution.Id", **{"all.$": "$.value"}),
            control=("$.rows",),
            sealed=("*",),
        )
        one = the(told, "SB206")
        assert one.path == "$.States.Each.ItemProcessor.States.W"
        assert "execution_id" in one.fix

    def test_the_id_of_the_parent(self, tmp_path):
        ids = {"execution_id.$": "$$.Execution.Id", "all.$": "$.value"}
        definition = self.definition("$.execution_id", **ids)
        options = {"control": ("$.rows",), "sealed": ("*",)}
        assert "SB206" not in codes(found(tmp_path, definition, **options))

    def test_variables_of_the_parent_are_not_seen(self, tmp_path):
        definition = self.definition("$.execution_id", **{"execution_id.$": "$$.Execution.Id"})
        definition["States"]["A"]["Assign"] = {"n": 1}
        work = definition["States"]["Each"]["ItemProcessor"]["States"]["W"]
        work["Parameters"]["Payload"]["n.$"] = "$n"
        options = {"control": ("$.rows",), "sealed": ("*",)}
        assert "SB009" in codes(found(tmp_path, definition, **options))
        work["Assign"] = {"m": 1}
        del work["Parameters"]["Payload"]["n.$"]
        assert "SB009" not in codes(found(tmp_path, definition, **options))


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("ecs:runTask", {"TaskDefinition": "t", "Overrides": {"Environment.$": "$"}}, True),
        ("ecs:runTask.sync", {"TaskDefinition": "t", "Overrides": {"Name": "x"}}, False),
        ("ecs:runTask", {"TaskDefinition": "t"}, False),
        ("aws-sdk:ecs:runTask", {"Overrides": {"Environment.$": "$"}}, True),
        ("aws-sdk:ssm:putParameter", {"Name": "p", "Value.$": "States.JsonToString($)"}, True),
        ("aws-sdk:ssm:putParameter", {"Name": "p", "Value": "x"}, False),
        ("aws-sdk:secretsmanager:putSecretValue", {"SecretString.$": "$"}, True),
        ("sqs:sendMessage", {"QueueUrl": "q", "MessageBody.$": "$"}, False),
        ("sns:publish", {"TopicArn": "t", "Message.$": "$"}, False),
        (
            "batch:submitJob",
            {"JobName": "j", "JobQueue": "q", "JobDefinition": "d", "Parameters.$": "$"},
            True,
        ),
        ("batch:submitJob", {"JobName": "j", "JobQueue": "q", "JobDefinition": "d"}, False),
    ],
)
def test_a_service_that_takes_less_than_a_payload(tmp_path, name, given, told):
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{name}", "Parameters": given}
    definition = machine(A={**state, "ResultPath": None})
    assert ("SB106" in codes(found(tmp_path, definition))) == told


def test_a_share_is_written_as_python(tmp_path):
    rows = {"Comment": "statebag: at most 36 items", "ItemsPath": "$.rows", "Type": "Map"}
    inner = {"StartAt": "W", "States": {"W": task("W", End=True)}}
    definition = machine(Each={**rows, "ItemProcessor": inner})
    fix = the(found(tmp_path, definition), "SB103").fix
    assert "budget=262_144 // 37" in fix
