"""The one place that output passes: every command, on a terminal and in a pipe."""

import ast
import contextlib
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from statebag import Statebag
from statebag import cli as package
from statebag.cli.styled_text import Text, console
from statebag.cli.terminal import HarmlessStream, harmless_streams, write_value

EVIL = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\u202eback\u202c\x9b31m\r\u2028\u200b\x7f\U000e0041end"
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
# What rich itself writes: styles, the cursor's place and whether it is shown, erased lines.
RICH = re.compile(r"\x1b\[[0-9;]*[mAGK]|\x1b\[\?25[lh]|\x1b\[2K|\r")
PROGRAM = "from statebag.cli import main; main()"
STYLED = {"TERM": "xterm-256color", "NO_COLOR": ""}
PLAIN = {"TERM": "dumb", "NO_COLOR": "1"}


@pytest.fixture
def hostile(folder):
    """A folder in which names, values, handlers and histories are hostile."""
    value = {EVIL: EVIL, "list": [EVIL, {EVIL: 1}], "long": EVIL * 10, "large": [EVIL] * 2_000}
    (folder / "state.json").write_text(json.dumps(value), encoding="utf-8")
    client = Statebag(f"file://{folder}/.statebag/store")
    bag = client.seal(value, scope="m/run-1")
    (folder / "bag.json").write_text(json.dumps(bag), encoding="utf-8")
    (folder / "other.json").write_text(json.dumps({EVIL: 2}), encoding="utf-8")
    (folder / "broken.json").write_text("{", encoding="utf-8")
    (folder / f"{EVIL}.json").write_text("{", encoding="utf-8")
    (folder / "h.py").write_text(
        textwrap.dedent(
            f"""
            import os, sys, threading, warnings, logging
            evil = {EVIL!r}
            def handler(event, context):
                print(evil)
                print(evil, file=sys.stderr)
                sys.stdout.buffer.write((evil + "\\n").encode())
                sys.stdout.flush()
                warnings.warn(evil)
                logging.getLogger("statebag").warning(evil)
                logging.getLogger(evil).error(evil)
                thread = threading.Thread(target=lambda: 1 / 0, name=evil)
                thread.start()
                thread.join()
                if event.get("fail", True):
                    raise type(evil, (ValueError,), {{}})("user said: " + evil)
                return {{evil: evil, "long": [evil] * 1000}}
            """
        )
    )
    states = {
        "First " + EVIL: {"Type": "Pass", "Next": "Call"},
        "Call": {"Type": "Task", "Resource": "f", "End": True},
    }
    machine = {"StartAt": "First " + EVIL, "States": states}
    (folder / "m.asl.json").write_text(json.dumps(machine), encoding="utf-8")
    (folder / "bad.asl.json").write_text(
        json.dumps({"StartAt": EVIL, "States": {EVIL: {"Type": EVIL, "Next": EVIL}}}),
        encoding="utf-8",
    )
    return folder


RUN = ["run", "m.asl.json", "--handler", "f=h.py:handler", "--name", "run-1"]
ARN = "arn:aws:states:us-east-1:123456789012:execution:m:run-1"
CALLS = {
    "seal": [["seal", "state.json", "--scope", "m/run-1"], ["seal", f"{EVIL}.json"]],
    "open": [["open", "bag.json"], ["open", "bag.json", "--pretty"], ["open", EVIL]],
    "cat": [
        ["cat", "bag.json"],
        ["cat", "bag.json", "$.long", "--raw"],
        ["cat", "bag.json", f"$['{EVIL}']"],
        ["cat", "bag.json", f"$.{EVIL}"],
    ],
    "inspect": [["inspect", "bag.json", "--all"], ["inspect", "bag.json", "--json"]],
    "diff": [["diff", "bag.json", "other.json", "--values"], ["diff", "bag.json", EVIL]],
    "snapshots": [["snapshots", EVIL], ["snapshots", "m/run-1"]],
    "heads": [["heads", EVIL], ["heads", "--versions"]],
    "export": [["export", "bag.json", "--output", f"{EVIL}.zip"], ["export", EVIL]],
    "import": [["import", EVIL], ["import", "broken.json"]],
    "ui": [["ui", "--port", EVIL], ["ui", EVIL]],
    "report": [["report", EVIL, "--output", "page.html"], ["report", ARN, "--output", EVIL]],
    "init": [["init", EVIL], ["init", "broken.json"]],
    "run": [
        RUN,
        [*RUN, "--json"],
        [*RUN, "--timeout", "60"],
        [*RUN, "--input", "ok.json"],
        [*RUN, "--input", "ok.json", "--json"],
        [*RUN, EVIL],
        [*RUN, "--name", EVIL],
        [*RUN, "--debug", "--input", f"{EVIL}.json"],
        ["run", "bad.asl.json"],
    ],
    "lint": [["lint", "bad.asl.json"], ["lint", "m.asl.json", "--sealed", "*", "--notes"]],
    "answer": [["answer", EVIL, "--output", "other.json"]],
    "start": [["start", EVIL, "state.json"]],
    "query": [["query", EVIL], ["query", "bag.json", EVIL]],
    "log": [["log", ARN], ["log", ARN, "--causes", "--all"], ["log", EVIL], ["log"]],
    "doctor": [["doctor", "--store", f"file:///{EVIL}"], ["doctor", "--store", f"{EVIL}://x"]],
    "fsck": [["fsck", "--bag", "bag.json"], ["fsck", EVIL], ["fsck", "--bag", EVIL]],
    "repair": [["repair"], ["repair", EVIL]],
    "gc": [["gc"], ["gc", "--grace-days", EVIL]],
}


def of_the_program(arguments, folder, settings, *, on_terminal):
    """What the program writes: on a terminal, or its two outputs in pipes."""
    command = [sys.executable, "-W", "default", "-c", PROGRAM, *arguments]
    environment = {**os.environ, **settings, "COLUMNS": "200"}
    if not settings["NO_COLOR"]:
        del environment["NO_COLOR"]
    places = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL}
    if not on_terminal:
        done = subprocess.run(command, **places, capture_output=True, timeout=240, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "surrogateescape")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, **places, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
        while part := os.read(ours, 65_536):
            parts.append(part)
    os.close(ours)
    process.wait(timeout=240)
    # A terminal makes \r\n of a line's end.
    return b"".join(parts).replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")


def test_there_is_a_call_of_every_command():
    assert CALLS.keys() == package.COMMANDS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_nothing_steers_the_terminal(name, hostile):
    (hostile / "ok.json").write_text('{"fail": false}')
    (hostile / "not-ours").mkdir()
    (hostile / ".statebag" / "store" / EVIL.replace("/", "")).write_text("x")
    if name == "log":
        of_the_program(RUN, hostile, PLAIN, on_terminal=False)
    for arguments in CALLS[name]:
        said = of_the_program(arguments, hostile, PLAIN, on_terminal=False)
        if arguments[0] in {"seal", "open", "cat"} and "error: " not in said:
            said = re.sub(r'(?m)^["{].*$', "", said)  # the exact value is for a program
            said = said if "--raw" not in arguments and "--pretty" not in arguments else ""
        assert not RAW.findall(said), (arguments, said)
        said = of_the_program(arguments, hostile, STYLED, on_terminal=True)
        assert not RAW.findall(RICH.sub("", said)), (arguments, said)
        assert "\x1b[31mred" not in said
    said = of_the_program(CALLS[name][0], hostile, PLAIN, on_terminal=True)
    assert not RAW.findall(said)


def test_a_pipe_gets_the_exact_value_and_a_terminal_the_same_one(hostile):
    exact = subprocess.run(
        [sys.executable, "-c", PROGRAM, "cat", "bag.json", "$.long"],
        cwd=hostile,
        capture_output=True,
        timeout=240,
        check=True,
    ).stdout
    assert json.loads(exact) == EVIL * 10
    assert "\u202e".encode() in exact
    shown = of_the_program(["cat", "bag.json", "$.long"], hostile, PLAIN, on_terminal=True)
    assert json.loads(shown) == EVIL * 10
    whole = of_the_program(["open", "bag.json", "--pretty"], hostile, PLAIN, on_terminal=True)
    assert json.loads(whole) == json.loads((hostile / "state.json").read_text())


def test_no_module_goes_around_the_place():
    """Consoles and styled texts are made in one module, and streams are used in one."""
    folder = Path(package.__file__).parent
    for file in sorted(folder.glob("*.py")):
        tree = ast.parse(file.read_text())
        if file.name in {"styled_text.py", "terminal.py"}:
            continue
        of_types = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node not in of_types:
                names = {alias.name for alias in node.names}
                assert node.module not in {"rich.console", "rich.text"}, (file.name, names)
            if isinstance(node, ast.Attribute) and node.attr in {"write", "buffer", "writelines"}:
                assert not ast.unparse(node.value).startswith("sys."), file.name


def test_whoever_writes(capsys):
    with harmless_streams():
        print(EVIL)
        sys.stdout.writelines([EVIL, "\r\n"])
        sys.stdout.buffer.write("é\u202e".encode()[:1])
        sys.stdout.buffer.write("é\u202e".encode()[1:])
        handler = logging.StreamHandler()
        handler.emit(logging.makeLogRecord({"msg": EVIL}))
        thread = threading.Thread(target=print, args=(EVIL,), kwargs={"file": sys.stderr})
        thread.start()
        thread.join()
    said = capsys.readouterr()
    assert not RAW.findall(said.out + said.err)
    assert "é\\u202e" in said.out
    assert said.err.count("\\x1b]0;owned") == 2


def test_streams_are_put_back_and_wrapped_once(capsys):
    before = sys.stdout
    with harmless_streams():
        assert isinstance(sys.stdout, HarmlessStream)
        inner = sys.stdout
        with harmless_streams():
            assert sys.stdout is inner
    assert sys.stdout is before


def test_a_stream_without_bytes_takes_a_value(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    write_value('"\u202e"'.encode())
    assert stream.getvalue() == '"\u202e"\n'


def test_styles_stay_and_characters_do_not(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    with harmless_streams():
        out = console()
        out.print(Text(EVIL, style="bold").append(EVIL, style="red"), soft_wrap=True)
        out.print(Text.assemble((EVIL, "bold"), EVIL), soft_wrap=True)
        out.print(EVIL, f"[red]{EVIL}", soft_wrap=True)
    said = stream.getvalue()
    assert "\x1b[1m" in said
    assert "[red]" in said
    assert not RAW.findall(RICH.sub("", said))
