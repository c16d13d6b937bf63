"""What a run on this machine gives back, and whom it tells on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statebag.telemetry.usage import Usage

__all__ = ["Execution", "Handler", "LocalTransition", "Observer"]

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
        seconds: From entering to leaving, waits and retries included.
        input_bytes: Its input as the payload quota counts it.
        output_bytes: Its output as the payload quota counts it; 0 where it ended with an error.
        usage: What its Lambda handler cost, all attempts together; None if none was called.
        error: The name of the error that ended it, also where a `Catch` took the error.
        attempts: How often its handler was called.
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
class Execution:
    """The result of an execution, as `DescribeExecution` and `GetExecutionHistory` give it.

    Attributes:
        arn: The execution's ARN.
        name: The execution's name.
        status: `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
        output: The output; None unless it succeeded.
        error: The error's name; None where there is none.
        cause: The error's cause; None where there is none.
        seconds: From start to end.
        transitions: All states that were left, in the order in which they were entered.
        history: The events of `GetExecutionHistory`. As on AWS, the children of a Distributed
            Map are no part of it (their transitions are).
        warnings: What was found and did not end the run.
        unfinished: Of one that timed out, the paths of the states that were at work then.
        threads_left: Whether a handler, or another call that nothing can stop, was still at work
            when the result was made. Its thread goes on, as a daemon, until it returns or the
            process ends; boto3 is not answered in this process any more by then.
    """

    arn: str
    name: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    seconds: float
    transitions: tuple[LocalTransition, ...]
    history: list[dict[str, Any]]
    warnings: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    threads_left: bool = False


class Observer:
    """Receive the progress of a run; override the calls that you need.

    Methods are called from the interpreter's threads, one call at a time. What they raise ends
    the run.
    """

    def state_entered(self, name: str, kind: str, path: str) -> None:
        """A state was entered."""

    def state_left(self, transition: LocalTransition) -> None:
        """A state was left, with an output or an error."""

    def waiting_for_token(self, token: str, state: str) -> None:
        """A state's task was started and now waits until its token is answered."""
