# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""Every event of an execution is kept when it happens, also of a distributed Map's children.

AWS keeps the history of each execution for itself, those of a distributed Map's children too. The
interpreter has it in memory until it ends, and throws away that of children.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import (
    EventHistoryContext,
    EventManager,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from statebag.history.replay import first_states
from statebag.local.corrections.patch import Patch

if TYPE_CHECKING:
    from statebag.local.moto_run import Run
    from statebag.local.records import Record

__all__ = ["begin_child", "end_child", "patches"]

_TIMED_OUT = HistoryEventType.ExecutionTimedOut


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""
    environment = ExecutionWorker._get_evaluation_environment
    publish = EventManager._publish_history_event

    def _get_evaluation_environment(self: Any) -> Any:
        env = environment(self)
        if run.records is not None:
            details = self._evaluation_details
            machine = details.state_machine_details
            definition = json.loads(machine.definition)
            branches = first_states(definition)
            run.branches.update(branches)
            manager: Any = env.event_manager
            manager.statebag_record = run.records.begin(
                details.execution_details.arn,
                machine.name,
                details.execution_details.name,
                branches,
                definition,
            )
        return env

    def _publish_history_event(self: Any, *args: Any, **fields: Any) -> None:
        publish(self, *args, **fields)
        record: Record | None = getattr(self, "statebag_record", None)
        event = self._history_event_list[-1]
        # Of a run that was given up, what tasks say that were woken to end is no part of it.
        if (
            record is not None
            and run.refusal is None
            and (not run.timed_out or event["type"] == _TIMED_OUT)
        ):
            record.add(event)

    return [
        Patch(ExecutionWorker, "_get_evaluation_environment", _get_evaluation_environment),
        Patch(EventManager, "_publish_history_event", _publish_history_event),
    ]


def begin_child(run: Run, frame: Any, arn: str, given: Any) -> None:
    """Give a child of a distributed Map, which `frame` runs, a history of its own."""
    manager: Any = EventManager()
    frame.event_manager = manager
    frame.event_history_context = EventHistoryContext.of_program_start()
    if run.records is not None:
        machine, _, name = arn.partition(":execution:")[2].rpartition(":")
        # A Parallel's name is known from the whole definition, whichever Map it stands in.
        manager.statebag_record = run.records.begin(arn, machine, name, run.branches)
    manager.add_event(
        context=frame.event_history_context,
        event_type=HistoryEventType.ExecutionStarted,
        event_details={
            "executionStartedEventDetails": {
                "input": to_json_str(given),
                "inputDetails": {"truncated": False},
            }
        },
        update_source_event_id=False,
    )


def end_child(
    run: Run, frame: Any, arn: str, *, output: Any = None, failed: dict[str, Any] | None = None
) -> None:
    """The child has ended: with an output, or with the `error` and `cause` in `failed`."""
    kind = HistoryEventType.ExecutionSucceeded
    details: dict[str, Any] = {
        "executionSucceededEventDetails": {
            "output": to_json_str(output),
            "outputDetails": {"truncated": False},
        }
    }
    if failed is not None:
        kind = HistoryEventType.ExecutionFailed
        kept = {name: failed.get(name) for name in ("error", "cause") if failed.get(name)}
        details = {"executionFailedEventDetails": kept}
    frame.event_manager.add_event(
        context=frame.event_history_context, event_type=kind, event_details=details
    )
    if run.records is not None:
        run.records.end(arn)
