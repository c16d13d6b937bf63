"""`statebag ui`: its arguments; tests/ui has the page."""

import importlib.util

import pytest

from tests.cli.program import is_one_clear_line, statebag


def test_its_help_says_what_it_does():
    shown = statebag("ui", "--help").stdout
    assert "127.0.0.1" in shown
    assert "masked" in shown


def test_an_arn_that_is_none_is_refused(folder):
    if importlib.util.find_spec("uvicorn") is None:
        pytest.skip("needs the extra ui")
    result = statebag("ui", "nothing")
    assert result.exit_code != 0
    assert is_one_clear_line(result.stderr)


def test_without_the_extra_the_extra_is_named(folder):
    if importlib.util.find_spec("uvicorn") is not None:
        pytest.skip("the extra ui is installed")
    result = statebag("ui")
    assert "pip install 'statebag[ui]'" in result.stderr
