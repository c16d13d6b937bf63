"""Apply Retry and Catch after a failed attempt of a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.local.interpreter.data_flow import JsonataFlow, PathFlow
from statebag.local.interpreter.state_failure import StateFailure, is_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from random import Random

    from statebag.asl.model import State
    from statebag.local.interpreter.json_value import JsonValue
    from statebag.local.interpreter.state_visit import StateVisit

    Attempt = Callable[[StateVisit], Generator[None, Any, Any]]
    Left = tuple[JsonValue, dict[str, Any] | None, str | None]

__all__ = ["ErrorHandlers"]

# The defaults in the specification of the Amazon States Language, "Retrying after error".
_ATTEMPTS, _INTERVAL, _BACKOFF = 3, 1.0, 2.0


class _Catcher:
    def __init__(self, fields: dict[str, Any], language: str) -> None:
        self.errors: list[str] = fields["ErrorEquals"]
        self.next: str = fields["Next"]
        self.flow = (JsonataFlow if language == "JSONata" else PathFlow)(fields, "Catch")


class ErrorHandlers:
    """The Retry and the Catch of a state."""

    def __init__(self, state: State) -> None:
        self._retriers: list[dict[str, Any]] = list(state.fields.get("Retry") or ())
        self._catchers = [_Catcher(one, state.language) for one in state.fields.get("Catch") or ()]

    def guarded(
        self,
        visit: StateVisit,
        attempt: Attempt,
        finish: Callable[[StateVisit, Any], Left],
        failed: Callable[[StateVisit, StateFailure], None] | None = None,
    ) -> Generator[None, Any, Left]:
        """Run attempts until one succeeds, or no Retry handles the failure.

        Args:
            visit: The visit.
            attempt: Returns the result of an attempt.
            finish: Turns a result into the output, the variables and the name of the next state.
            failed: Called with the last failure, before a Catch takes it.

        Returns:
            The result of `finish`, or the output of a Catch and the state to which it leads.

        Raises:
            StateFailure: The last one, if no Catch handles it.
        """
        counts = [0] * len(self._retriers)
        while True:
            try:
                return finish(visit, (yield from attempt(visit)))
            except StateFailure as failure:
                visit.note(failure)
                delay = self._delay(failure, counts, visit.lane.execution.scheduler.random)
                if delay is None:
                    if failed is not None:
                        failed(visit, failure)
                    return self._caught(visit, failure)
            if visit.retries is not None:
                visit.retries += 1
            yield from visit.lane.execution.pause(delay)

    def _delay(self, failure: StateFailure, counts: list[int], chance: Random) -> float | None:
        """Return the seconds until the next attempt; None if there is none."""
        for number, retrier in enumerate(self._retriers):
            if not is_taken(failure, retrier["ErrorEquals"]):
                continue
            if counts[number] >= retrier.get("MaxAttempts", _ATTEMPTS):
                return None
            delay = float(retrier.get("IntervalSeconds", _INTERVAL))
            delay *= float(retrier.get("BackoffRate", _BACKOFF)) ** counts[number]
            delay = min(delay, float(retrier.get("MaxDelaySeconds", delay)))
            counts[number] += 1
            return chance.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay
        return None

    def _caught(self, visit: StateVisit, failure: StateFailure) -> Left:
        for catcher in self._catchers:
            if is_taken(failure, catcher.errors):
                visit.error = failure.error
                output, assigned = catcher.flow.caught(visit, failure)
                return output, assigned, catcher.next
        raise failure
