"""Warnings have a name, and most of them a counter."""

import logging

import pytest

from statebag.telemetry import usage
from statebag.telemetry.log_warnings import WARNINGS, warn


@pytest.mark.parametrize("name", [name for name, counter in WARNINGS.items() if counter])
def test_a_warning_is_a_named_line_and_is_counted(name, caplog):
    with usage.measured() as spent, caplog.at_level(logging.WARNING, "statebag"):
        warn(name, "%d objects of %s", 3, "m/run", count=3)
    (record,) = caplog.records
    assert record.getMessage() == "3 objects of m/run"
    assert record.statebag == {"warning": name}
    assert getattr(spent, WARNINGS[name]) == 3


def test_a_warning_of_no_counter_is_a_line_alone(caplog):
    with usage.measured() as spent, caplog.at_level(logging.WARNING, "statebag"):
        warn("NotReported", "nobody was told", count=1)
    assert len(caplog.records) == 1
    assert spent == usage.Usage()


def test_a_name_that_is_not_listed_is_a_mistake():
    with pytest.raises(KeyError):
        warn("Unheard", "of")
