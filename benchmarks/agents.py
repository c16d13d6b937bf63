"""What a turn of an agent's thread writes, beside LangGraph's own savers: `make bench-agents`.

Each saver runs the same graph with the same messages. sqlite and Postgres are real: the growth of
the database file, and of the tables with their indexes. DynamoDB is moto's, and every byte that is
sent counts, as it does for the store.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph, add_messages
from typing_extensions import TypedDict

from benchmarks.agent_peers import dynamodb, has_postgres, postgres
from statebag import Statebag
from statebag.integrations.langgraph import StatebagSaver
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Result", "main", "measure", "table"]

_WORDS = [f"{random.Random(n).randrange(16**6):x}" for n in range(4000)]


class Messages(TypedDict):
    """A list of messages, as most agents have."""

    messages: Annotated[list[AnyMessage], add_messages]


def _all(state: list[Any], writes: list[list[Any]]) -> list[Any]:
    return [*(state or []), *(one for write in writes for one in write)]


class DeltaMessages(TypedDict):
    """The same list in LangGraph's channel of differences (beta), as it is by default."""

    messages: Annotated[list[AnyMessage], DeltaChannel(_all)]


class Result(NamedTuple):
    """What the turns of one saver wrote.

    Attributes:
        saver: Its name.
        kilobytes: KB a turn, in the mean.
        last: KB a turn, in the last quarter.
        requests: Requests a turn; None where they were not counted.
    """

    saver: str
    kilobytes: float
    last: float
    requests: float | None


class Place(NamedTuple):
    """A saver, and what it has written so far.

    Attributes:
        saver: The saver.
        written: Returns bytes.
        requests: Returns requests, or None.
    """

    saver: Any
    written: Callable[[], int]
    requests: Callable[[], int | None]


def _text(rng: random.Random, size: int) -> str:
    words: list[str] = []
    while size > 0:
        words.append(rng.choice(_WORDS))
        size -= len(words[-1]) + 1
    return " ".join(words)


def _graph(saver: Any, state: type, size: int) -> Any:
    def answer(given: Any) -> Any:
        turn = len(given["messages"])
        rng = random.Random(turn)
        call = {"name": "tool", "args": {"query": _text(rng, size // 4)}, "id": f"call-{turn}"}
        return {
            "messages": [
                AIMessage(_text(rng, size // 4), tool_calls=[call], id=f"ai-{turn}"),
                ToolMessage(_text(rng, size // 2), tool_call_id=call["id"], id=f"tool-{turn}"),
            ]
        }

    builder = StateGraph(state)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


def measure(name: str, place: Place, state: type, *, turns: int, size: int) -> Result:
    """Run a thread of some turns, each of which adds about `size` bytes of messages."""
    forget()
    graph = _graph(place.saver, state, size)
    config = {"configurable": {"thread_id": "thread"}}
    written = [place.written()]
    for turn in range(turns):
        said = HumanMessage(f"go on {turn}", id=f"human-{turn}")
        graph.invoke({"messages": [said]}, config)
        written.append(place.written())
    found = graph.get_state(config).values["messages"]
    assert len(found) == 3 * turns, f"{name} lost messages"
    quarter = max(1, turns // 4)
    requests = place.requests()
    return Result(
        name,
        (written[-1] - written[0]) / turns / 1000,
        (written[-1] - written[-1 - quarter]) / quarter / 1000,
        None if requests is None else requests / turns,
    )


@contextmanager
def _of_statebag() -> Iterator[Place]:
    store = RecordingStore(MemoryStore())
    saver = StatebagSaver(Statebag(store, replicas=()))
    yield Place(saver, lambda: sum(call.size for call in store.calls), lambda: len(store.calls))


@contextmanager
def _of_sqlite() -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "threads.sqlite"
        with SqliteSaver.from_conn_string(str(file)) as saver:

            def written() -> int:
                saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                return file.stat().st_size

            saver.setup()
            yield Place(saver, written, lambda: None)


@contextmanager
def _of_postgres() -> Iterator[Place]:
    with postgres() as address, PostgresSaver.from_conn_string(address) as saver:
        saver.setup()

        def written() -> int:
            row = saver.conn.execute(
                "select sum(pg_total_relation_size(oid)) as bytes from pg_class "
                "where relname like 'checkpoint%' and relkind = 'r'"
            ).fetchone()
            return int(row["bytes"])

        yield Place(saver, written, lambda: None)


@contextmanager
def _of_dynamodb() -> Iterator[Place]:
    with dynamodb() as (saver, sent, _):
        yield Place(saver, sent, lambda: None)


def _places() -> dict[str, Any]:
    places = {"sqlite": _of_sqlite, "DynamoDB and S3": _of_dynamodb, "statebag": _of_statebag}
    if has_postgres():
        places["Postgres"] = _of_postgres
    return places


def table(results: list[Result]) -> str:
    """Return the results as a table for a page."""
    rows = [
        "| saver | KB a turn | in the last quarter | requests a turn |",
        "| --- | --- | --- | --- |",
    ]
    for one in results:
        requests = "" if one.requests is None else f"{one.requests:.1f}"
        rows.append(f"| {one.saver} | {one.kilobytes:,.0f} | {one.last:,.0f} | {requests} |")
    return "\n".join(rows)


def goals(results: list[Result]) -> list[tuple[str, bool]]:
    """Return each goal for what is written at the end of the thread, and whether it is met."""
    last = {one.saver: one.last for one in results}
    mine = last["statebag"]
    found = [
        (f"at most a twentieth of {peer} ({mine / last[peer]:.3f})", mine * 20 <= last[peer])
        for peer in ("Postgres", "sqlite", "DynamoDB and S3")
        if peer in last
    ]
    deltas = {saver: one for saver, one in last.items() if saver.endswith(", DeltaChannel")}
    best = min((one, saver) for saver, one in deltas.items() if not saver.startswith("statebag"))
    text = f"at most the best of DeltaChannel's ({mine / best[0]:.3f} of {best[1]})"
    return [*found, (text, mine <= best[0])]


def main(arguments: list[str] | None = None) -> None:
    """Run all savers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--kilobytes", type=float, default=1260, help="of messages at the end")
    given = parser.parse_args(arguments)
    size = int(given.kilobytes * 1000 / given.turns)
    results = []
    for name, place in sorted(_places().items()):
        for kind, state in (("", Messages), (", DeltaChannel", DeltaMessages)):
            with place() as one:
                result = measure(f"{name}{kind}", one, state, turns=given.turns, size=size)
            results.append(result)
            print(f"{result.saver}: {result.kilobytes:,.1f} KB a turn", file=sys.stderr)
    print(f"{given.turns} turns, {given.kilobytes:,.0f} KB of messages at the end\n")
    print(table(results))
    failed = [text for text, met in goals(results) if not met]
    print("\n" + "\n".join(f"{'met' if met else 'MISSED'}: {text}" for text, met in goals(results)))
    sys.exit(1 if failed else None)


if __name__ == "__main__":
    main()
