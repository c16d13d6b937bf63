"""A store of one's own for each test, found the way a Lambda finds it."""

import uuid

import pytest

from statebag.default_client import from_environment
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, START, filler


@pytest.fixture(autouse=True)
def sb(monkeypatch):
    """The environment's client."""
    monkeypatch.setenv("STATEBAG_STORE", f"memory://{uuid.uuid4().hex}")
    forget()
    yield from_environment()
    forget()


@pytest.fixture
def sealed(sb):
    """A bag with a large field, and its state."""
    state = {**START, "doc": filler(300_000), "small": 1}
    return sb.with_control("execution_id").seal(state, scope=SCOPE), state
