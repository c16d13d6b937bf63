"""Define what all compiled states have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.local.interpreter.data_flow import data_flow

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from statebag.asl.model import State
    from statebag.local.interpreter.json_value import JsonValue
    from statebag.local.interpreter.machine_program import MachineProgram
    from statebag.local.interpreter.state_visit import StateVisit

    Left = tuple[JsonValue, dict[str, Any] | None, str | None]

__all__ = ["StateProgram"]


class StateProgram:
    """A compiled state.

    A type of state that never waits has `run`; any other has `blocks` and `steps`.

    Args:
        state: The state of the definition.

    Attributes:
        next: The name of the state that follows; None for a state that ends its machine.
        machines: The machines in it.
        uses_s3: Whether it reads items from S3, or writes results there.
    """

    blocks = False
    uses_s3 = False

    machines: Sequence[MachineProgram] = ()

    def __init__(self, state: State) -> None:
        self.name = state.name
        self.kind = state.kind
        self.path = state.path
        self.fields = state.fields
        self.is_jsonata = state.language == "JSONata"
        self.next: str | None = state.fields.get("Next")
        self.flow = data_flow(state)

    def run(self, visit: StateVisit) -> Left:
        """Return the output, the variables and the name of the next state."""
        raise NotImplementedError

    def steps(self, visit: StateVisit) -> Generator[None, Any, Left]:
        """Return the same as `run`, for a state that has to wait."""
        raise NotImplementedError
