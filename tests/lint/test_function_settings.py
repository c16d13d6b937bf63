"""What a template tells of its functions."""

import json
import textwrap

import pytest

from statebag.errors import ConfigurationError
from statebag.lint.function_settings import _bag_bytes
from statebag.lint.linter import Options, lint
from tests.lint.machines import machine, task

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Resources:
      Flow:
        Type: AWS::Serverless::StateMachine
        Properties:
          DefinitionUri: m.asl.json
          DefinitionSubstitutions: {StepArn: !GetAtt Step.Arn}
      Step:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: code, Handler: HANDLER}
"""
STEP = "import statebag\n\n@statebag.step\ndef handler(state, context):\n    return state\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "code" / "parts").mkdir(parents=True)
    definition = machine(A=task("${StepArn}", sealed=False))
    (tmp_path / "m.asl.json").write_text(json.dumps(definition))
    return tmp_path


def told(folder, handler, **files):
    for name, text in files.items():
        (folder / "code" / f"{name.replace('__', '/')}.py").write_text(text)
    file = folder / "template.yaml"
    file.write_text(textwrap.dedent(TEMPLATE).replace("HANDLER", handler))
    return {one.code for one in lint([file], Options()).findings}


SEALS = {"SB207", "SB301"}  # what seals must retry, and be given its execution's id
UNSEALED = {"SB101"}


@pytest.mark.parametrize(
    "statement", ["import bags", "from bags import sealed", "if True:\n  import bags"]
)
def test_a_module_beside_the_handler_seals(folder, statement):
    assert told(folder, "app.handler", app=statement, bags=STEP) == SEALS


@pytest.mark.parametrize(
    "statement",
    ["import parts.bags", "from parts.bags import sealed", "from parts import other, bags"],
)
def test_a_module_of_a_package(folder, statement):
    assert told(folder, "app.handler", app=statement, parts__bags=STEP) == SEALS


def test_a_handler_in_a_package(folder):
    assert told(folder, "parts.app.handler", parts__app=STEP) == SEALS
    assert told(folder, "parts/app.handler", parts__app=STEP) == SEALS


def test_modules_that_import_each_other_and_do_not_seal(folder):
    files = {"app": "import one", "one": "import app, json", "unused": STEP}
    assert told(folder, "app.handler", **files) == UNSEALED


def test_code_that_is_not_here_says_nothing(folder):
    assert told(folder, "missing.handler") == UNSEALED


def test_a_definition_that_is_put_together_as_the_cdk_does(tmp_path):
    text = json.dumps(machine(A=task("FUNCTION", sealed=False)))
    before, after = text.split("FUNCTION")
    start, end = before.split("arn:aws:states", 1)
    joined = [f"{start}arn:", {"Ref": "AWS::Partition"}, f":states{end}"]
    joined += [{"Fn::GetAtt": ["Step", "Arn"]}, after]
    template = {
        "Resources": {
            "Flow": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"DefinitionString": {"Fn::Join": ["", joined]}},
            },
            "Step": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Environment": {"Variables": {"STATEBAG_STORE": "s3://b/p"}}},
            },
        }
    }
    file = tmp_path / "stack.template.json"
    file.write_text(json.dumps(template))
    report = lint([file], Options())
    assert report.machines == 1
    assert {one.code for one in report.findings} == SEALS
    del template["Resources"]["Step"]["Properties"]["Environment"]
    file.write_text(json.dumps(template))
    assert {one.code for one in lint([file], Options()).findings} == UNSEALED
    template["Resources"]["Flow"]["Properties"]["DefinitionString"] = {"Fn::Join": "x"}
    file.write_text(json.dumps(template))
    assert [one.code for one in lint([file], Options()).findings] == ["SB001"]


BOMB = "StartAt: A\nz0: &z0 [x, x]\n" + "".join(
    f"z{n}: &z{n} [{', '.join([f'*z{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


ITSELF = "an alias stands inside of the value that it repeats"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB + "States: {A: {Type: Pass, Result: *z8, End: true}}", "line 8: it has too many"),
        ("StartAt: A\nStates: {A: &a {Type: Pass, Parameters: {x: *a}}}", f"line 2: {ITSELF}"),
        ("&m\nStartAt: A\nStates: {A: {Type: Map, ItemProcessor: *m}}", f"line 3: {ITSELF}"),
    ],
    ids=["bomb", "itself", "machine in itself"],
)
def test_what_anchors_make_endless(tmp_path, text, says):
    file = tmp_path / "m.asl.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        lint([file], Options())
    (found,) = lint([tmp_path], Options()).findings
    line, _, fault = says.removeprefix("line ").partition(": ")
    assert (found.code, found.line) == ("SB001", int(line))
    assert fault in found.message


def test_a_function_left_bare_beside_decorated_ones_does_not_seal(folder):
    from statebag.asl.machines import machines_in
    from statebag.lint.function_settings import function_settings

    (folder / "app.py").write_text(STEP + "\ndef bare(event, context):\n    return event\n")
    (folder / "template.yaml").write_text(
        """
        Resources:
          Good:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: ., Handler: app.handler}
          Bare:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: ., Handler: app.bare}
          M:
            Type: AWS::Serverless::StateMachine
            Properties:
              Definition: {StartAt: A, States: {A: {Type: Pass, End: true}}}
        """
    )
    (machine,) = machines_in(folder / "template.yaml", named=True)
    settings = function_settings(machine)
    assert (settings["Good"].seals, settings["Bare"].seals) == (True, False)


def test_a_handler_that_is_not_decorated_in_a_file_that_names_statebag(folder):
    app = STEP.replace("handler", "other") + "\n\ndef handler(event, context):\n    return event\n"
    assert told(folder, "app.handler", app=app) == UNSEALED
    assert told(folder, "app.other", app=app) == SEALS


def test_sealed_is_a_pattern_for_functions_of_a_template_too(folder):
    told(folder, "app.handler", app="def handler(event, context):\n    return event\n")
    for pattern in ("*", "Step*", "StepArn"):
        report = lint([folder / "template.yaml"], Options(sealed=(pattern,)))
        assert {one.code for one in report.findings} == SEALS, pattern


@pytest.mark.parametrize("scope", ['scope="$.run"', "scope = '$.run'"])
def test_a_step_that_names_another_path_of_the_executions_id(folder, scope):
    app = STEP.replace("@statebag.step", f"@statebag.step({scope})")
    assert told(folder, "app.handler", app=app) == {"SB301"}


@pytest.mark.parametrize("line", ["a = 'caf\u00e9'", "x=" + "-" * 200_000 + "1", "#" * 4_000_001])
def test_a_source_that_cannot_be_read_does_not_end_lint(folder, line):
    (folder / "code" / "app.py").write_bytes(line.encode("latin-1"))
    file = folder / "template.yaml"
    file.write_text(textwrap.dedent(TEMPLATE).replace("HANDLER", "app.handler"))
    assert {one.code for one in lint([file], Options()).findings} == UNSEALED


def test_of_a_handler_that_is_not_known_the_environment_tells(folder):
    app = STEP.replace("handler", "used").replace("@", "@app.on('x')\n@")
    app += "\napp = Router()\n\ndef handler(event, context):\n    return app.resolve(event)\n"
    assert told(folder, "app.handler", app=app) == UNSEALED
    with_store = "app.handler, Environment: {Variables: {STATEBAG_STORE: memory}}"
    assert told(folder, with_store, app=app) == SEALS


LETTER = """
      Letter:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: code, Handler: letter.handler, Runtime: RUNTIME}
"""


def in_another_language(folder, runtime, payload, **options):
    """The findings at a function that is given a part of a bag, and has statebag's variables."""
    definition = machine(
        A=task("${StepArn}", OutputPath="$.value"),
        B=task("${LetterArn}", sealed=False, payload=payload, ResultPath="$.letter"),
    )
    (folder / "m.asl.json").write_text(json.dumps(definition))
    (folder / "code" / "app.py").write_text(STEP)
    text = TEMPLATE.replace("Step.Arn}", "Step.Arn, LetterArn: !GetAtt Letter.Arn}")
    text = text.replace("HANDLER", "app.handler") + LETTER.replace("RUNTIME", runtime)
    globals_ = "Globals: {Function: {Environment: {Variables: {STATEBAG_STORE: file:///s}}}}\n"
    file = folder / "template.yaml"
    file.write_text(globals_ + textwrap.dedent(text))
    return lint([file], Options(**options))


@pytest.mark.parametrize("runtime", ["nodejs20.x", "java21", "dotnet8", "ruby3.3", "go1.x"])
@pytest.mark.parametrize("sealed", [(), ("*",)])
def test_a_function_in_another_language_seals_and_opens_nothing(folder, runtime, sealed):
    payload = {"name.$": "$.name", "execution_id.$": "$$.Execution.Id"}
    report = in_another_language(folder, runtime, payload, sealed=sealed)
    at_letter = {one.code: one for one in report.findings if one.path.startswith("$.States.B")}
    assert {"SB101", "SB201", "SB204"} <= at_letter.keys()
    assert "@statebag.step" not in " ".join(one.fix for one in at_letter.values())
    assert report.needed[str(folder / "m.asl.json")] == ("$.name",)
    assert not report.movable  # a stub would be of no use to it


def test_a_function_in_another_language_with_what_is_advised(folder):
    payload = {"name.$": "$.name"}
    options = {"control": ("$.name",)}
    report = in_another_language(folder, "nodejs20.x", payload, **options)
    assert {one.code for one in report.findings} == {"SB101", "SB102"}
    (finding,) = [one for one in report.findings if one.code == "SB101"]
    assert 'say "statebag: at most N bytes" in the Comment' in finding.fix
    definition = json.loads((folder / "m.asl.json").read_text())
    definition["States"]["B"]["Comment"] = "statebag: at most 2,000 bytes"
    (folder / "m.asl.json").write_text(json.dumps(definition))
    assert not lint([folder / "template.yaml"], Options(**options)).findings


def test_a_function_in_another_language_that_is_named_as_one_that_seals(folder):
    report = in_another_language(folder, "nodejs20.x", {"name.$": "$.name"}, sealed=("LetterArn",))
    assert not {"SB101", "SB204"} & {one.code for one in report.findings}


@pytest.mark.parametrize("runtime", ["provided.al2023", "python3.12", "!Ref Runtime"])
def test_what_may_be_python(folder, runtime):
    report = in_another_language(folder, runtime, {"execution_id.$": "$$.Execution.Id"})
    assert "SB101" not in {one.code for one in report.findings}


@pytest.mark.parametrize("bound", ["²", "٣", "9" * 5_000, "-1", "many"])
def test_a_bound_that_is_not_a_number_of_bytes_is_not_known(folder, bound):
    assert _bag_bytes(folder, {}, {"STATEBAG_MAX_BAG_BYTES": bound}) is None
    assert _bag_bytes(folder, {}, {"STATEBAG_MAX_BAG_BYTES": "65536"}) == 65_536
