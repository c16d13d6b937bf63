"""Compile a machine once for all of its executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.asl.malformed_text import MalformedError
from statebag.errors import ConfigurationError
from statebag.local.interpreter.field_check import check_fields
from statebag.local.interpreter.plain_states import (
    ChoiceProgram,
    FailProgram,
    PassProgram,
    SucceedProgram,
    WaitProgram,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.model import State, StateMachine
    from statebag.local.interpreter.state_program import StateProgram

__all__ = ["MachineProgram"]

_PLAIN: dict[str, type[StateProgram]] = {
    "Pass": PassProgram,
    "Choice": ChoiceProgram,
    "Wait": WaitProgram,
    "Succeed": SucceedProgram,
    "Fail": FailProgram,
}


class MachineProgram:
    """A compiled machine: a whole definition, a branch, or what a Map runs for each item.

    Args:
        machine: The machine of a checked definition.
        region: The region of functions that a Task names without one.

    Attributes:
        start: The name of its first state.
        states: Its states by name.
        timeout: Seconds after which an execution of it ends; None for no limit.
        definition: Its fields in the definition.
    """

    def __init__(self, machine: StateMachine, region: str) -> None:
        assert machine.start_at is not None
        self.start: str = machine.start_at
        self.definition = machine.fields
        self.timeout: float | None = machine.fields.get("TimeoutSeconds")
        self.states = {name: _program(state, region) for name, state in machine.states.items()}

    def first_states(self) -> dict[str, list[str]]:
        """Return the first states of the branches of each Parallel in it, by its name."""
        return {
            one.name: [machine.start for machine in one.machines]
            for one in self.programs()
            if one.kind == "Parallel"
        }

    def programs(self) -> Iterator[StateProgram]:
        """Yield all states in it, including those of its Parallels and Maps."""
        for state in self.states.values():
            yield state
            for machine in state.machines:
                yield from machine.programs()


def _program(state: State, region: str) -> StateProgram:
    check_fields(state)
    try:
        return _compiled(state, region)
    except MalformedError as error:
        raise ConfigurationError(
            f"a path or a call cannot be read: {error}", path=state.path
        ) from error


def _compiled(state: State, region: str) -> StateProgram:
    if state.kind in _PLAIN:
        return _PLAIN[state.kind](state)
    # The other types need much more code, so each is loaded for the first machine that has it.
    if state.kind == "Task":
        from statebag.local.interpreter.task_state import TaskProgram  # noqa: PLC0415 - see above

        return TaskProgram(state, region)
    inner = [MachineProgram(machine, region) for machine in state.machines]
    if state.kind == "Parallel":
        from statebag.local.interpreter.parallel_state import (  # noqa: PLC0415 - see above
            ParallelProgram,
        )

        return ParallelProgram(state, inner)
    if state.is_distributed:
        from statebag.local.interpreter.map_run import (  # noqa: PLC0415 - see above
            DistributedMapProgram,
        )

        return DistributedMapProgram(state, inner[0])
    from statebag.local.interpreter.map_state import MapProgram  # noqa: PLC0415 - see above

    return MapProgram(state, inner[0])
