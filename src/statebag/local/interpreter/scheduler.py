"""Run strands in turn, in one thread, on a clock that jumps.

A strand is a generator: one branch, one iteration, or one execution. It yields when it has to wait,
after it has arranged for something to wake it. The clock counts the seconds of Waits, retries and
timeouts. The run does not wait for them: if no strand can go on, the clock jumps to the next timer.
So a run with a given seed always has the same order of events.
"""

from __future__ import annotations

import heapq
import queue
import random
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Steps = Generator[None, Any, Any]

__all__ = [
    "DeadlineError",
    "NothingLeftError",
    "Scheduler",
    "Strand",
    "StrandGroup",
    "Timer",
]

_real_clock = time.perf_counter
_time_at = datetime.fromtimestamp
_SLICE = 0.05  # seconds until a wait looks again whether anybody may still answer. Chosen
_LOOKED_EVERY = 256  # turns between two looks at the real clock. Measured: one takes 0.1 µs


class DeadlineError(Exception):
    """The run took longer, in real time, than allowed."""


class NothingLeftError(Exception):
    """Strands wait, and nothing can wake any of them."""


class Timer:
    """An action at a time of the clock, unless it is cancelled."""

    __slots__ = ("act", "at", "live", "number")

    def __init__(self, at: float, number: int, act: Callable[[], None]) -> None:
        self.at = at
        self.number = number
        self.act = act
        self.live = True

    def cancel(self) -> None:
        """Cancel it, so that it does not happen."""
        self.live = False

    def __lt__(self, other: Timer) -> bool:
        return (self.at, self.number) < (other.at, other.number)


class Strand:
    """A generator that runs until it ends.

    Args:
        steps: The generator.
        ended: Called with the strand when it ends by itself; not if it was cancelled.

    Attributes:
        value: What the generator returned.
        failure: The error that it raised.
    """

    __slots__ = ("_ended", "_steps", "failure", "live", "sent", "value")

    def __init__(self, steps: Steps, ended: Callable[[Strand], None]) -> None:
        self._steps = steps
        self._ended = ended
        self.value: Any = None
        self.failure: Exception | None = None
        self.live = True
        self.sent: Any = None

    def resume(self) -> None:
        """Run until it has to wait, or to its end."""
        if not self.live:
            return
        sent, self.sent = self.sent, None
        try:
            self._steps.send(sent)
        except StopIteration as end:
            self.value = end.value
        except Exception as error:  # noqa: BLE001 - passed to the one that started it
            self.failure = error
        else:
            return
        self.live = False
        self._ended(self)

    def cancel(self) -> None:
        """End it where it waits."""
        if self.live:
            self.live = False
            self._steps.close()


class Scheduler:
    """The strands and timers of one run.

    Args:
        seed: Determines jitter and, with `shuffled`, the order of strands.
        shuffled: Whether a random strand goes next, instead of the one that has been ready longest.
        pace: Real seconds that a second of the clock takes; with 0 the run never waits.
        deadline: Real seconds after which the run is ended; None for no limit.
        helped: Returns whether anyone outside the run may answer a task.

    Attributes:
        random: The source of all randomness.
        clock: Seconds since the run began, as Waits, retries and limits count them.
        current: The running strand.
        expecting: How many tasks wait for an answer.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        shuffled: bool = False,
        pace: float = 0.0,
        deadline: float | None = None,
        helped: Callable[[], bool] = bool,
    ) -> None:
        self.random = random.Random(seed)  # noqa: S311 - for an order, not for secrets
        self._shuffled = shuffled
        self._pace = pace
        self.started = datetime.now(UTC)
        began = time.perf_counter()
        self._epoch = self.started.timestamp() - began
        self._skips = 1 - min(pace, 1.0)  # the part of a second that is not waited for
        self._deadline = None if deadline is None else began + deadline
        self.clock = 0.0
        self._ready: deque[Strand] = deque()
        self._timers: list[Timer] = []
        self._numbers = 0
        self.current: Strand = _IDLE
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._helped = helped
        self.expecting = 0

    @property
    def is_busy(self) -> bool:
        """Return whether another strand could go on now."""
        return bool(self._ready)

    def now(self) -> datetime:
        """Return the time of the run: real time plus what the clock has jumped over."""
        skipped = self.clock * self._skips
        return _time_at(_real_clock() + self._epoch + skipped, UTC)

    def left(self) -> float | None:
        """Real seconds until the deadline; None if there is no deadline."""
        return None if self._deadline is None else self._deadline - time.perf_counter()

    def start(self, steps: Steps, ended: Callable[[Strand], None]) -> Strand:
        """Start a strand, which goes on when it is its turn."""
        strand = Strand(steps, ended)
        self._ready.append(strand)
        return strand

    def wake(self, strand: Strand, value: Any = None) -> None:
        """Let a waiting strand go on; its `yield` returns the value."""
        if strand.live:
            strand.sent = value
            self._ready.append(strand)

    def again(self) -> None:
        """Let the running strand go on after the others that are ready."""
        self._ready.append(self.current)

    def after(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Call a function when the clock has advanced by some seconds."""
        self._numbers += 1
        timer = Timer(self.clock + max(seconds, 0.0), self._numbers, act)
        heapq.heappush(self._timers, timer)
        return timer

    def post(self, act: Callable[[], None]) -> None:
        """Call a function in the thread of the run; any thread may call this."""
        self._inbox.put(act)

    def run(self, until: Callable[[], bool]) -> None:
        """Run strands until the condition holds.

        Raises:
            DeadlineError: The deadline has passed.
            NothingLeftError: No strand can go on, and none ever will.
        """
        turns = 0
        while not until():
            turns += 1
            if turns % _LOOKED_EVERY == 0:
                self.look_at_deadline()
                self._deliver()
            if self._ready:
                self.current = self._next()
                self.current.resume()
            elif not self._deliver():
                self._wait()

    def _next(self) -> Strand:
        if self._shuffled and len(self._ready) > 1:
            self._ready.rotate(-self.random.randrange(len(self._ready)))
        return self._ready.popleft()

    def _deliver(self) -> bool:
        delivered = False
        while True:
            try:
                act = self._inbox.get_nowait()
            except queue.Empty:
                return delivered
            act()
            delivered = True

    def _wait(self) -> None:
        """Wait for an answer from outside, or jump to the next timer, when nothing can go on."""
        self.look_at_deadline()
        while self._timers and not self._timers[0].live:
            heapq.heappop(self._timers)
        outside = self.expecting > 0 and self._helped()
        if not outside and self._deliver():
            return  # the last answer of a thread that has ended since
        timer = self._timers[0] if self._timers else None
        if timer is None and not outside:
            raise NothingLeftError
        # While somebody outside may answer, time passes for both sides.
        pace = max(self._pace, 1.0) if outside else self._pace
        if timer is None or (pace > 0 and timer.at > self.clock):
            ahead = _SLICE if timer is None else min((timer.at - self.clock) * pace, _SLICE)
            began = time.perf_counter()
            answered = self._answered_within(ahead)
            # Time in which a busy machine did not run this process counts towards no limit.
            self.clock += min(time.perf_counter() - began, 2 * ahead) / pace
            if answered or timer is None or self.clock < timer.at:
                return
        heapq.heappop(self._timers)
        self.clock = max(self.clock, timer.at)
        timer.act()

    def _answered_within(self, seconds: float) -> bool:
        """Wait for what is posted; return whether anything was."""
        left = self.left()
        most = seconds if left is None else min(left, seconds)
        try:
            act = self._inbox.get(timeout=max(most, 0.0))
        except queue.Empty:
            return False
        act()
        return True

    def look_at_deadline(self) -> None:
        """Raise DeadlineError if the deadline has passed."""
        left = self.left()
        if left is not None and left <= 0:
            raise DeadlineError


class StrandGroup:
    """The strands that one strand has started and waits for.

    Args:
        scheduler: Runs the strands.
    """

    __slots__ = ("_ended", "_live", "_scheduler", "_waiter")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._live: dict[Strand, Any] = {}
        self._ended: deque[Strand] = deque()
        self._waiter: Strand | None = None

    def start(self, steps: Steps, key: Any) -> None:
        """Start a strand; its key is returned with it when it has ended."""
        self._live[self._scheduler.start(steps, self._end)] = key

    def next_ended(self) -> Generator[None, Any, tuple[Any, Strand]]:
        """Wait for a strand that has ended, and return its key and the strand."""
        while not self._ended:
            self._waiter = self._scheduler.current
            yield
        strand = self._ended.popleft()
        return self._live.pop(strand), strand

    def cancel(self) -> list[Any]:
        """End all strands that are left, and return their keys."""
        left, self._live = self._live, {}
        for strand in left:
            strand.cancel()
        return [key for strand, key in left.items() if strand not in self._ended]

    def _end(self, strand: Strand) -> None:
        self._ended.append(strand)
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._scheduler.wake(waiter)


def _nothing() -> Steps:
    yield


_IDLE = Strand(_nothing(), lambda _: None)
