"""A plugin for Strands' own tests: the storages in them are a `StatebagStorage`.

It takes the tests of sessions, and those of the storage in memory that any storage should pass.
"""

import tempfile

from statebag import Statebag
from statebag.integrations.strands import StatebagStorage

# Tests of the storage in memory that are about more than a Storage has: a strategy that it searches
# with, `clear`, and views of itself that are made in another way.
_OTHERS_OWN = ("strategy", "clear", "attributes")


class LocalFileStorage(StatebagStorage):
    """Stands where the tests make a storage of a folder."""

    def __init__(self, folder):
        super().__init__(Statebag(folder, replicas=()))


class InMemoryStorage(LocalFileStorage):
    """Stands where the tests make a storage in memory."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        super().__init__(self._folder.name)


def pytest_collection_modifyitems(config, items):
    """Replace the storages in the modules that were collected."""
    left, others = [], []
    for item in items:
        if item.module.__name__.endswith("test_snapshot_session_manager"):
            item.module.LocalFileStorage = LocalFileStorage
        else:
            item.module.InMemoryStorage = InMemoryStorage
            if any(one in item.name for one in _OTHERS_OWN):
                others.append(item)
                continue
        left.append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = left
