"""The client of the tests of typed states."""

import pytest

from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore


@pytest.fixture
def client():
    return Statebag(MemoryStore(), policy=Policy(control=("$.execution_id",)))
