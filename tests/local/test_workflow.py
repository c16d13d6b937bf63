"""From a file to a workflow that can run."""

import json
import os
import textwrap

import pytest

from statebag.errors import ConfigurationError
from statebag.local import run
from statebag.local.workflow import load_workflow

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Globals:
      Function:
        Environment:
          Variables: {STATEBAG_STORE: !Sub "s3://${AWS::AccountId}/x", LEVEL: low}
    Resources:
      Flow:
        Type: AWS::Serverless::StateMachine
        Properties:
          DefinitionUri: flow.asl.json
          DefinitionSubstitutions:
            DraftArn: !GetAtt Draft.Arn
            JudgeArn: !GetAtt Judge.Arn
      Draft:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: draft, Handler: app.handler}
      Judge:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: judge, Handler: app.handler, FunctionName: the-judge}
      Unrelated:
        Type: AWS::Serverless::Function
        Properties: {PackageType: Image}
      Broken:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: draft, Handler: broken.handler}
"""
HERE = "arn:aws:lambda:us-east-1:123456789012:function:"


def invoke(name, **rest):
    resource = "arn:aws:states:::lambda:invoke"
    return {"Type": "Task", "Resource": resource, "Parameters": {"FunctionName": name}, **rest}


FLOW = {
    "StartAt": "Draft",
    "States": {
        "Draft": invoke("${DraftArn}", Next="Judge"),
        "Judge": {"Type": "Task", "Resource": "${JudgeArn}", "End": True},
    },
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEVEL", raising=False)
    (tmp_path / "template.yaml").write_text(textwrap.dedent(TEMPLATE))
    (tmp_path / "flow.asl.json").write_text(json.dumps(FLOW))
    for name in ("draft", "judge"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(
            f"import os\nNAME = {name!r}\n"
            "def handler(event, context):\n"
            "    return NAME, os.environ.get('LEVEL'), os.environ.get('STATEBAG_STORE')\n"
        )
    return tmp_path


def test_a_template_gives_the_definition_and_its_functions(folder):
    workflow = load_workflow("template.yaml", environment={"STATEBAG_STORE": "memory://"})
    assert workflow.name == "Flow"
    assert workflow.definition["States"]["Draft"]["Parameters"]["FunctionName"] == HERE + "Draft"
    assert workflow.definition["States"]["Judge"]["Resource"] == HERE + "the-judge"
    assert workflow.functions["Draft"]({}, None) == ("draft", "low", "memory://")
    assert workflow.functions["the-judge"]({}, None) == ("judge", "low", "memory://")
    assert "LEVEL" not in os.environ


def test_functions_have_the_region_as_in_lambda(folder):
    (folder / "judge/app.py").write_text(
        "import os\nR = os.environ['AWS_REGION']\ndef handler(e, c): return R"
    )
    workflow = load_workflow("template.yaml", region="eu-west-1")
    assert workflow.functions["the-judge"]({}, None) == "eu-west-1"
    assert ":eu-west-1:" in workflow.definition["States"]["Judge"]["Resource"]


def test_a_function_that_the_definition_does_not_name_fails_only_when_it_is_called(folder):
    workflow = load_workflow("template.yaml")
    for name, says in [("Unrelated", "container image"), ("Broken", "broken.py")]:
        with pytest.raises(ConfigurationError, match=says):
            workflow.functions[name]({}, None)


def test_a_function_that_it_names_fails_at_once(folder):
    (folder / "judge/app.py").unlink()
    with pytest.raises(ConfigurationError, match=r"function Judge: .*judge/app.py"):
        load_workflow("template.yaml")


@pytest.mark.parametrize("key", ["Judge", "the-judge"])
def test_a_handler_takes_the_place_of_a_templates_function_in_its_environment(folder, key):
    (folder / "mine.py").write_text("import os\ndef fake(e, c): return 'fake', os.environ['LEVEL']")
    (folder / "judge/app.py").unlink()
    workflow = load_workflow("template.yaml", handlers={key: "mine:fake"})
    assert workflow.functions["the-judge"]({}, None) == ("fake", "low")


def test_a_handler_may_be_any_callable(folder):
    given = {"Judge": lambda _event, _context: os.environ["LEVEL"]}
    assert load_workflow("template.yaml", handlers=given).functions["the-judge"]({}, None) == "low"


def test_several_state_machines(folder):
    text = (folder / "template.yaml").read_text()
    other = textwrap.dedent("""
      Child:
        Type: AWS::Serverless::StateMachine
        Properties:
          Name: the-child
          Definition:
            StartAt: C
            States: {C: {Type: Task, Resource: !GetAtt Judge.Arn, End: true}}
    """)
    (folder / "template.yaml").write_text(text + textwrap.indent(other, "  "))
    chosen = load_workflow("template.yaml")
    assert chosen.name == load_workflow("template.yaml", machine="Flow").name
    assert "2 state machines (Child, Flow), and Flow was run: --machine Child" in chosen.note
    with pytest.raises(ConfigurationError, match=r"no state machine Chidl.*Child, Flow"):
        load_workflow("template.yaml", machine="Chidl")
    workflow = load_workflow("template.yaml", machine="Child")
    assert (workflow.name, workflow.machines) == ("the-child", {})


def test_machines_that_it_starts_come_along(folder):
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": {"Ref": "Child"}},
        "End": True,
    }
    child = {"StartAt": "C", "States": {"C": {"Type": "Pass", "End": True}}}
    kind = "AWS::Serverless::StateMachine"
    resources = {
        "Parent": {
            "Type": kind,
            "Properties": {"Definition": {"StartAt": "S", "States": {"S": start}}},
        },
        "Child": {"Type": kind, "Properties": {"Definition": child, "Name": "kid"}},
        "Other": {"Type": kind, "Properties": {}},
    }
    (folder / "t.json").write_text(json.dumps({"Resources": resources}))
    workflow = load_workflow("t.json", machine="Parent")
    assert workflow.machines == {"kid": child}


def test_a_template_without_a_state_machine(folder):
    (folder / "t.yaml").write_text("Resources: {}")
    with pytest.raises(ConfigurationError, match="no state machine"):
        load_workflow("t.yaml")


def test_a_bare_definition_with_placeholders_gives_the_command_line_that_binds_them(folder):
    with pytest.raises(ConfigurationError) as caught:
        load_workflow("flow.asl.json", handlers={"DraftArn": "draft/app.py:handler"})
    assert caught.value.message == "1 function has no handler: JudgeArn"
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(
        "statebag run flow.asl.json --handler DraftArn=draft/app.py:handler "
        "--handler JudgeArn=module:function"
    )


def test_a_bare_definition_with_handlers_in_files_of_the_same_name(folder):
    given = {"DraftArn": "draft/app.py:handler", "JudgeArn": "judge/app.py:handler"}
    workflow = load_workflow("flow.asl.json", handlers=given, environment={"LEVEL": "x"})
    assert workflow.name == "flow"
    assert workflow.functions["DraftArn"]({}, None)[:2] == ("draft", "x")
    assert workflow.functions["JudgeArn"]({}, None)[:2] == ("judge", "x")


def test_a_handler_in_a_package_of_the_working_directory(folder):
    given = dict.fromkeys(("DraftArn", "JudgeArn"), "draft.app:handler")
    assert (
        load_workflow("flow.asl.json", handlers=given).functions["JudgeArn"]({}, None)[0] == "draft"
    )


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nothing", "not of the form NAME=module:function"),
        ("a:b c", "not of the form"),
        ("no/such.py:f", "there is no file no/such.py"),
        ("no_such_module:f", "neither in .* nor installed"),
        ("draft/app.py:nobody", "has no function nobody"),
    ],
)
def test_handlers_that_are_not_there(folder, target, says):
    with pytest.raises(ConfigurationError, match=says):
        load_workflow("template.yaml", handlers={"Judge": target})


def test_a_handler_for_nobody_is_refused(folder):
    with pytest.raises(ConfigurationError, match=r"no function Jugde.*Draft.*the-judge"):
        load_workflow("template.yaml", handlers={"Jugde": "draft.app:handler"})


def test_a_handler_for_a_name_that_is_computed_is_kept(folder):
    states = {"A": {**invoke("x"), "Parameters": {"FunctionName.$": "$.f"}, "End": True}}
    (folder / "m.json").write_text(json.dumps({"StartAt": "A", "States": states}))
    workflow = load_workflow("m.json", handlers={"judge": "judge.app:handler"})
    assert workflow.functions["judge"]({}, None)[0] == "judge"


@pytest.mark.parametrize("options", [{"machine": "Flow"}, {"parameters": {"A": "b"}}])
def test_options_of_templates_are_refused_for_definitions(folder, options):
    with pytest.raises(ConfigurationError, match="not a template"):
        load_workflow("flow.asl.json", **options)


def test_pseudo_parameters_in_a_bare_definition(folder):
    text = json.dumps(FLOW).replace(
        "${DraftArn}", "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:d"
    )
    (folder / "m.json").write_text(text.replace("${JudgeArn}", "d"))
    workflow = load_workflow("m.json", handlers={"d": "draft.app:handler"})
    assert workflow.definition["States"]["Draft"]["Parameters"]["FunctionName"] == HERE + "d"


def test_an_anchor_that_contains_itself(folder):
    (folder / "t.yaml").write_text(
        "Resources:\n  M:\n    Type: AWS::Serverless::StateMachine\n"
        "    Properties:\n      Definition: &d {States: {A: *d}}\n"
    )
    with pytest.raises(ConfigurationError, match="line 5: an alias stands inside of the value"):
        load_workflow("t.yaml")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("AWS::Serverless::StateMachine", "Type"),
        ("AWS::StepFunctions::StateMachine", "StateMachineType"),
    ],
)
def test_an_express_machine_of_a_template_runs_as_one(tmp_path, kind, field):
    """Its execution's id ends in a part more (Developer Guide, "Express workflows")."""
    state = {"Type": "Pass", "Parameters": {"id.$": "$$.Execution.Id"}, "End": True}
    definition = {"StartAt": "P", "States": {"P": state}}
    properties = {"Definition": definition, field: "EXPRESS"}
    template = {"Resources": {"Fast": {"Type": kind, "Properties": properties}}}
    (tmp_path / "template.json").write_text(json.dumps(template))
    execution = run(tmp_path / "template.json", execution_name="one")
    parts = execution.output["id"].split(":")
    assert parts[5:8] == ["express", execution.arn.split(":")[6], "one"]
    assert len(parts) == 9
    assert run(definition, execution_name="one").output["id"].split(":")[5] == "execution"


def test_a_definition_with_functions_of_cloudformation_runs_with_mocks(tmp_path):
    definition = {
        "StartAt": "A",
        "States": {"A": {"Type": "Task", "Resource": {"Fn::GetAtt": ["pay", "Arn"]}, "End": True}},
    }
    (tmp_path / "machine.json").write_text(json.dumps(definition))
    assert run(tmp_path / "machine.json", mocks={"A": {"Return": 5}}).output == 5
