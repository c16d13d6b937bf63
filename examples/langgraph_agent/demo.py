"""A coding agent's run on LangGraph: killed, resumed, forked and compared.

    python examples/langgraph_agent/demo.py [--run FILE] [--repeat N]

No model and no network: the model's answers and the tools' results are those of a recorded run
(--run: a trajectory of SWE-agent), or made up. The state goes into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

from statebag import Statebag
from statebag.integrations.langgraph import StatebagSaver

THREAD = {"configurable": {"thread_id": "agent"}, "recursion_limit": 10_000}


def recorded(file: Path | None, repeat: int) -> list[tuple[str, str, str]]:
    """The steps of a run: what the model thought, the command that it gave, and its output."""
    if file is None:
        steps = [
            (f"I look at part {n}.", f"cat part_{n}.py", f"line {n}\n" * 150) for n in range(40)
        ]
    else:
        run = json.loads(file.read_text("utf-8"))["trajectory"]
        steps = [(one["thought"] or "", one["action"], one["observation"] or "") for one in run]
    return steps * repeat


def agent(saver: Any, steps: list[tuple[str, str, str]], kill_at: int | None = None) -> Any:
    """A loop of a model and its tools, which stops after the last recorded step."""

    def model(state: MessagesState) -> dict[str, Any]:
        number = sum(isinstance(one, AIMessage) for one in state["messages"])
        if number == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if number >= len(steps):
            return {"messages": [AIMessage("Done.", id=f"ai-{number}")]}
        thought, command, _ = steps[number]
        call = {"name": "shell", "args": {"command": command}, "id": f"call-{number}"}
        return {"messages": [AIMessage(thought, tool_calls=[call], id=f"ai-{number}")]}

    def tools(state: MessagesState) -> dict[str, Any]:
        (call,) = state["messages"][-1].tool_calls
        output = steps[int(call["id"].removeprefix("call-"))][2]
        return {"messages": [ToolMessage(output, tool_call_id=call["id"], id=f"tool-{call['id']}")]}

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
    parser.add_argument("--run", type=Path)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kill-at", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    steps = recorded(given.run, given.repeat)
    if given.folder is not None:
        graph = agent(StatebagSaver(Statebag(given.folder)), steps, given.kill_at)
        task = {"messages": [HumanMessage("Fix the bug.", id="task")]}
        graph.invoke(task, THREAD, durability="sync")  # each step is stored before the next begins
        return
    with tempfile.TemporaryDirectory() as folder:
        show(steps, Path(folder), given)


def show(steps: list[tuple[str, str, str]], folder: Path, given: argparse.Namespace) -> None:
    """Kill a run, resume it, fork it, compare, and print what it cost."""
    store = folder / "store"
    command = [sys.executable, __file__, "--folder", store, "--kill-at", str(len(steps) // 2)]
    command += ["--repeat", str(given.repeat), *(["--run", given.run] if given.run else [])]
    killed = subprocess.run(command, check=False)  # noqa: S603 (its own)
    saver = StatebagSaver(Statebag(store))
    graph = agent(saver, steps)
    found = len(graph.get_state(THREAD).values["messages"])
    print(f"killed (exit code {killed.returncode}) with {found} messages kept")

    graph.invoke(None, THREAD)
    whole = graph.get_state(THREAD).values["messages"]
    print(f"resumed: {len(whole)} messages, the last one: {whole[-1].content}")

    history = list(graph.get_state_history(THREAD))
    past = next(one for one in history if len(one.values["messages"]) == found // 2 // 2 * 2 + 1)
    config = graph.update_state(past.config, {"messages": [AIMessage("I stop here.", id="stop")]})
    forked = graph.get_state(config).values["messages"]
    same = sum(one == other for one, other in zip(whole, forked, strict=False))
    print(f"forked at a past step: {len(forked)} messages, {same} the same as before")

    with SqliteSaver.from_conn_string(str(folder / "threads.sqlite")) as other:
        agent(other, steps).invoke({"messages": [HumanMessage("Fix the bug.", id="task")]}, THREAD)
    mine, theirs = size_of(store), (folder / "threads.sqlite").stat().st_size
    print(f"{len(history)} checkpoints: {mine / 1000:,.0f} KB here, {theirs / 1000:,.0f} in sqlite")
    print(f"sqlite takes {theirs / mine:.0f} times as much")


if __name__ == "__main__":
    main()
