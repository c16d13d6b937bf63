"""The command line: one file for each command.

A command `name` is a click command called `command` in `name_cmd.py`, with a line in `COMMANDS`.
Its module is imported when the command or its help is used. So it imports only click and the
standard library at its top, and everything else when it runs.
"""

from __future__ import annotations

import signal
import sys
import threading
from io import TextIOWrapper

from statebag.cli.exit_codes import exit_code
from statebag.errors import ConfigurationError

__all__ = ["COMMANDS", "IS_PROGRAM", "main"]

IS_PROGRAM = "program"
"""The context object of a command that is the whole process, and so may fork and exit."""

COMMANDS = {
    "seal": "statebag.cli.seal_cmd:command",
    "open": "statebag.cli.open_cmd:command",
    "cat": "statebag.cli.cat_cmd:command",
    "inspect": "statebag.cli.inspect_cmd:command",
    "diff": "statebag.cli.diff_cmd:command",
    "snapshots": "statebag.cli.snapshots_cmd:command",
    "heads": "statebag.cli.heads_cmd:command",
    "export": "statebag.cli.export_cmd:command",
    "import": "statebag.cli.import_cmd:command",
    "init": "statebag.cli.init_cmd:command",
    "run": "statebag.cli.run_cmd:command",
    "lint": "statebag.cli.lint_cmd:command",
    "answer": "statebag.cli.answer_cmd:command",
    "start": "statebag.cli.start_cmd:command",
    "query": "statebag.cli.query_cmd:command",
    "log": "statebag.cli.log_cmd:command",
    "ui": "statebag.cli.ui_cmd:command",
    "report": "statebag.cli.report_cmd:command",
    "doctor": "statebag.cli.doctor_cmd:command",
    "fsck": "statebag.cli.fsck_cmd:command",
    "repair": "statebag.cli.repair_cmd:command",
    "gc": "statebag.cli.gc_cmd:command",
}
"""The module of each command, in the order of the help."""


def main() -> None:
    """Run the command that `sys.argv` names, and exit with its code."""
    try:
        from statebag.cli.group import cli  # noqa: PLC0415 - click is an extra
        from statebag.cli.terminal import make_streams_harmless  # noqa: PLC0415 - with it
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print(
            "error: the command line needs the package click. "
            "Install the extra: pip install 'statebag[cli]'",
            file=sys.stderr,
        )
        sys.exit(exit_code(ConfigurationError("click is missing")))
    # A shell without job control starts background jobs with SIGINT ignored, and Python keeps that.
    # A supervisor that sends SIGINT to this process must be able to stop it all the same.
    if threading.current_thread() is threading.main_thread():  # no other one may set a handler
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to lose the rest.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    make_streams_harmless()  # to the very end: a thread or an exit function may still write
    cli(prog_name="statebag", obj=IS_PROGRAM)
