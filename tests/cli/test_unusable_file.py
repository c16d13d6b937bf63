"""A file that cannot be used is an error of usage, in one line."""

from statebag.cli.exit_codes import USAGE
from statebag.cli.unusable_file import UnusableFile


def test_the_file_and_the_reason_are_named():
    error = UnusableFile("read", "state.json", PermissionError(13, "Permission denied"))
    assert error.exit_code == USAGE
    assert error.format_message() == "cannot read state.json: Permission denied"


def test_an_error_without_words_has_its_name():
    assert UnusableFile("write", "x", OSError()).format_message() == "cannot write x: OSError"
