"""The saver with real graphs: nothing is lost, only what changed is written, copies share it."""

import asyncio
import itertools
import operator
import threading
import uuid
from datetime import timedelta
from typing import Annotated, TypedDict

import pytest

pytest.importorskip("langgraph.graph", reason="langgraph is not installed")

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from statebag import ConfigurationError, Conflict, Statebag, StoreUnavailable
from statebag.integrations import other_writers
from statebag.integrations.langgraph import StatebagSaver
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from statebag.upkeep.gc import collect
from statebag.versions.condemned import forget_condemned
from tests.bags import noise
from tests.versions.threads import STORING, copy_of, with_each_fault

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def saver_of(store, **named):
    return StatebagSaver(Statebag(store, replicas=(), **named))


def config(thread="t", **more):
    return {"configurable": {"thread_id": thread, "checkpoint_ns": "", **more}}


def put(saver, parent=None, *, thread="t", run=None, values=None, step=0):
    """Put a checkpoint after another one; return its config."""
    checkpoint = {**empty_checkpoint(), "id": str(uuid6(clock_seq=step))}
    checkpoint["channel_values"] = values or {}
    checkpoint["channel_versions"] = dict.fromkeys(values or {}, str(step))
    metadata = {"source": "loop", "step": step, **({} if run is None else {"run_id": run})}
    return saver.put(parent or config(thread), checkpoint, metadata, checkpoint["channel_versions"])


def ids(saver, thread="t"):
    return [one.config["configurable"]["checkpoint_id"] for one in saver.list(config(thread))]


def conversation(saver, size=2000):
    """A graph whose state grows by two messages at each turn."""

    def answer(state):
        turn = len(state["messages"])
        return {"messages": [AIMessage(noise(size, turn), id=f"answer {turn}")]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


def talk(graph, turns, thread="t", size=500):
    for turn in range(turns):
        said = HumanMessage(noise(size, 7 * turn), id=f"{thread} {turn} {uuid.uuid4()}")
        graph.invoke({"messages": [said]}, config(thread))


def messages(graph, thread="t"):
    forget()
    return graph.get_state(config(thread)).values.get("messages", [])


class Counting(StatebagSaver):
    """Also counts the bytes of whole checkpoints, which other savers write."""

    whole = 0

    def put(self, config, checkpoint, metadata, new_versions):
        self.whole += len(self.serde.dumps_typed(checkpoint)[1])
        return super().put(config, checkpoint, metadata, new_versions)


def test_only_what_changed_is_written():
    store = RecordingStore(MemoryStore())
    saver = Counting(Statebag(store, replicas=()))
    graph = conversation(saver, size=12_000)
    talk(graph, 20)
    early = sum(call.size for call in store.calls)
    saver.whole = 0
    store.forget()
    talk(graph, 20)
    late = sum(call.size for call in store.calls)
    assert late < 1.5 * early  # as much as when the thread was short
    assert late < saver.whole / 12
    assert len(messages(graph)) == 80


def test_a_thread_is_resumed_in_another_process_and_forked_at_a_past_step():
    store = MemoryStore()
    graph = conversation(saver_of(store))
    talk(graph, 4)
    history = list(graph.get_state_history(config()))
    forget()
    graph = conversation(saver_of(store))
    assert len(messages(graph)) == 8
    past = next(one for one in history if len(one.values["messages"]) == 4)
    graph.invoke({"messages": [HumanMessage("other way")]}, past.config)
    assert [one.content for one in messages(graph)][4] == "other way"
    assert len(messages(graph)) == 6
    assert len(list(graph.get_state_history(config()))) > len(history)
    assert fsck(store).whole


def test_writes_come_in_the_order_in_which_a_run_applies_them():
    """By the path of their task and not by its id, which is a digest."""
    saver = saver_of(MemoryStore())
    at = put(saver)
    for path, task in (("~b", "1"), ("~a", "3"), ("", "2"), ("~a", "2"), ("", "4")):
        saver.put_writes(at, [("c", f"{path}{task}"), ("d", 0)], task + path, path)
    found = [one[2] for one in saver.get_tuple(at).pending_writes if one[1] == "c"]
    assert found == ["2", "4", "~a2", "~a3", "~b1"]
    after = put(saver, at, step=1)
    history = saver.get_delta_channel_history(config=after, channels=["c"])
    assert [one[2] for one in history["c"]["writes"]] == found


class Total(TypedDict):
    total: Annotated[int, operator.add]
    seen: Annotated[list, operator.add]
    names: set


def test_any_state_and_reducer():
    values = {"total": 2, "seen": [b"\x00\xff", 1.5, float("inf"), {1: "one"}], "names": {"a", "b"}}
    builder = StateGraph(Total)
    builder.add_node("step", lambda _: {"total": 1, "seen": [("tuple",)]})
    builder.add_edge(START, "step")
    graph = builder.compile(checkpointer=saver_of(MemoryStore()))
    graph.invoke(values, config())
    found = graph.get_state(config()).values
    assert found["total"] == 3
    assert found["names"] == {"a", "b"}
    assert found["seen"][:4] == values["seen"]


def test_an_interrupt_is_answered_by_another_saver():
    store = MemoryStore()

    def built():
        builder = StateGraph(Total)
        builder.add_node("ask", lambda _: {"total": interrupt("how many?"), "seen": [1]})
        builder.add_edge(START, "ask")
        return builder.compile(checkpointer=saver_of(store))

    asked = built().invoke({"total": 1, "seen": []}, config())
    assert asked["__interrupt__"][0].value == "how many?"
    forget()
    answered = built().invoke(Command(resume=41), config())
    assert answered["total"] == 42


def test_coroutines_and_calls_may_be_mixed():
    store = MemoryStore()
    saver = saver_of(store)

    async def main():
        graph = conversation(saver)
        await asyncio.gather(
            *(
                graph.ainvoke({"messages": [HumanMessage("hi", id=str(n))]}, config(f"t{n}"))
                for n in range(8)
            )
        )
        graph.invoke({"messages": [HumanMessage("hi")]}, config("t0"))
        assert len([one async for one in saver.alist(config("t0"))]) == len(ids(saver, "t0"))
        await saver.acopy_thread("t0", "copy")
        await saver.aprune(["t1"])
        await saver.adelete_thread("t2")
        assert await saver.aget_tuple(config("t2")) is None
        assert await saver.adelete_older(timedelta(days=1)) == []

    asyncio.run(main())
    assert len(messages(conversation(saver), "copy")) == 4
    assert len(ids(saver, "t1")) == 1


def test_no_call_of_a_coroutine_runs_in_the_loops_thread():
    threads = set()

    class Noting(MemoryStore):
        def get(self, name):
            threads.add(threading.get_ident())
            return super().get(name)

        def put(self, name, data):
            threads.add(threading.get_ident())
            return super().put(name, data)

    async def main():
        graph = conversation(saver_of(Noting()))
        await graph.ainvoke({"messages": [HumanMessage(noise(9000))]}, config())
        return threading.get_ident()

    loop = asyncio.run(main())
    assert threads
    assert loop not in threads


def test_two_writers_of_one_thread_keep_all_checkpoints():
    store = MemoryStore()
    written, failed = set(), []

    def write(number):
        saver, parent = saver_of(store), None
        try:
            for step in range(8):
                parent = put(saver, parent, step=step, values={"who": [number, step]})
                written.add(parent["configurable"]["checkpoint_id"])
                saver.put_writes(parent, [("who", number)], f"task {number}")
        except Exception as error:  # noqa: BLE001 (told below)
            failed.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(240)
    assert failed == []
    saver = saver_of(store)
    assert ids(saver) == sorted(written, reverse=True)
    newest = saver.get_tuple(config())
    assert newest.config["configurable"]["checkpoint_id"] == max(written)
    assert all(len(one.pending_writes) == 1 for one in saver.list(config()))


def test_the_newest_checkpoint_is_that_of_the_largest_id():
    saver = saver_of(MemoryStore())
    configs = [config(checkpoint_id=None) for _ in range(3)]
    for name in ("2", "3", "1"):
        checkpoint = {**empty_checkpoint(), "id": name}
        saver.put(configs.pop(), checkpoint, {"source": "loop", "step": int(name)}, {})
    assert saver.get_tuple(config()).config["configurable"]["checkpoint_id"] == "3"
    assert ids(saver) == ["3", "2", "1"]


def test_writes_of_a_task_are_kept_once_and_special_ones_are_replaced():
    saver = saver_of(MemoryStore())
    at = put(saver)
    saver.put_writes(at, [("a", 1), ("b", 2)], "task")
    saver.put_writes(at, [("a", 7), ("b", 8), ("c", 3)], "task")
    saver.put_writes(at, [("__interrupt__", "one")], "task")
    saver.put_writes(at, [("__interrupt__", "two")], "task")
    found = saver.get_tuple(at).pending_writes
    assert sorted(one[1:] for one in found) == [
        ("__interrupt__", "two"),
        ("a", 1),
        ("b", 2),
        ("c", 3),
    ]


def test_tasks_of_one_step_write_side_by_side():
    saver = saver_of(MemoryStore())
    at = put(saver)

    def write(number):
        saver.put_writes(at, [("a", number), ("b", noise(4000, number))], f"task {number}")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(240)
    found = saver.get_tuple(at).pending_writes
    assert [one for one in found if one[1] == "a"] == [(f"task {n}", "a", n) for n in range(8)]


def test_a_copy_shares_what_it_was_copied_from_and_outlives_it():
    store = RecordingStore(MemoryStore())
    saver = saver_of(store)
    graph = conversation(saver, size=9000)
    talk(graph, 6)
    before = [one.content for one in messages(graph)]
    store.forget()
    saver.copy_thread("t", "copy/of t")
    assert not [one for one in store.of("put") if one.name.endswith(".pack")]
    assert ids(saver, "copy/of t") == ids(saver)
    found = saver.get_tuple(config("copy/of t"))
    assert found.config["configurable"]["thread_id"] == "copy/of t"
    saver.delete_thread("t")
    assert saver.get_tuple(config()) is None
    assert [one.content for one in messages(graph, "copy/of t")] == before
    store.forget()
    talk(graph, 1, "copy/of t")
    assert sum(call.size for call in store.calls) < 60_000  # of 54 KB of messages, and no more
    assert len(messages(graph, "copy/of t")) == 14
    with pytest.raises(Conflict):
        saver.copy_thread("copy/of t", "copy/of t")


def test_runs_are_deleted_wherever_they_wrote():
    saver = saver_of(MemoryStore())
    first = put(saver, run="one")
    second = put(saver, first, run="two")
    put(saver, thread="other", run="two")
    saver.delete_for_runs(["two", "none"])
    saver.delete_for_runs([])
    assert ids(saver) == [first["configurable"]["checkpoint_id"]]
    assert saver.get_tuple(second) is None
    assert ids(saver, "other") == []
    third = put(saver, first)
    assert saver.get_tuple(config()).parent_config == first
    assert saver.get_tuple(config()).config == third


def test_threads_that_nobody_used_are_deleted():
    saver = saver_of(MemoryStore())
    put(saver, thread="old")
    put(saver, thread="new")
    assert saver.delete_older(timedelta(hours=1)) == []
    assert sorted(saver.delete_older(timedelta(0))) == ["new", "old"]
    assert list(saver.list(None)) == []


def test_pruning_keeps_the_newest_and_what_delta_channels_need():
    saver = saver_of(MemoryStore())
    parent = None
    for step in range(6):
        values = {"log": ["start"]} if step == 2 else {}
        counters = {"counters_since_delta_snapshot": {"log": [1, 1]}}
        checkpoint = {**empty_checkpoint(), "id": str(uuid6(clock_seq=step))}
        checkpoint["channel_values"] = values
        parent = saver.put(parent or config(), checkpoint, {"step": step, **counters}, {})
        saver.put_writes(parent, [("log", step)], "task")
    before = saver.get_delta_channel_history(config=parent, channels=["log"])
    assert before["log"]["seed"] == ["start"]
    assert [one[2] for one in before["log"]["writes"]] == [2, 3, 4]
    saver.prune(["t"])
    assert len(ids(saver)) == 4
    assert saver.get_delta_channel_history(config=parent, channels=["log"]) == before
    with pytest.raises(ConfigurationError, match="keep_latest"):
        saver.prune(["t"], strategy="all")
    saver.prune(["t"], strategy="delete")
    assert ids(saver) == []


def test_the_sources_of_a_delta_channel_are_found_by_one_listing():
    """A listing costs twelve times a read; and none of what lies before the value is read."""
    store = RecordingStore(MemoryStore())
    saver = saver_of(store)
    parent = None
    for step in range(40):
        parent = put(saver, parent, step=step, values={"log": ["start"]} if step == 20 else {})
        saver.put_writes(parent, [("log", step)], "task")
    forget()
    store.forget()
    found = saver.get_delta_channel_history(config=parent, channels=["log", "log"])
    assert found["log"]["seed"] == ["start"]
    assert [one[2] for one in found["log"]["writes"]] == list(range(20, 39))
    assert sum("/@at" in call.name for call in store.of("list")) == 1
    assert sum("/@at/" in call.name for call in store.calls if call.operation != "list") == 19
    assert saver.get_delta_channel_history(config=parent, channels=[]) == {}


def test_pruning_a_thread_without_delta_channels_reads_none_of_its_checkpoints():
    store = RecordingStore(MemoryStore())
    saver = saver_of(store)
    parent = None
    for step in range(12):
        parent = put(saver, parent, step=step, values={"log": [step]})
    forget()
    store.forget()
    saver.prune(["t"])
    assert store.of("get") == []
    assert len(ids(saver)) == 1
    saver.prune(["none"])
    assert ids(saver, "none") == []


def test_the_collector_keeps_threads_and_deletes_what_was_pruned(monkeypatch):
    import msgspec

    store = MemoryStore()
    saver = saver_of(store)
    graph = conversation(saver, size=9000)
    talk(graph, 5)
    talk(graph, 3, "gone")
    saver.copy_thread("gone", "kept")
    saver.delete_thread("gone")
    saver.prune(["t"])
    for _ in range(4):
        for name, held in list(store._objects.items()):
            older = held.modified - timedelta(days=200)
            store._objects[name] = msgspec.structs.replace(held, modified=older)
        forget_condemned()
        collect(store, dry_run=False)
    assert len(messages(graph)) == 10
    assert len(messages(graph, "kept")) == 6
    assert len(ids(saver)) == 1
    assert fsck(store).whole


def test_a_crash_at_any_request_of_a_put_leaves_a_whole_thread():
    store = MemoryStore()
    first = put(saver_of(store, policy=STORING), values={"log": [noise(900, 1)]})

    def work(place):
        saver = saver_of(place, policy=STORING)
        saver.put_writes(first, [("log", noise(900, 2))], "task")
        put(saver, first, values={"log": [noise(900, 1), noise(900, 2)]}, step=1)

    for where, left, failed in with_each_fault(store, work):
        saver = saver_of(left, policy=STORING)
        found = [one.checkpoint["channel_values"]["log"] for one in saver.list(config())]
        whole = [[noise(900, 1), noise(900, 2)], [noise(900, 1)]]
        assert found in (whole, whole[1:]), where
        assert failed or found == whole, where
        assert all(one[2] == noise(900, 2) for one in saver.get_tuple(first).pending_writes), where
        try:
            work(left)
        except StoreUnavailable:
            raise AssertionError(where) from None
        assert saver.get_tuple(config()).checkpoint["channel_values"]["log"] == whole[0], where


def whole_thread(store):
    """Fill a store with a thread of two namespaces and two runs, and writes at each checkpoint."""
    saver = saver_of(store, policy=STORING)
    at = None
    for step in range(3):
        log = [noise(900, n) for n in range(step + 1)]
        at = put(saver, at, run="two" if step else "one", values={"log": log}, step=step)
        saver.put_writes(at, [("log", noise(700, step))], "task")
    below = put(saver, config(checkpoint_ns="sub:1"), values={"n": noise(800, 1)})
    saver.put_writes(below, [("n", 2)], "task")


def seen(store, thread):
    """All checkpoints of a thread, by namespace, read without any memory."""
    forget()
    forget_condemned()
    found = {}
    for one in saver_of(store, policy=STORING).list({"configurable": {"thread_id": thread}}):
        place = one.config["configurable"]
        checkpoint = (place["checkpoint_id"], one.checkpoint["channel_values"], one.pending_writes)
        found.setdefault(place["checkpoint_ns"], []).append(checkpoint)
    return found


CALLS = {
    "copy": lambda saver: saver.copy_thread("t", "copy"),
    "prune": lambda saver: saver.prune(["t"]),
    "delete": lambda saver: saver.delete_thread("t"),
    "delete runs": lambda saver: saver.delete_for_runs(["one"]),
    "delete older": lambda saver: saver.delete_older(timedelta(0)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_crash_at_any_request_of_a_call_is_mended_by_repeating_it(call):
    store = MemoryStore()
    whole_thread(store)
    done = copy_of(store)
    call(saver_of(done, policy=STORING))
    expected = [seen(done, thread) for thread in ("t", "copy")]
    for where, left, failed in with_each_fault(
        store, lambda place: call(saver_of(place, policy=STORING))
    ):
        found = [seen(left, thread) for thread in ("t", "copy")]
        assert failed or found == expected, where
        # A thread is there when its root is: that comes last in a copy.
        assert found[1].get("") in (None, expected[1].get("")), where
        assert fsck(left).whole, where
        call(saver_of(left, policy=STORING))
        assert [seen(left, thread) for thread in ("t", "copy")] == expected, where


def test_a_thread_that_goes_on_is_not_deleted_as_old(monkeypatch):
    """Its checkpoint comes after all threads were read, and before one is deleted."""
    store = MemoryStore()
    saver, other = saver_of(store), saver_of(store)
    put(saver, thread="old")
    first = put(saver)
    delete = type(saver.threads).delete_unused
    added = []

    def overtaken(self, thread, newest):
        if thread == "t":
            added.append(put(other, first, step=1))
        return delete(self, thread, newest)

    monkeypatch.setattr(type(saver.threads), "delete_unused", overtaken)
    assert saver.delete_older(timedelta(0)) == ["old"]
    assert saver.get_tuple(config()).config == added[0]
    assert len(ids(saver)) == 2


def added(log, writes):
    return [*log, *itertools.chain.from_iterable(writes)]


class Logged(TypedDict):
    log: Annotated[list, DeltaChannel(added, snapshot_frequency=50)]
    n: int


def logging_graph(saver):
    """A graph whose log is kept as differences, in a subgraph too, and that asks at each fifth."""
    below = StateGraph(Logged)
    below.add_node("step", lambda state: {"n": state["n"] + 1, "log": [f"below {state['n']}"]})
    below.add_edge(START, "step")
    inner = below.compile(checkpointer=True)

    def call(state):
        return {"n": inner.invoke({"n": state["n"], "log": []})["n"], "log": ["called"]}

    def ask(state):
        return {"log": [interrupt("go on?") if state["n"] % 5 == 0 else "not asked"]}

    builder = StateGraph(Logged)
    builder.add_node("call", call)
    builder.add_node("side", lambda _: {"log": ["side"]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "call")
    builder.add_edge(START, "side")
    builder.add_edge("call", "ask")
    return builder.compile(checkpointer=saver)


def log_of(graph, thread="t"):
    forget()
    return graph.get_state(config(thread)).values.get("log")


def test_delta_channels_are_whole_after_every_call():
    """Beside LangGraph's own saver, which nothing is deleted from."""
    saver, model = saver_of(MemoryStore()), InMemorySaver()
    graph, beside = logging_graph(saver), logging_graph(model)
    for turn in range(12):
        place = {**config(), "metadata": {"run_id": f"run {turn}"}}
        asked = bool(beside.get_state(config()).next)
        given = Command(resume="yes") if asked else {"log": [f"turn {turn}"], "n": turn}
        for one in (graph, beside):
            if turn % 2:
                asyncio.run(one.ainvoke(given, place))
            else:
                one.invoke(given, place)
        assert log_of(graph) == log_of(beside), turn
        match turn:
            case 3:
                saver.copy_thread("t", "copy")
                assert log_of(graph, "copy") == log_of(graph)
            case 5:
                saver.prune(["t"])
                assert log_of(graph, "copy") == log_of(graph)[: len(log_of(graph, "copy"))]
            case 8:  # turn 8 is computed from what these runs wrote
                saver.delete_for_runs([f"run {n}" for n in range(8)])
                assert log_of(graph, "copy") is None  # all of it was theirs
        assert log_of(graph) == log_of(beside), turn
    assert len(log_of(graph)) > 30
    assert all("log" in one.values for one in graph.get_state_history(config()))


def test_confined_and_signed():
    store = MemoryStore()
    saver = saver_of(store, signing_keys={"one": b"k" * 32})
    graph = conversation(saver, size=12_000)
    talk(graph, 3)
    saver.copy_thread("t", "copy")
    forget()
    assert len(messages(graph, "copy")) == 6
    stranger = saver_of(store, signing_keys={"two": b"x" * 32})
    with pytest.raises(Exception, match="sign"):
        stranger.get_tuple(config())


def test_a_store_without_conditional_writes_is_refused():
    class Plain:
        def __init__(self):
            inner = MemoryStore()
            for name in ("put", "get", "get_ranges", "head", "list", "delete"):
                setattr(self, name, getattr(inner, name))
            self.url = inner.url

    with pytest.raises(ConfigurationError, match="no conditional writes"):
        saver_of(Plain())


def test_endless_conflicts_end_in_one(monkeypatch):
    monkeypatch.setattr(other_writers, "_TURNS", 3)
    store = MemoryStore()
    saver, other = saver_of(store), saver_of(store)
    put(saver)
    head = saver.threads.head("t", "")
    advance = type(head).advance

    def overtaken(self, bag, expected, **named):
        if named["note"]["metadata"] != "other":
            last = other.threads.head("t", "").read()
            advance(
                other.threads.head("t", ""),
                last.bag,
                last,
                label="x",
                note={**last.note, "metadata": "other"},
            )
        return advance(self, bag, expected, **named)

    monkeypatch.setattr(type(head), "advance", overtaken)
    with pytest.raises(Conflict, match="were first 3 times") as caught:
        put(saver)
    assert caught.value.hint == "Let fewer writers write to one thread at a time."


def test_a_listing_by_a_coroutine_does_not_hold_the_event_loop():
    """The heads of a thread are asked for in another thread, too."""
    store, threads = MemoryStore(), set()

    class Watched(MemoryStore):
        def list(self, prefix=""):
            threads.add(threading.get_ident())
            return super().list(prefix)

    put(saver_of(store))
    watched = Watched()
    watched._objects = store._objects  # the same objects
    saver = saver_of(watched)

    async def listed():
        return [one async for one in saver.alist(None)]

    assert len(asyncio.run(listed())) == 1
    assert threads
    assert threading.get_ident() not in threads


def test_a_limit_below_zero_lists_nothing():
    saver = saver_of(MemoryStore())
    put(saver)
    assert [len(list(saver.list(config("t"), limit=most))) for most in (None, 1, 0, -1)] == [
        1,
        1,
        0,
        0,
    ]
