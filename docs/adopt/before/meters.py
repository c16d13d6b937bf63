"""A day of electricity meters, as it was before: the state travels whole in the payload."""

from statistics import fmean
from typing import Any

_PAGES = 24  # a day's hours


def read_page(state: dict[str, Any], _context: object) -> dict[str, Any]:
    """The next hour of every meter, behind what was read before."""
    hour = state.get("hour", -1) + 1
    page = [
        {"meter": meter, "minute": hour * 60 + minute, "watts": _measured(meter, hour, minute)}
        for meter in state["meters"]
        for minute in range(60)
    ]
    readings = [*state.get("readings", []), *page]
    return {**state, "hour": hour, "readings": readings, "more": hour + 1 < _PAGES}


def check_meter(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What one meter used, and in how many minutes it used nothing."""
    watts = [one["watts"] for one in event["readings"] if one["meter"] == event["meter"]]
    return {"meter": event["meter"], "mean": fmean(watts), "idle": watts.count(0)}


def report(state: dict[str, Any], _context: object) -> dict[str, Any]:
    """The day as a whole."""
    watts = [one["watts"] for one in state["readings"]]
    idle = [one["meter"] for one in state["checks"] if one["idle"]]
    return {**state, "report": {"readings": len(watts), "mean": fmean(watts), "idle": idle}}


def _measured(meter: str, hour: int, minute: int) -> int:
    """Stands for the meters' own service."""
    return (sum(meter.encode()) * 7919 + hour * 104_729 + minute * 1299) % 2400
