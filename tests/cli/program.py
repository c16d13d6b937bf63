"""The program as a user calls it, and as a new process each time."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
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


def on_terminal(columns, *arguments):
    """The output of the program on a terminal so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-c", "from statebag.cli import main; main()", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=240) == 0
    return b"".join(parts).decode()


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
            timeout=240,
            check=True,
        )
        for line in lines
    }


def is_one_clear_line(text):
    """Whether an error came out as a single line that begins as all do."""
    return re.fullmatch(r"error: [^\n]+\n", text) is not None
