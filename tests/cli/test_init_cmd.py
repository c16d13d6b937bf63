"""What `statebag init` writes, and what it leaves alone."""

import json
import tomllib
from pathlib import Path

from tests.cli.program import statebag
from tests.local.test_settings_file import MACHINE

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_template_names_its_functions_itself(folder):
    (folder / "flow").symlink_to(EXAMPLES / "source_audit")
    result = statebag("init", "flow/template.yaml")
    assert result.exit_code == 0
    written = tomllib.loads((folder / "statebag.toml").read_text("utf-8"))
    assert written["template"] == "flow/template.yaml"
    assert "handlers" not in written
    assert all(path.startswith("$.") for path in written["control"])


def test_a_file_that_is_there_is_kept(folder):
    (folder / "machine.asl.json").write_text(json.dumps(MACHINE))
    (folder / "statebag.toml").write_text("# mine\n")
    result = statebag("init", "machine.asl.json")
    assert result.exit_code > 0
    assert "--force" in result.stderr
    assert (folder / "statebag.toml").read_text() == "# mine\n"
    assert statebag("init", "machine.asl.json", "--force").exit_code == 0
    assert "ReadPageArn" in (folder / "statebag.toml").read_text()


def test_what_a_person_wrote_is_kept(folder):
    """As often as init looks for functions that are not decorated."""
    (folder / "machine.asl.json").write_text(json.dumps(MACHINE))
    written = """
        template = "machine.asl.json"
        control = ["$.old"]
        input = "입력.json"
        [handlers]
        ReadPageArn = "app.py:read_page"
        Mine = "app.py:mine"
        [env]
        LOG_LEVEL = "DEBUG"
    """
    (folder / "statebag.toml").write_text(written)
    for _ in range(2):
        result = statebag("init", "machine.asl.json", "--force")
        assert result.exit_code == 0, result.stderr
        found = tomllib.loads((folder / "statebag.toml").read_text())
        assert found["input"] == "입력.json"
        assert found["env"] == {"LOG_LEVEL": "DEBUG"}
        assert found["handlers"]["ReadPageArn"] == "app.py:read_page"
        assert found["handlers"]["Mine"] == "app.py:mine"
        assert "$.old" not in found.get("control", [])
        assert "in place of: " not in result.stdout
        (folder / "statebag.toml").write_text(written)
    assert "no longer in control" in result.stdout
    assert "$.old" in result.stdout
    (folder / "statebag.toml").unlink()
    assert "in place of: ReadPageArn" in statebag("init", "machine.asl.json").stdout


def test_a_file_that_is_not_toml_is_not_replaced(folder):
    (folder / "machine.asl.json").write_text(json.dumps(MACHINE))
    (folder / "statebag.toml").write_text("input = \n")
    result = statebag("init", "machine.asl.json", "--force")
    assert result.exit_code == 20
    assert (folder / "statebag.toml").read_text() == "input = \n"


def test_a_file_without_a_machine(folder):
    (folder / "template.yaml").write_text("Resources: {}\n")
    result = statebag("init", "template.yaml")
    assert result.exit_code > 0
    assert "has no state machine" in result.stderr
    assert not (folder / "statebag.toml").exists()


def test_what_is_not_there_is_said(folder):
    (folder / "template.yaml").write_text(
        """
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: ., Handler: app.f, Runtime: python3.12}
          M:
            Type: AWS::Serverless::StateMachine
            Properties:
              Definition:
                StartAt: A
                States: {A: {Type: Task, Resource: !GetAtt F.Arn, End: true}}
        """
    )
    (folder / "app.py").write_text("def f(event, context): return event")
    result = statebag("init")
    assert result.exit_code == 0, result.stderr
    assert "no control or movable path: " in result.stdout
    assert "not decorated yet: F. Put @statebag.step around" in result.stdout
    assert statebag("run").exit_code == 0


def test_files_of_other_tools_say_what_to_run(folder):
    (folder / "serverless.yml").write_text("service: x\nprovider: {name: aws}\n")
    for arguments in (
        ["init"],
        ["init", "serverless.yml"],
        ["run", "serverless.yml"],
        ["init", "."],
    ):
        result = statebag(*arguments)
        assert result.exit_code == 20
        assert "Run `serverless package`, then name .serverless/cloudform" in result.stderr
    assert statebag("lint", "serverless.yml").exit_code == 20
    assert not (folder / "statebag.toml").exists()


def test_a_command_or_a_file_that_is_not_there(folder):
    assert "Did you mean init?" in statebag("innit").stderr
    assert statebag("init", "nothing.yaml").exit_code == 2


def test_a_function_in_another_language(folder):
    """Nobody can decorate it: it is given what stays plain."""
    (folder / "app.py").write_text("def f(event, context):\n    return event\n")
    (folder / "template.yaml").write_text(
        """
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: ., Handler: app.f, Runtime: python3.12}
          Letter:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: ., Handler: letter.handler, Runtime: nodejs22.x}
          M:
            Type: AWS::Serverless::StateMachine
            Properties:
              Definition:
                StartAt: A
                States:
                  A: {Type: Task, Resource: !GetAtt F.Arn, Next: B}
                  B:
                    Type: Task
                    Resource: !GetAtt Letter.Arn
                    Parameters: {name.$: $.이름}
                    End: true
        """
    )
    shown = statebag("init").stdout
    assert "not decorated yet: F. " in shown
    assert "control paths only: Letter (nodejs22.x)" in shown
    assert "in place of: Letter" in shown
    written = tomllib.loads((folder / "statebag.toml").read_text("utf-8"))
    assert written["control"] == ["$.이름"]
    assert "movable" not in written


def test_a_definition_with_a_syntax_error_is_an_error_with_its_line(folder):
    (folder / "machine.asl.json").write_text('{"StartAt": "A",\n "States": {,}}')
    for arguments in ((), ("machine.asl.json",)):
        result = statebag("init", *arguments)
        assert result.exit_code == 20
        assert "machine.asl.json is not JSON: line 2, column 13" in result.stderr
    assert not (folder / "statebag.toml").exists()


def test_a_template_whose_definition_is_not_there_is_an_error(folder):
    (folder / "template.yaml").write_text(
        "Resources:\n"
        "  M:\n"
        "    Type: AWS::Serverless::StateMachine\n"
        "    Properties: {DefinitionUri: gone.asl.json}\n"
    )
    result = statebag("init")
    assert result.exit_code == 20
    assert "there is no file gone.asl.json" in result.stderr
    found = statebag("lint", folder)
    assert found.exit_code == 4
    assert "there is no file" in found.stdout
