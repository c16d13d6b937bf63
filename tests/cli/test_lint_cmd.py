"""`statebag lint` as a person and as a pipeline calls it."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from statebag.cli.lint_cmd import command
from statebag.lint.finding import RULES
from tests.cli.program import is_one_clear_line, run_examples, statebag
from tests.lint.machines import machine, task


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "machine.asl.json"
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.value.route", "StringEquals": "x", "Next": "End"}],
    }
    definition = machine(A=task("A", Retry=[]), C=choice, End={"Type": "Succeed"})
    path.write_text(json.dumps(definition, indent=2))
    return path


def test_a_line_a_finding_with_its_place_and_fix(file):
    result = statebag("lint", file)
    first, second, *control = result.stdout.splitlines()
    assert result.exit_code == 4
    assert first.startswith(f"{file}:4:5: SB301 warning: $.States.A: A reads and writes")
    assert "Add to Retry" in first
    assert f"{file}:24:11: SB201 error: $.States.C.Choices[0].Variable: reads $.route" in second
    assert control[1:] == ['  Policy(control=("$.route",))', "  STATEBAG_CONTROL=$.route"]
    assert result.stderr == "2 findings, 1 note (--notes) in 1 state machine\n"
    assert "SB004" in statebag("lint", file, "--notes").stdout


def test_nothing_found(file):
    result = statebag("lint", file, "--ignore", "SB301", "--control", "$.route")
    assert (result.exit_code, result.stdout) == (0, "")


def test_the_control_paths_are_printed_whole(file):
    asked = statebag("lint", "--control", file)
    assert (asked.exit_code, asked.stdout) == (0, "STATEBAG_CONTROL=$.route\n")
    more = statebag("lint", file, "--control", "$.other", "--movable", "$.rows", "--control")
    assert more.stdout == "STATEBAG_CONTROL=$.other,$.route\nSTATEBAG_MOVABLE=$.rows\n"


def test_what_a_definition_hands_on_is_printed_as_movable(tmp_path):
    path = tmp_path / "m.json"
    pick = {"Type": "Pass", "Parameters": {"x.$": "$.value.part", "y.$": "$.value.more.deep[2]"}}
    path.write_text(json.dumps(machine(A=task("A"), B=pick)))
    asked = statebag("lint", "--control", path)
    # An item of an array is looked up in the array: a stub in its place has none.
    assert asked.stdout == "STATEBAG_CONTROL=$.more.deep\nSTATEBAG_MOVABLE=$.part\n"
    told = statebag("lint", path)
    assert told.exit_code == 4
    assert "  STATEBAG_MOVABLE=$.part" in told.stdout.splitlines()
    assert "  STATEBAG_CONTROL=$.more.deep" in told.stdout.splitlines()


def test_exit_zero(file):
    assert statebag("lint", file, "--exit-zero").exit_code == 0


def test_json(file):
    report = json.loads(statebag("lint", file, "--format", "json").stdout)
    assert [one["code"] for one in report["findings"]] == ["SB301", "SB004", "SB201"]
    assert report["control"] == {str(file): ["$.route"]}
    assert {"file", "line", "column", "path", "severity", "message", "fix"} <= report["findings"][
        0
    ].keys()


def test_sarif(file):
    """What SARIF 2.1.0 requires of a log, a run, a tool, a rule, a result and a location."""
    log = json.loads(statebag("lint", file, "--format", "sarif").stdout)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert [rule["id"] for rule in driver["rules"]] == list(RULES)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert unquote(place["artifactLocation"]["uri"]) == str(file)
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1


def test_a_file_that_is_no_machine(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("[1]")
    result = statebag("lint", path)
    assert result.exit_code == 20
    assert is_one_clear_line(result.stderr)


def test_a_folder_is_searched(file, tmp_path):
    (tmp_path / "other.json").write_text("[1]")
    (tmp_path / "template.yaml").write_text(
        "Resources:\n"
        "  Work: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Environment:"
        " {Variables: {STATEBAG_STORE: s3://b/p, STATEBAG_CONTROL: $.route}}}}\n"
        "  Machine:\n"
        "    Type: AWS::Serverless::StateMachine\n"
        "    Properties:\n"
        "      DefinitionUri: machine.asl.json\n"
        "      DefinitionSubstitutions: {A: !GetAtt Work.Arn}\n"
    )
    report = json.loads(statebag("lint", tmp_path, "--format", "json").stdout)
    assert report["machines"] == 1
    assert [one["code"] for one in report["findings"]] == ["SB301", "SB004"]


def test_names_do_not_steer_a_terminal(tmp_path):
    path = tmp_path / "m.json"
    path.write_text(json.dumps(machine(**{"\x1b[31mred": task("A", Retry=[])})))
    assert "\x1b" not in statebag("lint", path).stdout


def test_examples_of_the_help(tmp_path):
    definition = machine(A=task("A"))
    (tmp_path / "machine.asl.json").write_text(json.dumps(definition))
    (tmp_path / "template.yaml").write_text(
        "Resources:\n  M:\n    Type: AWS::Serverless::StateMachine\n"
        "    Properties: {DefinitionUri: machine.asl.json}\n"
    )
    finished = run_examples(command, tmp_path)
    assert json.loads((tmp_path / "lint.sarif").read_text())["version"] == "2.1.0"
    told = [one.stderr for line, one in finished.items() if "sarif" not in line]
    assert told == [b"0 findings in 1 state machine\n"] * 3


def test_a_file_name_is_a_reference_in_sarif(file):
    odd = file.with_name("my machine #1.asl.json")
    file.rename(odd)
    log = json.loads(statebag("lint", odd, "--format", "sarif").stdout)
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"].endswith("/my%20machine%20%231.asl.json")


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "template", sorted(ROOT.glob("examples/*/template.yaml")), ids=lambda file: file.parent.name
)
def test_the_adopted_examples_are_clean(template):
    result = statebag("lint", template)
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize(
    "definition", sorted(ROOT.glob("docs/adopt/after/*.asl.json")), ids=lambda file: file.name
)
def test_the_adopted_definitions_of_the_page_are_clean(definition):
    """With the settings that `--control` prints for them."""
    named = statebag("lint", "--control", definition, "--sealed", "*").stdout.splitlines()
    options = ["--sealed", "*"]
    for line in named:
        variable, _, paths = line.partition("=")
        option = {"STATEBAG_CONTROL": "--control", "STATEBAG_MOVABLE": "--movable"}[variable]
        options += [one for path in paths.split(",") if path for one in (option, path)]
    result = statebag("lint", definition, *options)
    assert (result.exit_code, result.stdout) == (0, "")


BROKEN = '{"StartAt": "A",\n "States": {,}}'


def test_a_definition_with_a_syntax_error_is_found_in_a_folder(file, tmp_path):
    broken = tmp_path / "broken.asl.json"
    broken.write_text(BROKEN)
    for name in ("package.json", "docker-compose.yml"):
        (tmp_path / name).write_text("{")
    for form in ("text", "sarif"):
        result = statebag(
            "lint", tmp_path, "--format", form, "--ignore", "SB301", "--ignore", "SB201"
        )
        assert result.exit_code == 4
    line = statebag("lint", tmp_path).stdout.splitlines()[0]
    assert line.startswith(f"{broken}:2:13: SB001 error: $: it is not JSON: ")
    assert "package.json" not in statebag("lint", tmp_path).stdout


def test_a_definition_with_a_syntax_error_has_no_line_of_control_paths(file, tmp_path):
    broken = tmp_path / "broken.asl.json"
    broken.write_text(BROKEN)
    result = statebag("lint", tmp_path, "--control")
    assert result.exit_code == 4
    assert result.stdout == f"{file}: STATEBAG_CONTROL=$.route\n"
    assert f"{broken}:2:13: SB001" in result.stderr
    broken.write_text('{"StartAt": "B", "States": {"A": {"Type": "Succeed"}}}')
    wrong = statebag("lint", broken, "--control")
    assert (wrong.exit_code, wrong.stdout) == (4, "")
    assert "SB001" in wrong.stderr


def test_a_file_that_the_settings_name_must_be_a_definition(tmp_path, monkeypatch):
    """Also if the folder is named, and the file's name says nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "good.asl.json").write_text(json.dumps(machine(A=task("A"))))
    (tmp_path / "flows" / "orders.json").write_text('{"a": ')
    assert statebag("lint", "flows", "--exit-zero").exit_code == 0
    (tmp_path / "statebag.toml").write_text('template = "flows/orders.json"\n')
    for paths in ((), ("flows",), (".",)):
        result = statebag("lint", *paths)
        assert result.exit_code == 20
        assert "orders.json is not JSON: line 1, column 7" in result.stderr


@pytest.mark.parametrize(("command", "argument"), [("lint", "[PATHS]..."), ("run", "[TEMPLATE]")])
def test_what_the_settings_can_name_is_optional(command, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    usage = statebag(command, "--help").stdout.splitlines()[0]
    assert usage.endswith(f" {command} [OPTIONS] {argument}")
    result = statebag(command)
    assert result.exit_code == 2
    assert "no statebag.toml names a template" in result.stderr
    assert "statebag init" in result.stderr


def test_fix_prints_the_lines_of_control_paths_once(file, tmp_path):
    pick = {"Type": "Pass", "Parameters": {"x.$": "$.value.part"}}
    movable = tmp_path / "other.asl.json"
    movable.write_text(json.dumps(machine(A=task("A"), B=pick)))
    printed = statebag("lint", "--fix", file, movable).stdout
    assert printed.count("$.route\n") == 1
    assert printed.count("STATEBAG_CONTROL=$.route") == 1
    assert printed.count("STATEBAG_MOVABLE=") == 1
    assert "Policy(" not in printed


def test_a_misspelt_control_path_is_named(file):
    result = statebag("lint", file, "--control", "$.rout")
    assert "There is a path $.rout: did you mean $.route?" in result.stdout
    assert "did you mean" not in statebag("lint", file, "--control", "$.another").stdout
