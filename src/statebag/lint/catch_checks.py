"""Find calls to the store that are not retried, and Catches that hide a lost state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.lint.catches import Following

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.asl.model import State
    from statebag.lint.calls import ServiceCall

__all__ = ["CatchChecks"]

_RETRIED = frozenset({"StoreUnavailable", "States.ALL", "States.TaskFailed"})
_LOSSES = ("BlobMissing", "BlobCorrupt")
_CATCHES_ALL = frozenset({"States.ALL", "States.TaskFailed"})


class CatchChecks:
    """Turns the Retry and Catch fields of states into findings.

    Args:
        states: The states of a definition, by their paths.
        say: Called with a finding's path, code, message and fix.
    """

    def __init__(
        self, states: Mapping[str, State], say: Callable[[str, str, str, str], None]
    ) -> None:
        self._states = states
        self._say = say
        self._following: dict[str, Following] = {}

    def retry(self, path: str, state: dict[str, Any], call: ServiceCall) -> None:
        """Check that a Task which seals retries if the store is unavailable."""
        names = {name for one in state.get("Retry", []) for name in one["ErrorEquals"]}
        if names.isdisjoint(_RETRIED):
            self._say(
                path,
                "SB301",
                f"{call.name} reads and writes the store, but StoreUnavailable is not retried",
                'Add to Retry: {"ErrorEquals": ["StoreUnavailable"], "IntervalSeconds": 1, '
                '"MaxAttempts": 5, "BackoffRate": 2, "JitterStrategy": "FULL"}.',
            )

    def catch(self, path: str, state: dict[str, Any], *, seals: bool) -> None:
        """Check the Catches of a state.

        Args:
            path: The state's path.
            state: Its fields.
            seals: Whether it, or a state in it, seals.
        """
        settled: set[str] = set()
        machine = self._states[path].machine
        if machine.path not in self._following:
            self._following[machine.path] = Following(machine)
        following = self._following[machine.path]
        for index, handler in enumerate(state.get("Catch", [])):
            names = set(handler["ErrorEquals"])
            place = f"{path}.Catch[{index}]"
            hidden = [
                loss
                for loss in _LOSSES
                if loss not in settled and (loss in names or not names.isdisjoint(_CATCHES_ALL))
            ]
            settled.update(hidden)
            if not following.ends_well(handler["Next"]):
                continue
            language = self._states[path].language
            if seals and hidden and not following.is_looked_at(handler, language):
                self._say(
                    place,
                    "SB302",
                    f"also catches {' and '.join(hidden)} and goes on to {handler['Next']!r}, from "
                    "where the execution can succeed without looking at the error: a lost state "
                    "goes unnoticed",
                    "Catch BlobMissing and BlobCorrupt before it, and send them to a Fail state.",
                )
            keeps = "ResultPath" in handler and handler["ResultPath"] != "$"
            if not keeps and "Output" not in handler and "Assign" not in handler:
                self._say(
                    place,
                    "SB303",
                    "the error replaces the whole input, including its bag, and the execution "
                    "goes on with {handler['Next']!r}",
                    'Keep both: "ResultPath": "$.error" (in JSONata: an Output with the input).',
                )
