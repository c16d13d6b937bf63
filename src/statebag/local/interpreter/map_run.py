"""Run a distributed Map: its iterations are separate executions, which may fail by themselves."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.arns import ACCOUNT
from statebag.local.interpreter.child_results import RunResult
from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.map_run_settings import MapRunSettings
from statebag.local.interpreter.map_state import MapProgram
from statebag.local.interpreter.scheduler import StrandGroup
from statebag.local.interpreter.single_execution import failure_details
from statebag.local.interpreter.state_failure import StateFailure
from statebag.local.records import MapRunParent

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from statebag.asl.model import State
    from statebag.local.interpreter.machine_program import MachineProgram
    from statebag.local.interpreter.single_execution import SingleExecution
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["DistributedMapProgram"]

_THRESHOLD = "States.ExceedToleratedFailureThreshold"
# At once; AWS starts up to 10,000. Chosen: each takes memory.
_MOST_CHILDREN = 1_000
# The same in a run that keeps histories, where each has a file open. Chosen: well below the 1,024
# files that a process may usually have open.
_MOST_KEPT = 200


class DistributedMapProgram(MapProgram):
    """A Map state whose iterations are executions.

    Args:
        state: The state of the definition.
        processor: The machine that runs for each item.
    """

    def __init__(self, state: State, processor: MachineProgram) -> None:
        super().__init__(state, processor)
        self._distributed = MapRunSettings(state, self._map)
        self._label = self.fields.get("Label") or str(uuid4())
        config = processor_config(self.fields)
        self._express = config.get("ExecutionType") == "EXPRESS"
        self.uses_s3 = self._distributed.uses_s3

    def _attempt(self, visit: StateVisit) -> Generator[None, Any, Any]:
        effective = self.flow.effective(visit)
        fields, lane = self._distributed, visit.lane
        items = None if fields.reads else self._map.items(visit, effective)
        room = _MOST_KEPT if lane.execution.world.keeps_histories else _MOST_CHILDREN
        most = self._map.concurrency(visit, effective) or room
        length = 0 if items is None else len(items)
        lane.event("MapStateStarted", "mapStateStartedEventDetails", {"length": length})
        tolerance = fields.tolerance(visit, effective)
        machine = lane.execution.machine_arn.rpartition(":")[2]
        run_arn = (
            f"arn:aws:states:{lane.execution.world.region}:{ACCOUNT}:mapRun:{machine}/"
            f"{self._label}:{uuid4()}"
        )
        started = lane.event("MapRunStarted", "mapRunStartedEventDetails", {"mapRunArn": run_arn})
        try:
            found = items if items is not None else fields.read(visit, effective)
            jobs = fields.jobs(visit, effective, self._selected(visit, effective, found))
            if tolerance.percentage is not None:
                known = list(jobs)  # a part of all needs to know all
                allowed, jobs = tolerance.allowed(sum(count for _, count in known)), iter(known)
            else:
                allowed = tolerance.allowed(0)
            run = _MapRun(self, visit, allowed, MapRunParent(lane.execution.arn, run_arn))
            yield from run.children(jobs, min(most, room))
            output = fields.delivered(visit, effective, run.results, run_arn)
            run.check()
        except StateFailure as failure:
            visit.note(failure)
            failure.inner = True
            details = failure_details(failure.error, failure.cause)
            lane.event("MapRunFailed", "mapRunFailedEventDetails", details)
            raise
        lane.event("MapRunSucceeded")
        lane.execution.log.add("MapStateSucceeded", lane.last)
        lane.last = started  # so recorded since late 2024
        return output

    def _selected(
        self, visit: StateVisit, effective: Any, items: Iterable[Any]
    ) -> Iterator[JsonValue]:
        for index, item in enumerate(items):
            visit.item = (index, item)
            selected = self._map.selected(visit, effective, item)
            visit.item = visit.lane.item
            yield JsonValue(selected)

    def child_machine(self, visit: StateVisit) -> str:
        """Return the ARN of the machine that the children are executions of."""
        return f"{visit.lane.execution.machine_arn}/{self._label}"

    def child(
        self, visit: StateVisit, given: JsonValue, index: int, parent: MapRunParent
    ) -> SingleExecution:
        """Return a child execution that was not started yet."""
        machine = self.child_machine(visit).rpartition(":")[2]
        return visit.lane.execution.world.execution(
            self._processor,
            given,
            machine=machine,
            name=str(uuid4()),
            express=self._express,
            kept=False,
            place=f"{visit.path}[{index}]",
            parent=parent,
        )


class _MapRun:
    """The children of one attempt.

    Attributes:
        results: The result of each, in the order of the items.
        has_failed: Whether more items failed than are tolerated.
    """

    def __init__(
        self,
        program: DistributedMapProgram,
        visit: StateVisit,
        allowed: float,
        parent: MapRunParent,
    ) -> None:
        self._program = program
        self._parent = parent
        self._visit = visit
        self._allowed = allowed
        self._failed = 0
        self._running: dict[int, tuple[SingleExecution, int]] = {}
        self.has_failed = False
        self.results: list[RunResult] = []

    def children(
        self, jobs: Iterator[tuple[JsonValue, int]], most: int
    ) -> Generator[None, Any, None]:
        """Run the children, at most `most` at once, until all ended or too many failed.

        Args:
            jobs: The inputs of the children, each with the number of items in it.
            most: How many run at once.
        """
        group = StrandGroup(self._visit.lane.execution.scheduler)
        running = self._running
        machine = self._program.child_machine(self._visit)
        try:
            for given, count in islice(jobs, most):
                self._start(group, given, count)
            while running and not self.has_failed:
                index, strand = yield from group.next_ended()
                if strand.failure is not None:
                    raise strand.failure
                child, count = running.pop(index)
                self.results[index] = _result(child, machine)
                if child.status != "SUCCEEDED":
                    self._failed += count
                    self.has_failed = self._failed > self._allowed
                if not self.has_failed and (job := next(jobs, None)) is not None:
                    self._start(group, *job)
        finally:
            for child, _ in running.values():
                child.abort()
            group.cancel()
        for index, (child, _) in running.items():
            self.results[index] = _result(child, machine)
        self.results += [
            RunResult(machine, str(uuid4()), "PENDING", given.text) for given, _ in jobs
        ]

    def _start(self, group: StrandGroup, given: JsonValue, count: int) -> None:
        index = len(self.results)
        child = self._program.child(self._visit, given, index, self._parent)
        self._running[index] = (child, count)
        self.results.append(_NOT_ENDED)
        group.start(child.steps(), index)

    def check(self) -> None:
        """Fail if more items failed than are tolerated; their results are written before that."""
        if self.has_failed:
            raise StateFailure(_THRESHOLD, "The specified tolerated failure threshold was exceeded")


_NOT_ENDED = RunResult("", "", "RUNNING", "")


def _result(child: SingleExecution, machine: str) -> RunResult:
    """Return the result of a child; all children of one machine ARN share one text."""
    return RunResult(
        machine,
        child.name,
        "SUCCEEDED" if child.status == "SUCCEEDED" else "FAILED",
        child.input.text,
        None if child.output is None else child.output.text,
        child.error,
        child.cause,
        child.started,
        child.scheduler.now(),
    )


def processor_config(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the ProcessorConfig of a Map; empty if there is none."""
    processor = fields.get("ItemProcessor") or fields.get("Iterator") or {}
    config = processor.get("ProcessorConfig")
    return config if isinstance(config, dict) else {}
