# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""Tells the run of every state that is entered and left, and where.

AWS counts and shows state transitions. The interpreter only keeps a history, without the
children of a Distributed Map, and has no notion of the place of a nested state. Here every
environment of the interpreter carries its place, which its frames inherit, and the visit of
the state that it runs.

A state whose input is over the quota fails when it is entered: that is how items of a Map and
inputs of branches are checked, whose size no previous state's output bounds.
"""

from __future__ import annotations

from contextvars import copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import (  # noqa: E501 - a name of the interpreter
    IterationWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import (
    BranchesDecl,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment

from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local.corrections.failures import DATA_LIMIT, error_name_of, failed_with
from statebag.local.corrections.patch import Patch
from statebag.local.reads import reading

if TYPE_CHECKING:
    from statebag.local.moto_run import Run, Visit

__all__ = ["patches", "place_of", "set_place", "visit_of"]


def visit_of(env: Any) -> Visit | None:
    """The visit of the state that an environment runs; None outside of states."""
    visit: Visit | None = getattr(env, "statebag_visit", None)
    return visit


def place_of(env: Any, default: str) -> str:
    """The place of an environment: that of the states that it runs, without their names."""
    place: str = getattr(env, "statebag_place", default)
    return place


def set_place(env: Any, place: str) -> None:
    """Say where an environment runs its states."""
    env.statebag_place = place


class _Thread(Thread):
    """A thread of the interpreter's that belongs to the state which it was started in."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._context_of_state = copy_context()

    def run(self) -> None:
        self._context_of_state.run(super().run)


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""
    eval_state = CommonStateField._eval_body
    inner_frame = Environment.as_inner_frame_of.__func__  # type: ignore[attr-defined] # a classmethod
    eval_program = Program.eval
    eval_job = IterationWorker._eval_job
    init_branches = BranchesDecl.__init__
    handle_catch = ExecutionState._handle_catch

    def _eval_body(self: Any, env: Any) -> None:
        run.check_goes_on()
        value = env.states.get_input()
        place = place_of(env, run.name)
        visit = run.enter(self, self.state_type.name, f"{place}/{self.name}", value)
        env.statebag_visit = visit
        output_bytes = 0
        try:
            check_input(self, env, visit.input_bytes)
            with reading(self.name, run.bags, run.refuse):
                eval_state(self, env)
            output_bytes = payload_size(env.states.get_input())
        except Exception as error:
            visit.error = error_name_of(error)
            raise
        finally:
            run.leave(visit, output_bytes)

    def check_input(state: Any, env: Any, size: int) -> None:
        if size > PAYLOAD_LIMIT:
            raise failed_with(
                env,
                DATA_LIMIT,
                f"The input of the state '{state.name}' has {size} bytes, "
                f"more than the maximum of {PAYLOAD_LIMIT}.",
            )

    def as_inner_frame_of(cls: Any, env: Any, *args: Any, **kwargs: Any) -> Any:
        frame = inner_frame(cls, env, *args, **kwargs)
        visit = visit_of(env)
        if visit is not None:
            frame.statebag_visit = visit
            set_place(frame, visit.path)
        return frame

    def program_eval(self: Any, env: Any) -> None:
        index = getattr(self, "statebag_branch", None)
        if index is not None:
            set_place(env, f"{place_of(env, run.name)}[{index}]")
        eval_program(self, env)

    def _eval_job(self: Any, env: Any, job: Any) -> None:
        set_place(env, f"{place_of(env, run.name)}[{job.job_index}]")
        visit = visit_of(env)
        if visit is None:
            eval_job(self, env, job)
            return
        with reading(visit.name, run.bags, run.refuse):  # the Map's ItemSelector
            eval_job(self, env, job)

    def __init__(self: Any, programs: Any) -> None:  # noqa: N807 - takes the place of one
        init_branches(self, programs)
        for index, program in enumerate(programs):
            program.statebag_branch = index

    def _handle_catch(self: Any, env: Any, failure_event: Any) -> None:
        handle_catch(self, env, failure_event)
        visit = visit_of(env)
        if visit is not None and failure_event.error_name is not None:
            visit.error = failure_event.error_name.error_name

    return [
        Patch(CommonStateField, "_eval_body", _eval_body),
        Patch(Environment, "as_inner_frame_of", classmethod(as_inner_frame_of)),
        Patch(Program, "eval", program_eval),
        Patch(IterationWorker, "_eval_job", _eval_job),
        Patch(BranchesDecl, "__init__", __init__),
        Patch(ExecutionState, "_handle_catch", _handle_catch),
        Patch(execute_state, "Thread", _Thread),
    ]
