"""What runs beside the agent: the long check that answers later, and a segment's check."""

from __future__ import annotations

from typing import Any

from agent import tools


class SegmentUnreadable(Exception):  # noqa: N818 - the name that an ErrorEquals matches
    """A segment's files cannot be checked; the others can."""


def compile_all(root: str, paths: list[str]) -> dict[str, Any]:
    """The answer of the long check: each file as the compiler sees it."""
    files = [tools.compile_file(root, path) for path in paths]
    return {"status": "SUCCEEDED", "next_action": "CONTINUE", "files": files}


def check_segment(segment: dict[str, Any]) -> dict[str, Any]:
    """A chunk's result.

    Raises:
        SegmentUnreadable: `fail` is `segment`; the Map goes on without it.
        RuntimeError: `fail` is `map`; nobody expects it, so the whole Map fails.
    """
    if segment["fail"] == "segment":
        raise SegmentUnreadable(f"{segment['segment_id']} was asked to fail")
    if segment["fail"] == "map":
        raise RuntimeError(f"{segment['segment_id']} was asked to fail the whole Map")
    root = segment["root"]
    findings = [found for path in segment["paths"] for found in tools.check_file(root, path)]
    return {
        "segment_id": segment["segment_id"],
        "execution_order": segment["execution_order"],
        "status": "COMPLETE",
        "files": len(segment["paths"]),
        "findings": findings,
    }
