"""A coding agent of several hundred turns on LangGraph: killed, resumed, forked and compared.

    python examples/langgraph_agent/demo.py [--turns N] [--run FILE ...]

No model and no network. The agent reads the source of statebag with real tools; what a model would
decide, a few rules decide from the messages. With --run, it replays recorded runs instead
(trajectories of SWE-agent, one after another). The state goes into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

import statebag
from statebag import Statebag
from statebag.integrations.langgraph import StatebagSaver

if TYPE_CHECKING:
    from collections.abc import Sequence

LIBRARY = Path(statebag.__file__).parent
THREAD = {"configurable": {"thread_id": "agent"}, "recursion_limit": 10_000}
TASK = {"messages": [HumanMessage("Which functions may fail, and how?", id="task")]}
LINES = 60  # that the agent reads at once


class Turn(NamedTuple):
    """What a model answers: a thought, and a call of a tool."""

    thought: str
    tool: str
    arguments: dict[str, Any]


class Reader:
    """An agent that reads the library, part by part, and looks up names that it came across."""

    def __init__(self, turns: int) -> None:
        self.turns = turns

    def decide(self, number: int, messages: Sequence[Any]) -> Turn | None:
        """Return the next turn, by what the tools answered so far."""
        if number >= self.turns:
            return None
        if number == 0:
            return Turn("I look which files there are.", "list_files", {})
        names = re.findall(r"def (\w{6,})\(", messages[-1].content)
        if number % 10 == 0 and names:
            return Turn(f"Who calls {names[-1]}?", "search", {"text": f"{names[-1]}("})
        read = [
            call["args"]
            for one in messages
            for call in getattr(one, "tool_calls", ())
            if call["name"] == "read_lines"
        ]
        files = messages[2].content.splitlines()
        file, first = (read[-1]["file"], read[-1]["first"] + LINES) if read else (files[0], 1)
        if read and not self.read_lines(file, first):
            file, first = files[files.index(file) + 1], 1
        return Turn(
            f"I read {file} from line {first}.", "read_lines", {"file": file, "first": first}
        )

    def use(self, turn: dict[str, Any]) -> str:
        """Return what a tool answers."""
        return str(getattr(self, turn["name"])(**turn["args"]))

    def list_files(self) -> str:
        """A tool: the files of some packages."""
        packages = ("asl", "format", "opening", "sealing", "store")
        found = [file for one in packages for file in (LIBRARY / one).rglob("*.py")]
        return "\n".join(sorted(one.relative_to(LIBRARY).as_posix() for one in found))

    def read_lines(self, file: str, first: int) -> str:
        """A tool: some lines of a file; nothing behind its end."""
        lines = (LIBRARY / file).read_text("utf-8").splitlines()
        return "\n".join(lines[first - 1 : first - 1 + LINES])

    def search(self, text: str) -> str:
        """A tool: the first lines that have a text in them."""
        found = []
        for file in self.list_files().splitlines():
            for number, line in enumerate((LIBRARY / file).read_text("utf-8").splitlines(), 1):
                if text in line:
                    found.append(f"{file}:{number}: {line.strip()}")
        return "\n".join(found[:20])


class Replay:
    """An agent that decides as in recorded runs, and whose tools answer as they did there."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._steps = [
            one for file in files for one in json.loads(file.read_text("utf-8"))["trajectory"]
        ]
        self.turns = len(self._steps)

    def decide(self, number: int, messages: Sequence[Any]) -> Turn | None:  # noqa: ARG002
        """Return the next recorded turn."""
        if number >= self.turns:
            return None
        step = self._steps[number]
        return Turn(step["thought"] or "", "shell", {"command": step["action"], "step": number})

    def use(self, turn: dict[str, Any]) -> str:
        """Return what the tool answered then."""
        return self._steps[turn["args"]["step"]]["observation"] or ""


def agent(saver: Any, run: Reader | Replay, kill_at: int | None = None) -> Any:
    """A loop of a model and its tools, which ends when there is nothing more to do."""

    def model(state: MessagesState) -> dict[str, Any]:
        number = sum(isinstance(one, AIMessage) for one in state["messages"])
        if number == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        turn = run.decide(number, state["messages"])
        if turn is None:
            return {"messages": [AIMessage("Done.", id=f"ai-{number}")]}
        call = {"name": turn.tool, "args": turn.arguments, "id": f"call-{number}"}
        return {"messages": [AIMessage(turn.thought, tool_calls=[call], id=f"ai-{number}")]}

    def tools(state: MessagesState) -> dict[str, Any]:
        (call,) = state["messages"][-1].tool_calls
        answer = ToolMessage(run.use(call), tool_call_id=call["id"], id=f"tool-{call['id']}")
        return {"messages": [answer]}

    def next_node(state: MessagesState) -> str:
        return "tools" if state["messages"][-1].tool_calls else END

    builder = StateGraph(MessagesState)
    builder.add_node("model", model)
    builder.add_node("tools", tools)
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", next_node, ["tools", END])
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=saver)


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main(arguments: list[str] | None = None) -> None:
    """Run the demonstration, or one process of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--run", type=Path, action="append")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kill-at", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    run = Replay(given.run) if given.run else Reader(given.turns)
    if given.folder is not None:
        graph = agent(StatebagSaver(Statebag(given.folder)), run, given.kill_at)
        begun = graph.get_state(THREAD).next  # a process before may have been killed
        # Each step is stored before the next begins.
        graph.invoke(None if begun else TASK, THREAD, durability="sync")
        return
    with tempfile.TemporaryDirectory() as folder:
        show(run, Path(folder), given)


def show(run: Reader | Replay, folder: Path, given: argparse.Namespace) -> None:
    """Kill a run twice, resume it, fork it, compare, and print what it cost."""
    store = folder / "store"
    command = [sys.executable, __file__, "--folder", store, "--turns", str(given.turns)]
    command += [part for file in given.run or () for part in ("--run", file)]
    saver = StatebagSaver(Statebag(store))
    graph = agent(saver, run)
    for kill_at in (run.turns // 3, 2 * run.turns // 3):
        killed = subprocess.run([*command, "--kill-at", str(kill_at)], check=False)  # noqa: S603 (its own)
        found = len(graph.get_state(THREAD).values["messages"])
        print(f"killed (exit code {killed.returncode}) with {found} messages kept")

    graph.invoke(None, THREAD)
    newest = graph.get_state(THREAD)
    whole = newest.values["messages"]
    print(f"resumed: {len(whole)} messages, the last one: {whole[-1].content}")

    wanted = {"step": newest.metadata["step"] // 2 // 2 * 2}  # a tool answered last
    (past,) = graph.get_state_history(THREAD, filter=wanted, limit=1)
    config = graph.update_state(past.config, {"messages": [AIMessage("I stop here.", id="stop")]})
    forked = graph.get_state(config).values["messages"]
    same = sum(one == other for one, other in zip(whole, forked, strict=False))
    print(f"forked at a past step: {len(forked)} messages, {same} the same as before")

    file = folder / "threads.sqlite"
    with SqliteSaver.from_conn_string(str(file)) as other:
        expected = agent(other, run).invoke(TASK, THREAD)["messages"]
    same = sum(one == other for one, other in zip(whole, expected, strict=True))
    print(f"compared with a run on sqlite that nobody killed: {same} of {len(whole)} are the same")
    mine, theirs = size_of(store), file.stat().st_size
    steps = newest.metadata["step"] + 2
    print(f"{steps} checkpoints: {mine / 1e6:,.1f} MB here, {theirs / 1e6:,.1f} MB in sqlite")
    print(f"sqlite takes {theirs / mine:.0f} times as much")


if __name__ == "__main__":
    main()
