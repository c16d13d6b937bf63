"""Answer a test's questions about a workflow that has run: its end, and the states in its bags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statebag.client import Statebag
    from statebag.local.execution import LocalExecution

__all__ = ["RanWorkflow"]


class RanWorkflow:
    """A workflow that has run in a test.

    Args:
        execution: How it ended.
        store: Opens the bags that its functions made.

    Attributes:
        execution: How it ended.
    """

    def __init__(self, execution: LocalExecution, store: Statebag) -> None:
        self.execution = execution
        self._store = store

    def succeeded(self) -> Any:
        """Return the output, opened; fail the test if the workflow did not succeed."""
        assert self.execution.status == "SUCCEEDED", self._told()
        return self._store.open(self.execution.output)

    def failed(self, error: str | None = None) -> str:
        """Return the cause; fail the test if the workflow did not fail, or with another error.

        Args:
            error: The error's name; None for any.
        """
        assert self.execution.status == "FAILED", self._told()
        assert error is None or self.execution.error == error, self._told()
        return self.execution.cause or ""

    def outputs(self, state: str) -> list[Any]:
        """Return the opened outputs of a state, in order; fail the test if it has none.

        States of a distributed Map's children are not included: they belong to other executions.
        """
        left = [
            event["stateExitedEventDetails"]
            for event in self.execution.history
            if "stateExitedEventDetails" in event
        ]
        found = [one["output"] for one in left if one["name"] == state]
        assert found, f"{state} was not left; {self._told()}"
        return [self._store.open(json.loads(text)) for text in found]

    def visited(self, *states: str) -> None:
        """Fail the test if the states of the machine itself were not entered in this order."""
        entered = [one.state for one in self.execution.transitions if "[" not in one.path]
        assert entered == list(states), self._told()

    def passed_through(self, *states: str) -> None:
        """Fail the test if these states were not entered in this order; others may be between.

        States of branches and of iterations of inline Maps count too.
        """
        entered = iter([one.state for one in self.execution.transitions])
        missing = next((one for one in states if one not in entered), None)
        assert missing is None, f"{missing} was not entered in this order; {self._told()}"

    def fitted(self, most_bytes: int = 262_144) -> None:
        """Fail the test if a state had an input or an output of more bytes."""
        largest = max(
            self.execution.transitions, key=lambda one: max(one.input_bytes, one.output_bytes)
        )
        size = max(largest.input_bytes, largest.output_bytes)
        assert size <= most_bytes, f"a payload of {largest.path} has {size:,} bytes"

    def _told(self) -> str:
        """Return how it ended, and where; of a step that is not opened, only the error is known."""
        one = self.execution
        went = " > ".join(state.state for state in one.transitions[-8:])
        error = f" with {one.error}: {one.cause}" if one.error or one.cause else ""
        warned = "".join(f"\n{warning}" for warning in one.warnings)
        return f"the workflow ended {one.status}{error}\nits last states: {went or 'none'}{warned}"
