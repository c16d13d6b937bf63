"""The fixtures of the tests of versions."""

import pytest

from statebag.store.memory import MemoryStore


@pytest.fixture
def store():
    return MemoryStore()
