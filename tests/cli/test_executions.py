"""Executions by ARN: local ones from their files, others from AWS."""

import pytest

from statebag.cli.executions import Executions, is_execution
from statebag.errors import ConfigurationError, InvalidState


@pytest.fixture
def executions(folder):
    return Executions(folder / ".statebag" / "histories")


def test_an_argument_is_an_execution_by_its_beginning():
    assert is_execution("arn:aws:states:eu-west-1:123456789012:execution:M:e")
    assert not is_execution("bag.json")
    assert not is_execution("-")


def test_a_local_execution_is_read_once_from_its_file(executions, execution, folder):
    bag = executions.bag(execution, 6)
    for file in (folder / ".statebag" / "histories").rglob("*"):
        if file.is_file():
            file.unlink()
    assert executions.bag(f"{execution}@6") == bag


def test_an_event_is_named_once_and_must_be_there(executions, execution):
    with pytest.raises(ConfigurationError, match="--at names event 3, but the ARN names event 2"):
        executions.bag(f"{execution}@2", 3)
    assert executions.bag(f"{execution}@2", 2)
    with pytest.raises(InvalidState, match="no event 999"):
        executions.bag(execution, 999)


def test_a_local_execution_without_a_file(executions):
    with pytest.raises(ConfigurationError):
        executions.bag("arn:aws:states:us-east-1:123456789012:execution:M:none")


def test_a_text_that_names_no_execution_is_said_to(executions, execution):
    assert executions.must_be_named(execution) == execution
    assert executions.must_be_named("@") == execution
    with pytest.raises(
        ConfigurationError, match="no execution of this machine has a name"
    ) as found:
        executions.must_be_named("nightly")
    assert "`statebag log` lists them" in str(found.value.hint)
