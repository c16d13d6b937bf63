"""Threads of another saver are moved whole, and what differs is said."""

from contextlib import contextmanager
from typing import Annotated

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="langgraph-checkpoint-sqlite is missing")

from benchmarks.agent_peers import dynamodb, has_postgres, postgres
from langchain_core.messages import HumanMessage
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from statebag import BlobCorrupt, ConfigurationError, Statebag
from statebag.integrations.langgraph import StatebagSaver
from statebag.integrations.langgraph_move import main, move_threads
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.integrations.test_langgraph import Total, config, conversation, ids, messages, talk

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


def fan_out(saver):
    """A graph whose parallel tasks write to a delta channel, which applies them in their order."""

    class State(TypedDict):
        items: Annotated[list, DeltaChannel(lambda old, new: [*old, *(x for u in new for x in u)])]

    builder = StateGraph(State)
    for name in "abcdefgh":
        builder.add_node(name, lambda _, name=name: {"items": [name]})
        builder.add_edge(START, name)
    return builder.compile(checkpointer=saver)


@contextmanager
def sqlite(folder):
    with SqliteSaver.from_conn_string(str(folder / "all.sqlite")) as saver:
        yield saver, f"sqlite:{folder / 'all.sqlite'}"


@contextmanager
def of_postgres(_folder):
    saver_class = pytest.importorskip("langgraph.checkpoint.postgres").PostgresSaver
    if not has_postgres():
        pytest.skip("Postgres is not installed: make postgres")
    with postgres() as address, saver_class.from_conn_string(address) as saver:
        saver.setup()
        yield saver, address


@contextmanager
def of_dynamodb(_folder):
    pytest.importorskip("langgraph_checkpoint_aws")
    pytest.importorskip("moto")
    with dynamodb() as (saver, _, address):
        yield saver, address


@pytest.mark.timeout(900)
@pytest.mark.parametrize("source", [sqlite, of_postgres, of_dynamodb])
def test_each_source_is_moved_whole_by_one_command(source, tmp_path, capsys):
    """Threads with long states, writes that wait at an interrupt, and delta channels."""
    place = str(tmp_path / "store")
    with source(tmp_path) as (saver, address):
        graph = conversation(saver, size=160_000)
        talk(graph, 3)  # over the 400 KB of an item of DynamoDB
        asks(saver).invoke({"total": 0, "seen": [], "names": set()}, config("waits"))
        has_paths = source is not of_dynamodb  # DynamoDBSaver orders parallel writes by digests
        for _ in range(3 if has_paths else 0):
            fan_out(saver).invoke({"items": []}, config("fan"))
        expected = {thread: ids(saver, thread) for thread in ("t", "waits", "fan")}
        number = sum(map(len, expected.values()))
        main(["--from", address, "--to", place])
        assert capsys.readouterr().out.startswith(f"{number} checkpoints are in")
        assert messages(conversation(saver)) == messages(conversation(StatebagSaver(place)))
        other = str(tmp_path / "one")
        main(["--from", address, "--to", other, "--thread", "waits"])
        assert ids(StatebagSaver(other)) == []
        assert ids(StatebagSaver(other), "waits") == expected["waits"]
    forget()
    moved = StatebagSaver(place)
    assert {thread: ids(moved, thread) for thread in expected} == expected
    answered = asks(moved).invoke(Command(resume=5), config("waits"))
    assert (answered["total"], answered["seen"]) == (5, ["answered", "before"])
    if has_paths:
        assert fan_out(moved).get_state(config("fan")).values["items"] == list("abcdefgh") * 3


def asks(saver):
    """A graph that waits for a person, after a parallel task has written."""
    builder = StateGraph(Total)
    builder.add_node("ask", lambda _: {"total": interrupt("how many?"), "seen": ["answered"]})
    builder.add_node("before", lambda _: {"seen": ["before"]})
    builder.add_edge(START, "ask")
    builder.add_edge(START, "before")
    return builder.compile(checkpointer=saver)


def test_another_source_is_refused(tmp_path):
    match = "must begin with sqlite:, postgresql: or dynamodb:, not mysql"
    with pytest.raises(ConfigurationError, match=match) as caught:
        main(["--from", "mysql:x", "--to", str(tmp_path)])
    assert caught.value.hint == "Other savers: call move_threads with the saver."


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(ConfigurationError, match="does not exist"):
        main(["--from", f"sqlite:{tmp_path / 'none'}", "--to", str(tmp_path / "store")])
    assert list(tmp_path.iterdir()) == []
