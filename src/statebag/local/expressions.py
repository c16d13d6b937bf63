"""Evaluate JSONata and patterns, which may never end, in processes that can be killed.

Neither Python nor a signal can stop a thread that runs C code. A regular expression holds the
interpreter's lock while it runs, so no other thread runs and no timeout fires. So each evaluation
is sent to a worker process, which then waits for the next one. This adds 0.2 ms to an evaluation,
and 0.1 s to the first one (measured on 2 cores).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.format.json_depth import MAX_DEPTH, text_is_deeper
from statebag.format.stub import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXPRESSION_SECONDS", "ExpressionError", "Expressions", "NoResultError"]

EXPRESSION_SECONDS = 60.0
"""Longest that one expression may take, in seconds, also in a run without a timeout.

Chosen; those of the examples take less than 0.01 s, measured.
"""

# After which a process ends itself, if its own run was killed. Chosen: longer than any answer takes
_MARGIN_SECONDS = 5.0
_WORKER = Path(__file__).with_name("expression_worker.py")


class ExpressionError(ValueError):
    """An expression has no value; the message gives the reason and no value of a state."""


class NoResultError(ExpressionError):
    """An expression returned nothing (undefined)."""


class Expressions:
    """The processes that evaluate the expressions of one run.

    Several threads may call it at once. It starts as many processes as are needed, up to one per
    processor.

    Args:
        seconds: The longest time that one expression may take.
    """

    def __init__(self, seconds: float = EXPRESSION_SECONDS) -> None:
        self._seconds = seconds
        self._most = os.cpu_count() or 1
        self._changed = threading.Condition()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._busy: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def jsonata(
        self,
        expression: str,
        bindings: dict[str, Any],
        looked_into: Callable[..., None] | None = None,
        left: float | None = None,
    ) -> Any:
        """Return the value of a JSONata expression with these variables, as plain JSON.

        Args:
            expression: Without its `{% %}`.
            bindings: The variables by name.
            looked_into: Called for each stub in the variables that the expression looked into, with
                its path, which begins with the variable's name, and the name of the member that it
                asked for. The name is None for all members, and the reserved key if another stub
                replaced it. A third argument is true if the expression deleted the member. Its
                errors pass through.
            left: Seconds left for the run; None for no limit.

        Raises:
            NoResultError: It returns nothing.
            ExpressionError: It does not parse, throws, returns what JSON cannot hold, takes too
                long or too much memory, or the run is over.
        """
        request = {"expression": expression, "bindings": bindings}
        if looked_into is not None:
            request["stub"] = KEY
        return self._answered(request, left, looked_into)

    def found(self, path: str, data: Any, left: float | None = None) -> list[Any]:
        """Return what an indefinite JSONPath finds in a value, within the remaining seconds.

        Raises:
            ExpressionError: It does not parse or cannot be evaluated, takes too long or too much
                memory, or the run is over.
        """
        found = self._answered({"path": path, "data": data}, left)
        assert isinstance(found, list)
        return found

    def close(self) -> None:
        """End all processes at once; evaluations under way raise ExpressionError."""
        with self._changed:
            self._closed = True
            processes = [*self._idle, *self._busy]
            self._idle.clear()
            self._changed.notify_all()
        for process in processes:
            _end(process)

    def _answered(
        self,
        request: dict[str, Any],
        left: float | None,
        looked_into: Callable[..., None] | None = None,
    ) -> Any:
        # A context object may hold what is not JSON; an expression sees its text.
        seconds = self._seconds if left is None else min(self._seconds, max(left, 0.0))
        line = json.dumps({**request, "seconds": seconds + _MARGIN_SECONDS}, default=str)
        process = self._taken()
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        answer = b""
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(OSError):  # it was killed: then there is no answer either
                process.stdin.write(line.encode() + b"\n")
                process.stdin.flush()
                answer = process.stdout.readline()
        finally:
            timer.cancel()
            self._released(process, whole=answer.endswith(b"\n") and not late.is_set())
        if not answer.endswith(b"\n"):
            raise ExpressionError(self._reason(process, late=late.is_set()))
        if text_is_deeper(answer, MAX_DEPTH + 1):  # the answer is an object around the value
            raise ExpressionError(f"returned a value of more than {MAX_DEPTH} levels")
        said = json.loads(answer)
        if looked_into is not None:
            for place, *about in said["read"]:
                looked_into(tuple(place), *about)
        if "nothing" in said:
            raise NoResultError(said["nothing"])
        if "error" in said:
            raise ExpressionError(said["error"])
        return said["value"]

    def _reason(self, process: subprocess.Popen[bytes], *, late: bool) -> str:
        if late:
            return f"took longer than {self._seconds:g} s"
        if self._closed:
            return "was abandoned, because the run has ended"
        return f"ended the process that evaluated it (status {process.returncode})"

    def _taken(self) -> subprocess.Popen[bytes]:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._idle or len(self._busy) < self._most
            )
            if self._closed:
                raise ExpressionError("was abandoned, because the run has ended")
            process = self._idle.pop() if self._idle else _started()
            self._busy.add(process)
        return process

    def _released(self, process: subprocess.Popen[bytes], *, whole: bool) -> None:
        with self._changed:
            self._busy.discard(process)
            kept = whole and not self._closed
            if kept:
                self._idle.append(process)
            self._changed.notify()
        if not kept:
            _end(process)


def _started() -> subprocess.Popen[bytes]:
    if not sys.executable:
        raise ConfigurationError(
            "sys.executable is empty, so no process can be started to evaluate an expression",
            hint="Set sys.executable to a Python that has the extra statebag[local].",
        )
    places = json.dumps([str(Path(place).resolve()) for place in sys.path if place])
    # Isolated from the environment: a variable or a file of the folder changes no result.
    return subprocess.Popen(  # noqa: S603 - this Python, and a file of this package
        [sys.executable, "-I", str(_WORKER), places],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # A keyboard interrupt is for the run, which ends this process itself.
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # nobody reads what is in a buffer any more
            if stream is not None:
                stream.close()
