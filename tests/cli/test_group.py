"""The frame: what is imported when, and how a command's errors come out."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from statebag import __version__
from statebag import cli as package
from statebag.cli.group import cli
from statebag.errors import BlobMissing


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False
    )


def statebag_without(module, *arguments):
    """The program, in a process where a package is not installed."""
    return python(
        f"import sys; sys.modules[{module!r}] = None; sys.argv = {['statebag', *arguments]!r}\n"
        "from statebag.cli import main; main()"
    )


def test_the_version():
    result = CliRunner().invoke(cli, ["--version"])
    assert result.output == f"statebag {__version__}\n"


def test_the_help_imports_nothing_heavy():
    result = python(
        "import sys\n"
        "from statebag.cli.group import cli\n"
        "try: cli(['--help'], prog_name='statebag')\n"
        "except SystemExit: pass\n"
        "heavy = {'moto', 'boto3', 'botocore', 'rich', 'yaml', 'obstore', 'jsonata'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    assert "Run a workflow on this machine" in result.stdout
    assert result.stdout.endswith("HEAVY []\n")


@pytest.mark.parametrize("name", package.COMMANDS)
def test_every_command_has_help_with_an_example(name):
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert f"\n    statebag {name} " in result.output or f"| statebag {name} " in result.output
    assert "--debug" in result.output


@pytest.mark.parametrize(
    ("typed", "meant"), [("opne", "open"), ("insepct", "inspect"), ("lints", "lint")]
)
def test_a_command_with_a_slip_of_the_finger_is_named(typed, meant):
    result = CliRunner().invoke(cli, [typed, "x"])
    assert result.exit_code == 2
    assert result.stderr.endswith(f"error: No such command '{typed}'. Did you mean {meant}?\n")


@pytest.mark.parametrize(
    "arguments", [["zzz"], ["open", "--bogus"], ["cat"], ["open", "missing.json"], ["open"]]
)
def test_every_error_begins_with_one_word(arguments):
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code > 0
    assert "\nerror: " in "\n" + result.stderr
    assert "Error:" not in result.stderr


def test_an_unknown_command():
    result = CliRunner().invoke(cli, ["rum"])
    assert result.exit_code == 2
    assert "No such command 'rum'" in result.stderr


def test_without_click_one_line_says_what_to_install():
    result = statebag_without("click", "--help")
    assert result.returncode == 20
    assert result.stdout == ""
    assert result.stderr == (
        "error: the command line needs the package click. "
        "Install the extra: pip install 'statebag[cli]'\n"
    )


@pytest.mark.parametrize(("module", "extra"), [("yaml", "local"), ("rich", "cli")])
def test_run_without_an_extra_says_what_to_install(module, extra, tmp_path):
    machine = tmp_path / "m.json"
    machine.write_text('{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')
    result = statebag_without(module, "run", str(machine), "--store", f"{tmp_path}/s")
    assert result.returncode == 20
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert f"package {module}" in line.replace("'", "")
    assert f"pip install 'statebag[{extra}]'" in line


@pytest.fixture
def failing(monkeypatch):
    """The commands of the program, and one that raises what it is told."""

    def add(error):
        @click.command("fail")
        def command():
            raise error

        module = type(sys)("failing_cmd")
        module.command = command
        monkeypatch.setitem(sys.modules, "failing_cmd", module)
        monkeypatch.setitem(package.COMMANDS, "fail", "failing_cmd:command")

    return add


def test_an_error_of_the_library_is_one_line_and_a_code(failing):
    failing(BlobMissing("it is gone", path="$.a", object_name="m/x.pack", hint="Look for it"))
    result = CliRunner().invoke(cli, ["fail"])
    assert result.exit_code == 12
    assert result.stderr == "error: it is gone (at $.a) (object m/x.pack). Look for it\n"


@pytest.mark.parametrize("arguments", [["fail", "--debug"], ["--debug", "fail"]])
def test_debug_shows_the_traceback_and_keeps_the_code(failing, arguments):
    failing(BlobMissing("it is gone"))
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 12
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith("error: it is gone\n")


def test_a_fault_of_the_program_shows_no_values(failing):
    failing(KeyError("secret"))
    result = CliRunner().invoke(cli, ["fail"])
    assert result.exit_code == 1
    assert result.stderr == "error: this is a bug in statebag: KeyError. More with --debug\n"


def test_an_error_of_the_system_says_what_it_is_about(failing):
    failing(PermissionError(13, "Permission denied", "/a/file"))
    result = CliRunner().invoke(cli, ["fail"])
    assert (result.exit_code, result.stderr) == (
        1,
        "error: [Errno 13] Permission denied: '/a/file'\n",
    )


def test_an_interrupt(failing):
    failing(KeyboardInterrupt())
    result = CliRunner().invoke(cli, ["fail"])
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")
