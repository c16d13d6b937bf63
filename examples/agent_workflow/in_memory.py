"""The same agent without any workflow: one process, one dict, nothing sealed.

What the workflow ends with must be what this gives, apart from `BOOKKEEPING`. It shares the
agent with the workflow, and nothing of the state data manager.
"""

from __future__ import annotations

import base64
import copy
import gzip
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "functions"))  # what Lambda puts on the path

from agent import turns
from agent.branch import work
from agent.checks import SegmentUnreadable, check_segment, compile_all

# Sizes, times and addresses, which only a sealed state has, and which deliveries were merged.
BOOKKEEPING = frozenset(
    {
        "payload_size_kb",
        "compression_applied",
        "s3_offloaded",
        "last_optimization",
        "merged_deliveries",
        "pre_snapshot_s3_path",
        "post_snapshot_s3_path",
    }
)
_RESULTS_KEPT = 10
_FAILED_KEPT = 5


def run(execution_id: str, request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The final state.

    Args:
        execution_id: As in the state to compare with.
        request: The execution's input.
        answer: What the person says.
    """
    profile = json.loads(gzip.decompress(base64.b64decode(request["profile"]["data"])))
    begun = turns.begin(execution_id, request, profile)
    state = begun["state_data"]
    _take(state, begun["execution_result"])
    while state["next_action"] not in {"COMPLETE", "FAILED"}:
        if state["next_action"] == "PARALLEL_GROUP":
            _fork(state)
        elif state["next_action"] == "PAUSED_FOR_ASYNC_LLM":
            paths = [file["path"] for file in state["current_state"]["files"]]
            state["async_result"] = compile_all(state["current_state"]["root"], paths)
            state["next_action"] = "CONTINUE"  # at the segment that the pause named
        elif state["next_action"] == "PAUSED_FOR_HITP":
            state["callback_result"] = answer
            state["next_action"] = "CONTINUE"  # at the segment that the pause named
        else:
            if state["segment_to_run"] == turns.DRAFT:
                _check_segments(state)
            _take(state, turns.TURNS[state["segment_to_run"]](copy.deepcopy(state)))
    return state


def differences(state: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """The fields at the top of a state that are not, to the last byte, what is expected."""
    names = (state.keys() | expected.keys()) - BOOKKEEPING
    return sorted(
        name
        for name in names
        if name not in state or name not in expected or _text(state[name]) != _text(expected[name])
    )


def _take(state: dict[str, Any], result: dict[str, Any]) -> None:
    state["segment_to_run"] = result.get("next_segment_to_run", state["segment_to_run"])
    state["loop_counter"] = result["loop_counter"]
    state["current_state"].update(result["final_state"])
    state["state_history"].extend(result["new_history_logs"])
    state["last_append_id"] = result["append_id"]
    state["next_action"] = result.get("next_action", result.get("status", "CONTINUE"))
    for name in ("status", "error"):
        if name in result:
            state[name] = result[name]
    if "branches" in result:
        branches = result["branches"]
        state["forked_branches"] = branches
        state["pending_branches"] = [
            {
                "branch_index": index,
                "branch_id": branch["branch_id"],
                "total_branches": len(branches),
            }
            for index, branch in enumerate(branches)
        ]


def _fork(state: dict[str, Any]) -> None:
    """Each branch on a copy of its own; then what they all changed comes together."""
    ended = []
    for branch in state["forked_branches"]:
        own = {
            "segment_to_run": 0,
            "loop_counter": 0,
            "status": "RUNNING",
            "current_state": copy.deepcopy(state["current_state"]),
            "state_history": [],
        }
        while own["status"] != "COMPLETE":
            _take(own, work(branch, own))
        ended.append((branch["branch_id"], own))
    current = state["current_state"]
    for name, own in ended:
        current["reviews"][name] = own["current_state"]["reviews"][name]
        current["last_branch"] = own["current_state"]["last_branch"]
        state["state_history"].extend(own["state_history"])
    if len(ended) > 1:
        conflict = {
            "path": "$.current_state.last_branch",
            "rule": "last",
            "fork": None,
            "branches": [
                {"branch_id": name, "sha256": _digest(own["current_state"]["last_branch"])}
                for name, own in ended
            ],
            "count": len(ended),
        }
        state["merge_conflicts"] = [conflict]
        state["merge_conflict_count"] = 1
    state["last_append_id"] = "join"
    state["next_action"] = "CONTINUE"


def _check_segments(state: dict[str, Any]) -> None:
    chunks = []
    for segment in state["current_state"]["segments"]:
        try:
            chunks.append(check_segment(segment))
        except SegmentUnreadable as error:
            chunk = {name: segment[name] for name in ("segment_id", "execution_order")}
            chunks.append({**chunk, "status": "FAILED", "error": type(error).__name__})
    failed = [chunk for chunk in chunks if chunk["status"] == "FAILED"]
    state["distributed_results"] = chunks
    state["failed_segments"] = failed[:_FAILED_KEPT]
    state["distributed_chunk_summary"] = {
        "total": len(chunks),
        "succeeded": len(chunks) - len(failed),
        "failed": len(failed),
        "chunk_results": chunks[:_RESULTS_KEPT],
    }


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
