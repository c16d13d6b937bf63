"""The tables of all settings and all exit codes, beside the code that they are of."""

import ast
import re
from pathlib import Path

import pytest

from statebag import Policy
from statebag.cli import COMMANDS, exit_codes
from statebag.manager.settings import ManagerSettings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "statebag"
KINDS = {kind.__name__: kind for kind in exit_codes.BY_ERROR}
ENVIRONMENT = (ROOT / "docs" / "environment.md").read_text("utf-8")
EXIT_CODES = (ROOT / "docs" / "exit-codes.md").read_text("utf-8")
CLIENT_PART, POLICY_PART, MANAGER_PART = ENVIRONMENT.split("\n## ")[1:]


def rows(text):
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| ---")
    ]


def variables(text):
    return {row[0].strip("`"): row[-1] for row in rows(text) if row[0].startswith("`STATEBAG_")}


def shown(value):
    if value == ():
        return "none"
    return str(int(value)) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(("part", "kind"), [(POLICY_PART, Policy), (MANAGER_PART, ManagerSettings)])
def test_each_setting_has_its_row_and_its_default(part, kind):
    defaults = kind()
    expected = {
        f"STATEBAG_{name.upper()}": shown(getattr(defaults, name))
        for name in kind.__struct_fields__
    }
    found = variables(part)
    computed = "STATEBAG_MAX_OPEN_BYTES"
    if computed in expected:
        assert expected.pop(computed).isdigit()
        assert found.pop(computed).startswith("an eighth of the memory")
    assert found == expected


def test_every_other_variable_that_the_code_names_is_there():
    text = "".join(file.read_text("utf-8") for file in SOURCE.rglob("*.py"))
    named = set(re.findall(r"STATEBAG_[A-Z][A-Z_]*[A-Z]\b", text))
    # The keys of `environment.py` that are made of a name.
    assert {f"STATEBAG_{one}" for one in ("METRICS", "TRACING", "LOG")} <= named
    listed = {*variables(CLIENT_PART), *variables(POLICY_PART), *variables(MANAGER_PART)}
    assert named - listed - {"STATEBAG_MAX_OPEN"} <= {"STATEBAG_COMPLETE"}
    assert len(variables(CLIENT_PART)) == 12
    assert set(variables(CLIENT_PART)) <= named


def test_each_exit_code_has_its_row():
    codes = {int(row[0]): row[1] for row in rows(EXIT_CODES) if row[0].isdigit()}
    assert set(codes) == {
        *exit_codes.BY_ERROR.values(),
        exit_codes.SUCCESS,
        exit_codes.PROGRAM_FAULT,
        exit_codes.USAGE,
        exit_codes.EXECUTION_FAILED,
        exit_codes.FOUND,
        exit_codes.INTERRUPTED,
    }
    for kind, code in exit_codes.BY_ERROR.items():
        assert f"`{kind.__name__}`" in codes[code]


def own_codes(name):
    """The codes that the module of a command names itself."""
    module = COMMANDS[name].partition(":")[0].rpartition(".")[2]
    tree = ast.parse((SOURCE / "cli" / f"{module}.py").read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in {"EXECUTION_FAILED", "FOUND"}:
            found.add(getattr(exit_codes, node.id))
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "BY_ERROR":
            kinds = [ast.unparse(node.slice)]
            if kinds == ["error"]:  # of a table in the module
                kinds = [
                    one.id
                    for one in ast.walk(tree)
                    if isinstance(one, ast.Name) and one.id in KINDS
                ]
            found |= {exit_codes.BY_ERROR[KINDS[kind]] for kind in kinds}
    return found


def test_each_command_is_there_with_the_codes_of_its_own():
    listed = {
        row[0].strip("`"): {int(code) for code in row[1].split(", ")}
        for row in rows(EXIT_CODES)
        if row[0].startswith("`")
    }
    assert listed == {name: own for name in COMMANDS if (own := own_codes(name))}
    others = re.search(r"The commands (.*?) have no such codes", EXIT_CODES, re.DOTALL)[1]
    assert re.findall(r"`(\w+)`", others) == [name for name in COMMANDS if name not in listed]
