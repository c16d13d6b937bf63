"""A plugin for LangGraph's own tests: every saver is a `StatebagSaver`.

Each test that takes `sync_checkpointer` or `async_checkpointer` runs once, in place of once for
each of LangGraph's savers. Tests that take no saver are left out: they are not about one.
"""

import pytest

from statebag import Statebag
from statebag.integrations.langgraph import StatebagSaver
from statebag.store.memory import MemoryStore

_SAVERS = {"sync_checkpointer", "async_checkpointer"}


def _saver():
    return StatebagSaver(Statebag(MemoryStore(), replicas=()))


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc):
    """Give the parametrized fixtures one parameter, which is our saver."""
    for definitions in metafunc._arg2fixturedefs.values():
        for definition in definitions:
            if definition.argname in _SAVERS and definition.params != ("statebag",):
                _replace(definition)


def _replace(definition):
    if definition.argname == "sync_checkpointer":

        def fixture(request):
            yield _saver()

    else:

        async def fixture(request):
            yield _saver()

    definition.func = fixture
    definition.params = ("statebag",)


def pytest_collection_modifyitems(config, items):
    """Leave out the tests that take no saver."""
    taken = [item for item in items if _SAVERS.intersection(item.fixturenames)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(taken)])
    items[:] = taken
