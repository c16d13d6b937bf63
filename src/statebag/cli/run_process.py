"""End the process of a run that cannot end itself.

A handler may be in C code that no other thread can interrupt (a regular expression that backtracks,
a power of large numbers). Then its process notices neither the timeout nor Ctrl-C. So with
--timeout, the run is a child process, and the program ends it two seconds after the timeout if it
still runs. Without fork (on Windows), the run must end itself.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

from statebag.cli.exit_codes import EXECUTION_FAILED
from statebag.cli.terminal import raw
from statebag.cli.terminal_text import printable
from statebag.local.execution import Observer

if TYPE_CHECKING:
    from statebag.local.execution import LocalTransition

__all__ = ["RunProcess"]

GRACE_SECONDS = 2.0
"""After a timeout, until a run is ended from outside. Chosen: twice the second within which a run
that works ends itself."""

_LOADING_SECONDS = 30.0
"""On top of the timeout: for reading the workflow and loading its functions, and again from
loading the engine to the first state. Chosen: measured 2 s, and 8 s on a busy machine with 2
cores."""

# After which a run whose program was killed ends itself. Chosen: long enough for the program to
# end the run first, and short enough that nothing is left behind.
_ALONE_SECONDS = 60.0
_SHOW_CURSOR = "\x1b[?25h"


class RunProcess:
    """The process of a run: a child if the run has a timeout, otherwise this process.

    Args:
        timeout: The timeout of the run, in seconds; None if it has none.
        is_program: Whether this process is the program `statebag`, with one thread; another
            process, such as a test, does not fork.
    """

    def __init__(self, timeout: float | None, *, is_program: bool) -> None:
        self._timeout = timeout
        self._is_program = is_program
        self._pipe: int | None = None
        if not is_program or timeout is None or not hasattr(os, "fork"):
            return
        ours, theirs = os.pipe()
        child = os.fork()
        if child:
            os.close(theirs)
            _leave(_Watch(child, ours, timeout).status())
        os.close(ours)
        os.set_blocking(theirs, False)
        self._pipe = theirs
        signal.setitimer(signal.ITIMER_REAL, timeout + _LOADING_SECONDS + _ALONE_SECONDS)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _Interrupts().interrupt)

    def begin(self) -> None:
        """Note that the execution starts: the engine is loaded."""
        if self._pipe is not None and self._timeout is not None:
            self._say("begin")
            signal.setitimer(signal.ITIMER_REAL, self._timeout + _ALONE_SECONDS)

    def end(self) -> None:
        """Note that the execution has ended; from now on there is no time limit."""
        if self._pipe is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._say("end")

    def leave(self, status: int) -> None:
        """End the program at once, without waiting for threads that a handler left."""
        if self._is_program:
            _leave(status)

    def told(self, observer: Observer) -> Observer:
        """Return an observer that also reports to the program which states are open."""
        return observer if self._pipe is None else _Telling(observer, self._say)

    def _say(self, text: str) -> None:
        assert self._pipe is not None
        # A program that is gone, or does not read, is no reason for the run to stop.
        with suppress(OSError):
            os.write(self._pipe, (printable(text)[:500] + "\n").encode())


class _Telling(Observer):
    """Pass reports on to an observer, and report the open states to the program."""

    def __init__(self, observer: Observer, say: Any) -> None:
        self._observer = observer
        self._say = say

    def state_entered(self, name: str, kind: str, path: str) -> None:
        self._say(f"+{path}")
        self._observer.state_entered(name, kind, path)

    def state_left(self, transition: LocalTransition) -> None:
        self._say(f"-{transition.path}")
        self._observer.state_left(transition)

    def waiting_for_token(self, token: str, state: str) -> None:
        self._observer.waiting_for_token(token, state)


class _Interrupts:
    """Raise one KeyboardInterrupt for an interrupt that arrives twice."""

    def __init__(self) -> None:
        self._last = 0.0

    def interrupt(self, *_: object) -> None:
        now = time.monotonic()
        if now - self._last > 0.5:
            self._last = now
            raise KeyboardInterrupt


class _Watch:
    """Wait for the process of a run.

    Args:
        child: The process.
        pipe: Its reports.
        timeout: The timeout of its run, in seconds.
    """

    def __init__(self, child: int, pipe: int, timeout: float) -> None:
        self._child = child
        self._pipe = pipe
        self._timeout = timeout
        # Until it begins, it reads files and loads functions.
        self._deadline: float | None = time.monotonic() + timeout + _LOADING_SECONDS
        self._has_begun = False
        self._at_work: dict[str, int] = {}
        self._rest = b""

    def status(self) -> int:
        """Return the exit status of the run: its own, or that of a run that timed out."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._hand_on)
        while True:
            # Checked without a message too: a grandchild may keep the pipe open.
            ready, _, _ = select.select([self._pipe], [], [], 0.1)
            said = os.read(self._pipe, 65_536) if ready else None
            if said:
                self._hear(said)
            ended, status = os.waitpid(self._child, 0 if said == b"" else os.WNOHANG)
            if ended:
                return self._of(status)
            if self._deadline is not None and time.monotonic() > self._deadline:
                return self._ended_from_outside()

    def _hand_on(self, number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._child, number)

    def _hear(self, said: bytes) -> None:
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            text = line.decode()
            if text == "begin":
                self._has_begun = True
                self._deadline = time.monotonic() + self._timeout + _LOADING_SECONDS
            elif text == "end":
                self._deadline = None
            else:
                if not self._at_work:  # the first state: the time of the execution counts now
                    self._deadline = time.monotonic() + self._timeout + GRACE_SECONDS
                count = self._at_work.get(text[1:], 0) + (1 if text[0] == "+" else -1)
                self._at_work[text[1:]] = count

    def _of(self, status: int) -> int:
        code = os.waitstatus_to_exitcode(status)
        if code < 0:  # a signal ended it: end in the same way
            with suppress(OSError, ValueError):  # some signals cannot be set
                signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
            return 128 - code
        return code

    def _ended_from_outside(self) -> int:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        stream = raw(sys.stderr)
        if stream.isatty():  # the table that was shown had hidden it
            stream.write(_SHOW_CURSOR + "\n")
        paths = [path for path, count in self._at_work.items() if count > 0]
        inner = [
            path
            for path in paths
            if not any(other.startswith((f"{path}/", f"{path}[")) for other in paths)
        ]
        at_work = f" At work then: {', '.join(inner[:5])}." if inner else ""
        if not self._has_begun:
            click.echo(
                "TIMED_OUT  the workflow, its functions and its input were not read within "
                f"{self._timeout + _LOADING_SECONDS:g} s (--timeout plus {_LOADING_SECONDS:g}), "
                "and the process was ended: look for a file that is very large or is a pipe, and "
                "for code that a module runs when it is imported",
                err=True,
            )
            return EXECUTION_FAILED
        click.echo(
            f"TIMED_OUT  the run did not end within {self._timeout:g} s, and its process was "
            f"ended: one call kept everything else from running.{at_work}",
            err=True,
        )
        return EXECUTION_FAILED


def _leave(status: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
