"""From what an abstract run tells to findings and settings."""

import json
import re

import pytest

from statebag.asl.model import Definition
from statebag.errors import ConfigurationError
from statebag.lint.checks import Checks, control_paths, movable_paths
from statebag.lint.linter import Options, lint
from statebag.lint.sources import InBag, Source, SourcePart
from tests.lint.machines import found, machine, task

EMPTY = Definition({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
BAG = Source("$.States.A", 1000)


def part(*path):
    return SourcePart(BAG, path, (InBag(path),))


@pytest.fixture
def said():
    return []


@pytest.fixture
def checks(said):
    return Checks(
        EMPTY, control_paths(["$.kept"]), movable_paths(["$.moved"]), lambda *one: said.append(one)
    )


@pytest.mark.parametrize(
    ("how", "code", "wanted", "moved"),
    [
        ("value", "SB201", ["$.a.b"], []),
        ("items", "SB202", ["$.a.b"], []),
        ("write", "SB201", ["$.a.b"], []),
        ("pick", "SB203", [], ["$.a.b"]),
    ],
)
def test_a_field_inside_a_bag_becomes_a_finding_and_a_setting(
    checks, said, how, code, wanted, moved
):
    checks.reads("$.C", part("a", "b"), how)
    checks.reads("$.C", part("a", "b"), how)
    assert [one[1] for one in said] == [code]
    assert (list(checks.wanted), list(checks.moved)) == (wanted, moved)


def test_control_and_movable_paths_are_no_findings(checks, said):
    checks.reads("$.C", part("kept"), "value")
    checks.reads("$.C", part("kept", "deeper"), "value")
    checks.reads("$.C", part("moved"), "pick")
    checks.reads("$.C", SourcePart(BAG, ("a",)), "value")
    assert said == []
    checks.reads("$.C", part("moved"), "value")
    assert said[0][1] == "SB201"


def test_an_item_of_an_array_asks_for_the_array(checks):
    checks.reads("$.C", part("list", 0, "n"), "value")
    assert list(checks.wanted) == ["$.list"]


@pytest.mark.parametrize("read", [control_paths, movable_paths])
def test_a_setting_that_is_no_path(read):
    with pytest.raises(ConfigurationError):
        read(["$.a["])


def handed_out(kept):
    """A template whose three branches seal, and whose state keeps its input or not."""
    branches = [machine(**{name: task(f"${{{name}Arn}}", OutputPath="$.value")}) for name in "BCD"]
    definition = machine(
        A=task("${AArn}", OutputPath="$.value"),
        All={"Type": "Parallel", "Branches": branches, **({"ResultPath": "$.all"} if kept else {})},
    )
    return definition, {
        "Resources": {
            "M": {
                "Type": "AWS::Serverless::StateMachine",
                "Properties": {
                    "DefinitionUri": "m.asl.json",
                    "DefinitionSubstitutions": {
                        f"{name}Arn": {"Fn::GetAtt": [name, "Arn"]} for name in "ABCD"
                    },
                },
            },
            **{
                name: {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {"Handler": f"{name.lower()}.handler"},
                }
                for name in "ABCD"
            },
        }
    }


@pytest.mark.parametrize("kept", [False, True])
def test_the_share_that_is_advised_for_branches_is_enough(tmp_path, kept):
    """The advice is put into the handlers' decorators, and nothing is found then."""
    definition, template = handed_out(kept)
    (tmp_path / "m.asl.json").write_text(json.dumps(definition))
    (tmp_path / "template.json").write_text(json.dumps(template))
    text = "import statebag\n\n\n@statebag.step\ndef handler(state, context):\n    return state\n"
    for name in "abcd":
        (tmp_path / f"{name}.py").write_text(text)
    (finding,) = lint([tmp_path / "template.json"], Options()).findings
    assert finding.code == "SB104"
    step = re.search(r"@statebag\.step\(.*\)(?=,)", finding.fix)[0]
    assert step == f"@statebag.step(budget={'(262_144 - 98_304)' if kept else '262_144'} // 4)"
    for name in "bcd":
        (tmp_path / f"{name}.py").write_text(text.replace("@statebag.step", step))
    assert not lint([tmp_path / "template.json"], Options()).findings


def test_the_share_that_is_advised_beside_what_a_map_keeps(tmp_path):
    work = machine(Work=task("f", OutputPath="$.value"))
    definition = machine(
        A=task("g", OutputPath="$.value"),
        Each={
            "Type": "Map",
            "Comment": "statebag: at most 5 items",
            "ItemsPath": "$.items",
            "ItemProcessor": work,
            "ResultPath": "$.results",
        },
    )
    report = found(tmp_path, definition, control=("$.items",))
    (finding,) = report.findings
    assert finding.code == "SB103"
    assert "@statebag.step(budget=(262_144 - 98_304) // 6)" in finding.fix


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_the_id_of_the_parent_is_where_it_is_advised(tmp_path, batched, language):
    """The members that the advice names are put where it says, and nothing is found then."""
    child = machine(Work=task("f", sealed=False, Retry=[{"ErrorEquals": ["StoreUnavailable"]}]))
    work = child["States"]["Work"]
    work["Parameters"]["Payload"] = {} if language == "JSONata" else {"it.$": "$"}
    if language == "JSONata":
        work = child["States"]["Work"] = {
            "Type": "Task",
            "QueryLanguage": "JSONata",
            "Resource": work["Resource"],
            "Arguments": {"FunctionName": "f", "Payload": {"it": "{% $states.input %}"}},
            "Retry": work["Retry"],
            "End": True,
        }
    each = {
        "Type": "Map",
        "ItemsPath": "$.rows",
        "ItemSelector": {"row.$": "$$.Map.Item.Value"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **child,
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "b", "Prefix": "p"},
        },
    }
    if batched:
        each["ItemBatcher"] = {"MaxItemsPerBatch": 5}
    (finding,) = found(tmp_path, machine(Each=each), sealed=("f",)).findings
    assert finding.code == "SB207"
    given, taken = (
        json.loads(f"{{{one}}}") for one in re.findall(r'"[^"]+": "[^"]+"', finding.fix)
    )
    assert ("BatchInput" in finding.fix) == batched
    if batched:
        each["ItemBatcher"]["BatchInput"] = given
    else:
        each["ItemSelector"] |= given
    (work.get("Parameters") or work["Arguments"])["Payload"] |= taken
    assert not found(tmp_path, machine(Each=each), sealed=("f",)).findings
