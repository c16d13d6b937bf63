"""One turn of the agent for each segment: from what it knows to what it does and learns.

Each takes the state, opened as far as `NEEDS` says, and gives an execution result. It decides by
fixed rules what a model would decide; the tool calls and their outputs are real.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from agent import tools

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN, READ, SEARCH, WEIGH, PLAN, DRAFT, REPORT = range(7)
BRANCHES = 6
NODES = ("imports", "size", "documentation")
DEFAULTS = {
    "folder": None,
    "max_files": None,
    "batch_bytes": None,
    "segment_bytes": 250_000,
    "max_turns": 400,
    "answer_seconds": 604_800,
    "auto_approve": False,
    "fail": None,
}


def begin(execution_id: str, request: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    """`{state_data, execution_result}`: the first state, and what the first turn gives."""
    # The profile is a part of the state by itself.
    request = {**DEFAULTS, **{name: one for name, one in request.items() if name != "profile"}}
    found = tools.list_files(request["folder"], request["max_files"])
    files = found["files"]
    if not files:
        raise FileNotFoundError(f"{found['root']} holds no Python file")
    batches = _cut(files, request["batch_bytes"] or profile["batch_bytes"])
    state = {
        "execution_id": execution_id,
        "segment_to_run": BEGIN,
        "loop_counter": 0,
        "next_action": "STARTED",
        "status": "RUNNING",
        "max_turns": request["max_turns"],
        "answer_seconds": request["answer_seconds"],
        "request": request,
        "profile": profile,
        "scheduling_metadata": {
            "total_batches": len(batches),
            "priority": "normal",
            "batches": batches,
        },
        "current_state": {"root": found["root"], "modules": [], "matches": {}, "reviews": {}},
        "state_history": [],
    }
    summary = {"files": len(files), "bytes": sum(file["bytes"] for file in files)}
    says = f"I list the Python files below {found['root']}."
    calls = [("list_files", {"folder": request["folder"]}, summary)]
    result = _turn(state, says, calls, READ, {"files": files})
    return {"state_data": state, "execution_result": result}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """One batch of files; their text goes into the history, their outlines into the memory."""
    batches = state["scheduling_metadata"]["batches"]
    turn = state["loop_counter"] - 1  # the first turn listed the files
    root = state["current_state"]["root"]
    texts = {file["path"]: tools.read_file(root, file["path"]) for file in batches[turn]}
    known = state["current_state"]["modules"]
    modules = [*known, *(tools.outline(path, text) for path, text in texts.items())]
    calls = [("read_file", {"path": path}, text) for path, text in texts.items()]
    done = turn + 1 == len(batches)
    says = f"I read batch {turn + 1} of {len(batches)}."
    return _turn(state, says, calls, SEARCH if done else READ, {"modules": modules})


def search(state: dict[str, Any]) -> dict[str, Any]:
    """One pattern of the profile; after the last one, the review forks into branches."""
    current = state["current_state"]
    patterns = state["profile"]["patterns"]
    name = list(patterns)[len(current["matches"])]
    paths = [file["path"] for file in current["files"]]
    found = tools.search(current["root"], paths, patterns[name])
    done = len(current["matches"]) + 1 == len(patterns)
    result = _turn(
        state,
        f"I search for {name}.",
        [("search", {"pattern": patterns[name]}, found)],
        WEIGH if done else SEARCH,
        {"matches": {**current["matches"], name: found}},
    )
    if done:
        result["branches"] = _branches(current["modules"], state["request"]["fail"])
        result["next_action"] = "PARALLEL_GROUP"
    return result


def weigh(state: dict[str, Any]) -> dict[str, Any]:
    """After the branches: what they found, and a long check that answers later."""
    failed = state.get("failed_branches") or []
    if failed:
        names = ", ".join(str(branch["branch_id"]) for branch in failed)
        return _failed(state, "BranchFailed", f"These branches did not end: {names}.")
    reviews = state["current_state"]["reviews"]
    summary = {
        "branches": len(reviews),
        "functions": sum(one["size"]["functions"] for one in reviews.values()),
        "undocumented": sum(one["documentation"]["missing"] for one in reviews.values()),
    }
    result = _turn(state, "I ask for all files to be compiled.", [], PLAN, {"summary": summary})
    result["next_action"] = "PAUSED_FOR_ASYNC_LLM"
    return result


def plan(state: dict[str, Any]) -> dict[str, Any]:
    """What the Distributed Map runs over: segments of about the same size."""
    broken = [one["path"] for one in state["async_result"]["files"] if not one["compiles"]]
    current = state["current_state"]
    segments = [
        {
            "segment_id": f"segment-{order:03}",
            "execution_order": order,
            "root": current["root"],
            "paths": [file["path"] for file in files],
            "fail": state["request"]["fail"] if order == 0 else None,
        }
        for order, files in enumerate(_cut(current["files"], state["request"]["segment_bytes"]))
    ]
    says = f"I have {len(segments)} segments checked."
    return _turn(state, says, [], DRAFT, {"segments": segments, "does_not_compile": broken})


def draft(state: dict[str, Any]) -> dict[str, Any]:
    """What a person is asked to approve."""
    rules: Counter[str] = Counter()
    for chunk in state["distributed_results"]:
        rules.update(finding["rule"] for finding in chunk.get("findings", ()))
    summary = {
        **state["current_state"]["summary"],
        "does_not_compile": len(state["current_state"]["does_not_compile"]),
        "failed_segments": state["distributed_chunk_summary"]["failed"],
        "findings": dict(sorted(rules.items())),
    }
    result = _turn(state, "I ask whether to publish this.", [], REPORT, {"summary": summary})
    result["next_action"] = "PAUSED_FOR_HITP"
    return result


def report(state: dict[str, Any]) -> dict[str, Any]:
    """The report, if the person agreed."""
    answer = state["callback_result"]
    if answer.get("approved") is not True:
        return _failed(state, "NotApproved", "The person who was asked did not approve.")
    current = state["current_state"]
    lines = [f"# Review of {current['root']}", ""]
    lines += [f"- {name}: {value}" for name, value in current["summary"].items()]
    for chunk in state["distributed_results"]:
        for finding in chunk.get("findings", ()):
            lines.append("- `{path}:{line}` {rule} {name}".format(**finding).rstrip())
    text = "\n".join(lines) + "\n"
    result = _turn(
        state, f"I publish, as {answer.get('by')} agrees.", [], REPORT + 1, {"report": text}
    )
    result["status"] = "COMPLETE"
    return result


TURNS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    READ: read,
    SEARCH: search,
    WEIGH: weigh,
    PLAN: plan,
    DRAFT: draft,
    REPORT: report,
}

# What a turn reads of what may have left the bag; the rest stays where it is, unread.
NEEDS: dict[int, tuple[str, ...]] = {
    READ: ("scheduling_metadata", "current_state.modules"),
    SEARCH: ("current_state.files", "current_state.matches", "current_state.modules"),
    WEIGH: ("failed_branches", "current_state.reviews"),
    PLAN: ("async_result", "current_state.files"),
    DRAFT: (
        "distributed_results",
        "distributed_chunk_summary",
        "current_state.summary",
        "current_state.does_not_compile",
    ),
    REPORT: ("callback_result", "distributed_results", "current_state.summary"),
}
ALWAYS = ("request", "profile", "current_state.root")


def _turn(
    state: dict[str, Any],
    says: str,
    calls: list[tuple[str, dict[str, Any], Any]],
    following: int,
    learned: dict[str, Any],
) -> dict[str, Any]:
    """An execution result: the messages, what was learned, and which segment follows."""
    number = state["loop_counter"] + 1
    name = f"turn-{number}"
    asked = [
        {"id": f"{name}-{place}", "name": tool, "arguments": arguments}
        for place, (tool, arguments, _) in enumerate(calls)
    ]
    messages: list[dict[str, Any]] = [{"role": "assistant", "content": says, "tool_calls": asked}]
    messages += [
        {"role": "tool", "tool_call_id": call["id"], "name": call["name"], "content": output}
        for call, (_, _, output) in zip(asked, calls, strict=True)
    ]
    return {
        "append_id": name,
        "loop_counter": number,
        "next_segment_to_run": following,
        "final_state": learned,
        "new_history_logs": messages,
    }


def _failed(state: dict[str, Any], error: str, cause: str) -> dict[str, Any]:
    result = _turn(state, cause, [], state["segment_to_run"], {})
    return {**result, "status": "FAILED", "error": {"Error": error, "Cause": cause}}


def _cut(files: list[dict[str, Any]], most_bytes: int) -> list[list[dict[str, Any]]]:
    """Runs of neighbouring files of about so many bytes, at least one file a run."""
    runs: list[list[dict[str, Any]]] = []
    size = 0
    for file in files:
        if not runs or size + file["bytes"] > most_bytes:
            runs.append([])
            size = 0
        runs[-1].append(file)
        size += file["bytes"]
    return runs


def _branches(modules: list[dict[str, Any]], fail: str | None) -> list[dict[str, Any]]:
    """At most `BRANCHES` of them: whole packages, each branch with its part of the outlines."""
    packages = [
        list(group)
        for _, group in groupby(modules, key=lambda module: module["path"].rpartition("/")[0])
    ]
    partitions: list[list[dict[str, Any]]] = [[] for _ in range(min(BRANCHES, len(packages)))]
    for package in sorted(packages, key=len, reverse=True):
        min(partitions, key=len).extend(package)
    return [
        {
            "branch_id": f"branch-{number}",
            "partition_map": {module["path"]: module for module in partition},
            "nodes": list(NODES),
            "fail": fail if number == 0 else None,
        }
        for number, partition in enumerate(partitions)
    ]
