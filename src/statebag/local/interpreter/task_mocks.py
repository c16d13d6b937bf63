"""Mock Task states: give results of their attempts without calling anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.format.json_type import json_type
from statebag.local.interpreter.json_value import JsonValue, checked_value
from statebag.local.interpreter.state_failure import TIMEOUT, StateFailure

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from statebag.local.interpreter.task_state import TaskCall

__all__ = ["TaskMocks", "mock_advice"]

_FORM = 'Such as {"Return": value}, or {"Throw": {"Error": name, "Cause": text}}.'


def mock_advice(state: str, *, result: str = "...", otherwise: str = "") -> str:
    """Return advice for a Task that cannot be answered here: use a mock, in either form.

    Args:
        state: The Task's name.
        result: A placeholder for its result.
        otherwise: Further advice; empty if there is none.
    """
    hint = (
        f"Answer it with a mock: mocks={{{state!r}: {{'Return': {result}}}}}, or a file with "
        "`statebag run --mocks FILE --case NAME` (docs/testing.md)."
    )
    return f"{hint} Or {otherwise}" if otherwise else hint


class TaskMocks:
    """The outcomes of Task states, by the state's name.

    Args:
        mocks: For each state a list of outcomes, one for each attempt in turn, or one outcome for
            all attempts. An outcome is `{"Return": value}` or `{"Throw": {"Error", "Cause"}}`.

    Raises:
        ConfigurationError: An outcome has another form.
        InvalidState: One returns what is not a JSON value.
    """

    def __init__(self, mocks: Mapping[str, Any]) -> None:
        self._outcomes: dict[str, list[Any] | dict[str, Any]] = {}
        self._used: dict[str, int] = {}
        for state, outcomes in mocks.items():
            several = isinstance(outcomes, list | tuple)
            listed = list(outcomes) if several else [outcomes]
            for number, outcome in enumerate(listed):
                listed[number] = _checked(outcome, f"{state}[{number}]" if several else state)
            self._outcomes[state] = listed if several else listed[0]

    def __contains__(self, state: str) -> bool:
        return state in self._outcomes

    def __bool__(self) -> bool:
        return bool(self._outcomes)

    def unknown(self, states: Iterable[str]) -> list[str]:
        """Return the names of mocks that belong to no Task among these states."""
        return sorted(self._outcomes.keys() - set(states))

    def answer(self, call: TaskCall) -> Generator[None, Any, Any]:
        """Return or raise the result of the next attempt of a state."""
        outcome = self._next(call.visit.name)
        if call.resource.pattern:
            call.events.submitted(JsonValue({}))
        elif call.resource.kind == "activity":
            call.events.taken(None)
        if "Return" in outcome:
            return outcome["Return"]
        thrown = outcome["Throw"]
        error = thrown.get("Error")
        if error == TIMEOUT:
            yield from call.visit.lane.execution.pause(call.patience or 0)
            raise call.timed_out()
        raise StateFailure(error, thrown.get("Cause"))

    def _next(self, state: str) -> dict[str, Any]:
        outcomes = self._outcomes[state]
        if isinstance(outcomes, dict):
            return outcomes
        used = self._used.get(state, 0)
        if used == len(outcomes):
            raise ConfigurationError(
                f"the state {state!r} has {len(outcomes)} mocked outcomes, but there is one more "
                "attempt",
                hint="Add an outcome to its list, or give one outcome without a list for all.",
            )
        self._used[state] = used + 1
        outcome: dict[str, Any] = outcomes[used]
        return outcome


def _checked(outcome: Any, place: str) -> dict[str, Any]:
    if not isinstance(outcome, dict) or outcome.keys() not in ({"Return"}, {"Throw"}):
        found = ", ".join(map(str, outcome)) if isinstance(outcome, dict) else json_type(outcome)
        raise ConfigurationError(
            f"a mock must have Return or Throw, not {found or 'neither'} (of {place})", hint=_FORM
        )
    thrown = outcome.get("Throw", {})
    if not isinstance(thrown, dict) or not thrown.keys() <= {"Error", "Cause"}:
        raise ConfigurationError(
            f"Throw must be an object with Error and Cause, not {json_type(thrown)} (of {place})",
            hint=_FORM,
        )
    checked: dict[str, Any] = checked_value(outcome, f"the mock of {place}").value
    return checked
