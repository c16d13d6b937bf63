"""Read durations as the object storage client writes them."""

from __future__ import annotations

import re

__all__ = ["seconds_of"]

_DURATION = re.compile(r"(\d+)\s*([a-zA-Zµ]+)")
# The client's words for the units of time (humantime's), in seconds.
_UNITS = {
    **dict.fromkeys(("nsec", "nanos", "ns"), 1e-9),
    **dict.fromkeys(("usec", "micros", "us", "µs"), 1e-6),
    **dict.fromkeys(("msec", "millis", "ms"), 1e-3),
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1.0),
    **dict.fromkeys(("minute", "minutes", "min", "mins", "m"), 60.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600.0),
    **dict.fromkeys(("day", "days", "d"), 86400.0),
    **dict.fromkeys(("week", "weeks", "w"), 7 * 86400.0),
}


def seconds_of(text: str) -> float | None:
    """Return a duration such as `1m 30s` in seconds; None if it has another form."""
    parts = _DURATION.findall(text)
    if not parts or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in parts)
