"""Threads of another saver are moved whole, and what differs is said."""

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="langgraph-checkpoint-sqlite is missing")

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver

from statebag import BlobCorrupt, ConfigurationError, Statebag
from statebag.integrations.langgraph import StatebagSaver
from statebag.integrations.langgraph_move import main, move_threads
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.integrations.test_langgraph import config, conversation, ids, messages, talk

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture
def database(tmp_path):
    file = tmp_path / "threads.sqlite"
    with SqliteSaver.from_conn_string(str(file)) as saver:
        graph = conversation(saver)
        for thread in ("one", "two"):
            talk(graph, 3, thread)
    return file


def test_a_database_is_moved_by_one_command_and_goes_on(database, tmp_path, capsys):
    place = str(tmp_path / "store")
    for _ in range(2):  # the second finds all there
        main(["--from", f"sqlite:{database}", "--to", place])
        assert capsys.readouterr().out.startswith("18 checkpoints are in")
    saver = StatebagSaver(place)
    graph = conversation(saver)
    assert len(messages(graph, "one")) == 6
    with SqliteSaver.from_conn_string(str(database)) as source:
        assert ids(saver, "two") == ids(source, "two")
        one = source.get_tuple(config("one"))
        assert saver.get_tuple(config("one")).parent_config == one.parent_config
    graph.invoke({"messages": [HumanMessage("more")]}, config("one"))
    assert len(messages(graph, "one")) == 8


def test_a_run_that_broke_off_is_repeated(database):
    class Killed(Exception):  # noqa: N818
        pass

    left = [5]

    def breaks_off(_thread, _checkpoint):
        left[0] -= 1
        if not left[0]:
            raise Killed

    saver = StatebagSaver(Statebag(MemoryStore(), replicas=()))
    with SqliteSaver.from_conn_string(str(database)) as source:
        with pytest.raises(Killed):
            move_threads(source, saver, breaks_off)
        assert move_threads(source, saver) == 18


def test_a_checkpoint_that_is_another_one_there_is_said_to_be(database):
    saver = StatebagSaver(Statebag(MemoryStore(), replicas=()))
    with SqliteSaver.from_conn_string(str(database)) as source:
        move_threads(source, saver)
        one = source.get_tuple(config("one"))
        changed = {**one.checkpoint, "channel_values": {"messages": []}}
        saver.put(one.parent_config, changed, one.metadata, {})
        forget()
        with pytest.raises(BlobCorrupt, match="not the same"):
            move_threads(source, saver)


def test_another_source_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="must begin with sqlite") as caught:
        main(["--from", "mysql:x", "--to", str(tmp_path)])
    assert caught.value.hint == "Other savers: call move_threads with the saver."
