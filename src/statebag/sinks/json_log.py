"""Log a line of JSON for each step, and for each warning of this library.

Lambda can log in JSON by itself; these lines say what a step cost and which step it was. A warning
has the names of the step that logged it.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.telemetry.steps import current_names

if TYPE_CHECKING:
    from statebag.telemetry.steps import Done

__all__ = ["JsonLog"]

_NANOSECONDS = 1e6  # of a millisecond


class JsonLog:
    """Log steps; once made, warnings of the logger `statebag` become lines of JSON too."""

    def __init__(self) -> None:
        self._log = logging.getLogger("statebag")
        self._log.setLevel(logging.INFO)
        self._log.propagate = False  # Lambda's own handler would print each line again
        handler = _Printing()
        handler.setFormatter(_Lines())
        self._log.addHandler(handler)

    def ended(self, done: Done) -> None:
        """Log a step: as INFO, or as ERROR if it ended with one."""
        spent = {name: value for name, value in done.usage.as_dict().items() if value}
        spent.pop("plain_bytes", None)
        for name in ("seal_ns", "open_ns"):
            if name in spent:
                spent[name.replace("_ns", "_ms")] = round(spent.pop(name) / _NANOSECONDS, 3)  # type: ignore[assignment]
        fields: dict[str, Any] = {
            "function": done.function or None,
            "action": done.action,
            "execution": done.execution,
            "execution_arn": done.execution_arn,
            "scope": done.scope,
            "state": done.state,
            "error": done.error,
            "ms": round(done.seconds * 1000, 3),
            **spent,
        }
        level = logging.INFO if done.error is None else logging.ERROR
        self._log.log(level, "step", extra={"statebag": fields})


class _Printing(logging.Handler):
    """Print to the current standard output, which a test or a runtime may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(self.format(record) + "\n")
        sys.stdout.flush()


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "statebag", {})
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "message": record.getMessage(),
            **current_names(),  # of a warning, which a step gave while it was at work
            **{name: value for name, value in fields.items() if value is not None},
        }
        return json.dumps(line)
