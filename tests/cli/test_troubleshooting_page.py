"""docs/troubleshooting.md and docs/settings.md: each command of a table runs as it stands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from statebag.errors import ConfigurationError
from tests.cli.test_workflow_facts import DEFINITION, sam

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "troubleshooting.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| what you see"))
]
COMMANDS = dict.fromkeys(
    command for row in ROWS for command in re.findall(r"`(statebag [^`]+)`", row[2])
)
FOUND = {"statebag lint machine.asl.json": 4}  # what it is for
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def project(folder, bag_file, execution):
    (folder / "machine.asl.json").write_text(json.dumps(DEFINITION))
    (folder / "template.yaml").write_text(json.dumps(sam(".")))
    (folder / "app.py").write_text("def read(event, context): return event\n")
    (folder / "store").mkdir()
    return folder


def test_each_command_runs(project):
    assert len(COMMANDS) > 20
    for command in COMMANDS:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=project,
            env={**os.environ, "PATH": PATH},
            capture_output=True,
            timeout=240,
            check=False,
            text=True,
        )
        assert done.returncode == FOUND.get(command, 0), (command, done.stdout, done.stderr)


def test_each_symptom_has_a_cause_and_something_to_do():
    assert len(ROWS) > 20
    for row in ROWS:
        assert len(row) == 3
        assert all(row), row


def test_the_texts_that_are_quoted_are_those_of_the_program():
    source = Path(__file__).parents[2] / "src" / "statebag"
    text = "".join(file.read_text("utf-8") for file in source.rglob("*.py"))
    for quoted in (
        "Statebag.PathNotNamed",
        "Statebag.NotOpened",
        "the event has no execution ID",
        "the state does not fit",
        "was not opened",
        "STATEBAG_STORE is not set",
        "No room for",
        "not decorated yet",
        "belongs to the Serverless Framework",
        "belongs to the CDK",
    ):
        assert quoted in text, quoted
        assert quoted in PAGE, quoted
    assert ConfigurationError.__name__ in PAGE


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_of_completion(shell, folder):
    page = (DOCS / "settings.md").read_text("utf-8")
    (line,) = re.findall(rf"^\| {shell} \| [^|]+ \| `(.+)` \|$", page, re.MULTILINE)
    variable, kind = re.search(r"(_[A-Z_]+)=(\w+)", line).groups()
    done = subprocess.run(
        [Path(sys.executable).with_name("statebag")],
        cwd=folder,
        env={**os.environ, variable: kind},
        capture_output=True,
        timeout=240,
        check=False,
        text=True,
    )
    if "Shell completion is not supported for Bash" not in done.stderr:
        assert done.returncode == 0, done.stderr
    assert "_statebag_completion" in done.stdout


def test_a_word_is_completed(folder):
    done = subprocess.run(
        [Path(sys.executable).with_name("statebag")],
        cwd=folder,
        env={
            **os.environ,
            "_STATEBAG_COMPLETE": "bash_complete",
            "COMP_WORDS": "statebag ins",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        timeout=240,
        check=False,
        text=True,
    )
    assert done.stdout.split() == ["plain,inspect"]
