"""The function of listing.asl.json."""

from typing import Any


def summarize(state: dict[str, Any], _context: object) -> dict[str, int]:
    """Return how many objects a listing has, and how many bytes."""
    objects = state.get("Contents", [])
    return {"count": len(objects), "bytes": sum(one["Size"] for one in objects)}
