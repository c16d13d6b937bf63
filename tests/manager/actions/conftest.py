"""A store of one's own for each test, found the way a Lambda finds it."""

import uuid

import pytest

from statebag.default_client import from_environment
from statebag.testing.process import forget


@pytest.fixture(autouse=True)
def sb(monkeypatch):
    """The environment's client."""
    monkeypatch.setenv("STATEBAG_STORE", f"memory://{uuid.uuid4().hex}")
    forget()
    yield from_environment()
    forget()
