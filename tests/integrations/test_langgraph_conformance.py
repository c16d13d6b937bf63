"""LangGraph's own suite for savers, its base and its extensions."""

import asyncio

import pytest

conformance = pytest.importorskip(
    "langgraph.checkpoint.conformance", reason="langgraph-checkpoint-conformance is not installed"
)

from statebag import Statebag
from statebag.integrations.langgraph import StatebagSaver
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_every_test_of_the_suite_passes(tmp_path, kind):
    @conformance.checkpointer_test(name=f"StatebagSaver in {kind}")
    async def saver():
        store = MemoryStore() if kind == "memory" else FileStore(tmp_path)
        yield StatebagSaver(Statebag(store, replicas=()))

    report = asyncio.run(conformance.validate(saver)).to_dict()
    failures = [one for result in report["results"].values() for one in result["failures"]]
    assert failures == []
    assert report["conformance_level"] == "FULL"
    assert all(result["detected"] for result in report["results"].values())
    assert sum(result["tests_passed"] for result in report["results"].values()) >= 81
