"""The record of an agent: what it decided, what its tools answered, and how far it is."""

from __future__ import annotations

from typing import Any

CONTINUE = "CONTINUE"
FORK = "PARALLEL_GROUP"
COMPLETE = "COMPLETE"


def turn(
    state: dict[str, Any], tool: str, arguments: dict[str, Any], says: str, output: Any
) -> dict[str, Any]:
    """The fields that one more turn changes: the two messages, the history and the counter.

    Everything follows from the state, so that a turn that is run again gives the same answer.
    """
    number = state["loop_counter"] + 1
    call = f"call-{number}"
    return {
        "loop_counter": number,
        "messages": [
            *state["messages"],
            {
                "role": "assistant",
                "content": says,
                "tool_calls": [{"id": call, "name": tool, "arguments": arguments}],
            },
            {"role": "tool", "tool_call_id": call, "content": output},
        ],
        "state_history": [
            *state["state_history"],
            {"append_id": call, "segment": state["segment_to_run"], "tool": tool, "did": says},
        ],
    }
