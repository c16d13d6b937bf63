"""Refuse everything that cannot run here, before anything runs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from statebag.asl.definition import problems_of
from statebag.asl.model import Definition
from statebag.errors import ConfigurationError
from statebag.local.interpreter.json_value import checked_value
from statebag.local.interpreter.machine_program import MachineProgram

if TYPE_CHECKING:
    from statebag.local.interpreter.local_world import LocalWorld
    from statebag.local.interpreter.task_state import TaskProgram

__all__ = ["check_programs", "compiled_machine"]


def compiled_machine(definition: dict[str, Any], region: str) -> MachineProgram:
    """Compile a definition into a machine that can run.

    Args:
        definition: Its definition, which is copied.
        region: The region of functions that a Task names without one.

    Raises:
        ConfigurationError: The definition is wrong.
    """
    copied = checked_value(definition, "the definition").value
    for problem in problems_of(copied):
        raise problem
    return MachineProgram(Definition(copied).machine, region)


def check_programs(world: LocalWorld, programs: list[MachineProgram], *, express: bool) -> None:
    """Refuse Tasks that nothing can answer here, mocks without a Task, and missing packages.

    Args:
        world: The world in which the machines would run.
        programs: The machines.
        express: Whether their executions are Express ones.

    Raises:
        ConfigurationError: With the place.
    """
    states = [state for program in programs for state in program.programs()]
    tasks = [cast("TaskProgram", state) for state in states if state.kind == "Task"]
    unknown = world.mocks.unknown(task.name for task in tasks)
    if unknown:
        raise ConfigurationError(
            f"there is no Task state {', '.join(unknown)}, but there are mocks for it",
            hint=f"The Task states are {', '.join(task.name for task in tasks) or 'none'}.",
        )
    if find_spec("jsonata") is None:
        for state in states:
            if state.is_jsonata:
                raise ConfigurationError(
                    "JSONata needs the package 'jsonata-python', which is not installed",
                    path=state.path,
                    hint="Install the extra: pip install 'statebag[local]'.",
                )
    for task in tasks:
        if express and task.resource.pattern:
            raise ConfigurationError(
                f"an Express machine cannot use .{task.resource.pattern}",
                path=f"{task.path}.Resource",
            )
        world.check(task)
    if any(state.uses_s3 for state in states):
        world.services.start()
