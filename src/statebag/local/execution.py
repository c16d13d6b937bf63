"""What a run on this machine gives back, and whom it tells on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statebag.telemetry.usage import Usage

__all__ = ["Handler", "LocalExecution", "LocalTransition", "Observer"]

Handler = Callable[[Any, Any], Any]
"""A Lambda handler: `(event, context)` to a value that JSON can hold."""


@dataclass(frozen=True, slots=True)
class LocalTransition:
    """One state that was entered and left; each Map iteration and branch has its own.

    Attributes:
        number: Its place in the order in which states were entered, from 1.
        state: The state's name.
        kind: Its ASL `Type`.
        path: Where it ran: `Machine/Map[3]/Parse` is `Parse` in iteration 3 of `Map`,
            `Machine/Both[1]/Right` is `Right` in the second branch of the Parallel `Both`.
        seconds: From entering to leaving on the clock of the run, waits and retries included.
        input_bytes: Its input as the payload quota counts it.
        output_bytes: Its output as the payload quota counts it; 0 where it has none.
        usage: What its function cost, all attempts together; None if none was called.
        error: The name of the error that ended it, also where a `Catch` took the error.
        attempts: How often its function was called.
    """

    number: int
    state: str
    kind: str
    path: str
    seconds: float
    input_bytes: int
    output_bytes: int
    usage: Usage | None
    error: str | None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class LocalExecution:
    """How a run ended.

    Attributes:
        arn: The execution's ARN.
        name: The execution's name.
        status: `SUCCEEDED`, `FAILED` or `TIMED_OUT`.
        output: The output; None unless it succeeded.
        error: The error's name; None where there is none.
        cause: The error's cause; None where there is none.
        history: The events, as GetExecutionHistory shapes them. Those of children of a
            distributed Map and of nested executions are not among them (`on_event` gets all).
        seconds: From start to end on the clock of the run.
        transitions: All states that were left, in the order in which they were entered, also
            those of children and of nested executions.
        warnings: What was found and did not end the run, each once.
        unfinished: Of a run that timed out, the paths of the states that were at work then.
        threads_left: Whether a function that did not return in time still runs, in its thread.
            boto3 is not answered in this process any more by then.
    """

    arn: str
    name: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    history: list[dict[str, Any]] = field(repr=False)
    seconds: float
    transitions: tuple[LocalTransition, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    threads_left: bool = False


class Observer:
    """Receive the progress of a run; override the calls that you need.

    Methods are called in the thread of the run. What they raise ends the run.
    """

    def state_entered(self, name: str, kind: str, path: str) -> None:
        """A state was entered."""

    def state_left(self, transition: LocalTransition) -> None:
        """A state was left, with an output or an error."""

    def waiting_for_token(self, token: str, state: str) -> None:
        """A state's task was started and now waits until its token is answered."""
