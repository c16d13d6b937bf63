"""A missing package names the extra that brings it."""

import sys

import pytest

from statebag.cli.extras import needs
from statebag.errors import ConfigurationError


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "moto", None)
    with (
        pytest.raises(ConfigurationError, match="needs the package moto") as caught,
        needs("local"),
    ):
        import moto.core  # noqa: F401
    assert caught.value.hint == "Install the extra: pip install 'statebag[local]'"


def test_a_fault_of_our_own_stays_one():
    with pytest.raises(ModuleNotFoundError, match=r"statebag\.no_such"), needs("local"):
        import statebag.no_such  # noqa: F401


def test_other_errors_pass():
    with pytest.raises(ValueError, match="other"), needs("local"):
        raise ValueError("other")
