"""The result of a run on this machine, and the observer that follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from statebag.telemetry.usage import Usage

__all__ = ["Handler", "LocalExecution", "LocalTransition", "Observer"]

Handler = Callable[[Any, Any], Any]
"""A Lambda handler: it takes `(event, context)` and returns a value that JSON can hold."""


class LocalTransition(NamedTuple):
    """One state that was entered and left; each Map iteration and branch has its own.

    Attributes:
        number: Its place in the order in which states were entered, from 1.
        state: The state's name.
        kind: Its ASL `Type`.
        path: Where it ran: `Machine/Map[3]/Parse` is `Parse` in iteration 3 of `Map`,
            `Machine/Both[1]/Right` is `Right` in the second branch of the Parallel `Both`.
        seconds: From entering to leaving on the clock of the run, waits and retries included.
        input_bytes: Its input as the payload quota counts it.
        output_bytes: Its output as the payload quota counts it; 0 if it has none.
        usage: What its function cost, all attempts together; None if none was called.
        error: The name of the error that ended it, even if a `Catch` took the error.
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
        error: The error's name; None if there is none.
        cause: The error's cause; None if there is none.
        history: The events, as GetExecutionHistory shapes them. They do not include those of
            distributed Map children and of nested executions (`on_event` gets all).
        seconds: From start to end on the clock of the run.
        transitions: All states that were left, in the order in which they were entered, including
            those of children and of nested executions.
        warnings: Problems that did not end the run, each once.
        unfinished: For a run that timed out, the paths of the states that were running then.
        threads_left: Whether a function that did not return in time is still running in its thread.
            This process no longer answers its boto3 calls.
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
        """Called when a state was entered."""

    def state_left(self, transition: LocalTransition) -> None:
        """Called when a state was left, with an output or an error."""

    def waiting_for_token(self, token: str, state: str) -> None:
        """Called when a state's task was started and now waits for an answer to its token."""
