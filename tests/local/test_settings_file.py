"""Settings that no command line has to repeat: where they are read, and what is refused."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from statebag.errors import ConfigurationError
from statebag.local.settings_file import (
    SETTINGS,
    defaults_of,
    settings_file,
    workflow_settings,
)
from tests.cli.program import statebag

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")

MACHINE = {
    "StartAt": "Read",
    "States": {
        "Read": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": "${ReadPageArn}",
                "Payload": {"execution_id.$": "$$.Execution.Id", "state.$": "$"},
            },
            "OutputPath": "$.Payload",
            "Retry": [{"ErrorEquals": ["StoreUnavailable"], "MaxAttempts": 5}],
            "Next": "More",
        },
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.more", "BooleanEquals": True, "Next": "Read"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
APP = """
import os
import statebag

@statebag.step(bag_path="$.state")
def read_page(state, context):
    page = state.get("page", 0) + 1
    return {"page": page, "more": page < 3, "level": os.environ["LOG_LEVEL"], "text": "x" * 50_000}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("STATEBAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(folder):
    """A folder with a machine, a function and an input, as on the page."""
    (folder / "machine.asl.json").write_text(json.dumps(MACHINE))
    (folder / "app.py").write_text(APP)
    (folder / "input.json").write_text("{}")
    return folder


def from_the_page():
    return re.search(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]


def test_the_commands_of_the_page(project):
    assert statebag("init", "machine.asl.json").exit_code == 0
    written = tomllib.loads((project / "statebag.toml").read_text("utf-8"))
    shown = tomllib.loads(from_the_page())
    assert written["template"] == shown["template"]
    assert written["control"] == shown["control"]
    assert written["handlers"].keys() == shown["handlers"].keys()
    assert "ReadPageArn" in statebag("run").stderr, "the function is still to be named"
    (project / "statebag.toml").write_text(from_the_page())
    ran = statebag("run", "--output", "output.json")
    assert ran.exit_code == 0, ran.output
    assert statebag("cat", "output.json", "$.level").stdout == '"DEBUG"\n'
    assert statebag("lint", "--sealed", "*").exit_code == 0


def test_a_table_of_pyproject_in_a_folder_above(project, monkeypatch):
    text = (
        from_the_page().replace("[", "[tool.statebag.", 1).replace("[env]", "[tool.statebag.env]")
    )
    text = re.sub(r"\[tool\.statebag\.\"", '["', text)
    head, _, tables = from_the_page().partition("[handlers]")
    tables = tables.replace("[env]", "[tool.statebag.env]")
    (project / "pyproject.toml").write_text(
        f"[project]\nname = 'x'\n[tool.statebag]\n{head}[tool.statebag.handlers]{tables}"
    )
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    ran = statebag("run", "--store", (project / "store").as_uri())
    assert ran.exit_code == 0, ran.output


def test_an_option_replaces_a_setting(project):
    (project / "statebag.toml").write_text(from_the_page())
    ran = statebag("run", "--handler", "ReadPageArn=elsewhere.py:f")
    assert ran.exit_code > 0
    assert "elsewhere.py" in ran.stderr


def test_the_store_of_the_shell_is_nearer(project, monkeypatch):
    (project / "statebag.toml").write_text('store = "kept"\n')
    file, settings = settings_file(project)
    assert defaults_of(file, settings, {"store"}) == {"store": "kept"}
    monkeypatch.setenv("STATEBAG_STORE", "memory://mine")
    assert defaults_of(file, settings, {"store"}) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("templat = 'x'", "Did you mean template?"),
        ("zzz = 1", "The settings are template, machine"),
        ("handlers = ['a']", "handlers must be a table of texts, not list"),
        ("control = '$.a'", "control must be a list of texts, not str"),
        ("[env]\nA = 1", "env must be a table of texts, not dict"),
        ("template = ", "cannot be read as TOML"),
    ],
)
def test_what_a_file_may_not_say(project, text, told):
    (project / "statebag.toml").write_text(text)
    result = statebag("run")
    assert result.exit_code > 0
    assert told in result.stderr
    assert "statebag.toml" in result.stderr
    assert statebag("run", "--help").exit_code == 0


def test_tool_statebag_is_a_table(project):
    (project / "pyproject.toml").write_text("[tool]\nstatebag = 1")
    with pytest.raises(ConfigurationError, match="must be a table, not int"):
        settings_file(project)


def test_a_file_without_the_table_is_none(project):
    (project / "pyproject.toml").write_text("[project]\nname = 'x'")
    found = settings_file(project)
    assert found is None or project not in found[0].parents


def test_every_setting_is_on_the_page():
    named = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert named == list(SETTINGS)


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000, "n = " + "9" * 5_000])
def test_a_file_that_no_reader_takes_is_a_clear_error(project, text):
    (project / "statebag.toml").write_text(text)
    result = statebag("run")
    assert result.exit_code == 20
    assert "cannot be read as TOML" in result.stderr


def test_deployed_functions_have_the_paths_of_their_template_alone(project):
    (project / "statebag.toml").write_text(from_the_page())
    file, settings = settings_file(project)
    strict = defaults_of(file, settings, {"variables"})
    deployed = defaults_of(file, settings, {"variables"}, as_deployed=True)
    assert strict["variables"] == ["STATEBAG_CONTROL=$.more", "LOG_LEVEL=DEBUG"]
    assert deployed["variables"] == ["LOG_LEVEL=DEBUG"]
    assert defaults_of(file, settings, {"paths", "control"})["control"] == ["$.more"]
    (project / "template.yaml").write_text("Resources:\n  M: {Type: X}\n")
    of_machine = {**settings, "template": "template.yaml"}
    assert defaults_of(file, of_machine, {"paths", "control"})["control"] == ["$.more"]
    (project / "template.yaml").write_text("Resources:\n  F: {Type: AWS::Lambda::Function}\n")
    of_template = {**settings, "template": "template.yaml"}
    assert "control" not in defaults_of(file, of_template, {"paths", "control"})


def test_lint_needs_no_argument(project):
    (project / "statebag.toml").write_text(from_the_page())
    result = statebag("lint")
    assert result.exit_code in {0, 4}, result.stderr
    assert "1 state machine" in result.stderr


def test_what_a_workflow_is_loaded_with(tmp_path):
    settings = {
        "template": "t.yaml",
        "machine": "M",
        "handlers": {"F": "code/app.py:f", "G": "package.module:g", "H": ""},
        "env": {"A": "1", "STATEBAG_CONTROL": "$.own"},
        "control": ["$.a"],
        "movable": ["$.b", "$.c"],
        "store": "elsewhere",
    }
    given = workflow_settings(tmp_path / "statebag.toml", settings)
    code = given["handlers"].pop("F")
    assert Path(code.removesuffix(":f")).resolve() == (tmp_path / "code/app.py").resolve()
    assert given == {
        "path": tmp_path / "t.yaml",
        "machine": "M",
        "handlers": {"G": "package.module:g"},
        "environment": {
            "A": "1",
            "STATEBAG_CONTROL": "$.own",
            "STATEBAG_MOVABLE": "$.b,$.c",
        },
    }
    given = workflow_settings(tmp_path / "statebag.toml", settings, as_deployed=True)
    assert "STATEBAG_MOVABLE" not in given["environment"]
    assert workflow_settings(tmp_path / "statebag.toml", {}) == {}
