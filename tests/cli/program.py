"""The program as a user calls it, and as a new process each time."""

import os
import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from statebag.cli.group import cli
from statebag.testing.process import forget


def statebag(*arguments, stdin=None):
    """Run a command; click's result, with the two outputs apart. Nothing is cached before."""
    forget()
    result = CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin)
    assert "Traceback" not in result.stderr
    return result


def examples(command):
    """The example lines of a command's help."""
    lines = command.help.partition("Examples:")[2].splitlines()
    return [line.strip() for line in lines if line.strip()]


def run_examples(command, folder):
    """Run each example in a shell, in a folder; the finished processes by their lines."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    lines = examples(command)
    assert lines
    return {
        line: subprocess.run(
            line,
            shell=True,
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            timeout=120,
            check=True,
        )
        for line in lines
    }


def is_one_clear_line(text):
    """Whether an error came out as a single line that begins as all do."""
    return re.fullmatch(r"[Ee]rror: [^\n]+\n", text) is not None
