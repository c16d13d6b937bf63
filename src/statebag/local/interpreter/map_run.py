"""Distributed Map: its iterations are executions of their own, which may fail by themselves."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.arns import ACCOUNT
from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.map_run_settings import MapRunSettings
from statebag.local.interpreter.map_state import MapProgram
from statebag.local.interpreter.scheduler import StrandGroup
from statebag.local.interpreter.single_execution import failure_details
from statebag.local.interpreter.state_failure import StateFailure
from statebag.local.interpreter.state_visit import iso_time
from statebag.local.result_writer import WrittenResult

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from statebag.asl.model import State
    from statebag.local.interpreter.machine_program import MachineProgram
    from statebag.local.interpreter.single_execution import SingleExecution
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["DistributedMapProgram"]

_THRESHOLD = "States.ExceedToleratedFailureThreshold"
_MOST_CHILDREN = 1_000  # at once; AWS starts up to 10,000, of which each takes memory here


class DistributedMapProgram(MapProgram):
    """A Map state whose iterations are executions.

    Args:
        state: The state of the definition.
        processor: What runs for each item.
    """

    def __init__(self, state: State, processor: MachineProgram) -> None:
        super().__init__(state, processor)
        self._distributed = MapRunSettings(state, self._map)
        self._label = self.fields.get("Label") or str(uuid4())
        config = processor_config(self.fields)
        self._express = config.get("ExecutionType") == "EXPRESS"

    @property
    def uses_s3(self) -> bool:
        """Whether it reads items from S3, or writes results there."""
        return self._distributed.uses_s3

    def _attempt(self, visit: StateVisit) -> Generator[None, Any, Any]:
        effective = self.flow.effective(visit)
        fields, lane = self._distributed, visit.lane
        items = None if fields.reads else self._map.items(visit, effective)
        most = self._map.concurrency(visit, effective) or _MOST_CHILDREN
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
            jobs = list(fields.jobs(visit, effective, self._selected(visit, effective, found)))
            run = _MapRun(self, visit, jobs, tolerance.allowed(sum(count for _, count in jobs)))
            yield from run.children(min(most, _MOST_CHILDREN))
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
            yield JsonValue(self._map.selected(visit, effective, item))
        visit.item = visit.lane.item

    def child(self, visit: StateVisit, given: JsonValue) -> SingleExecution:
        """Return a child execution that was not started yet."""
        parent = visit.lane.execution
        machine = f"{parent.machine_arn.rpartition(':')[2]}/{self._label}"
        return parent.world.execution(
            self._processor,
            given,
            machine=machine,
            name=str(uuid4()),
            express=self._express,
            kept=False,
        )


class _MapRun:
    """The children of one attempt.

    Attributes:
        results: What became of each, in the order of the items.
        has_failed: Whether more items failed than are tolerated.
    """

    def __init__(
        self,
        program: DistributedMapProgram,
        visit: StateVisit,
        jobs: list[tuple[JsonValue, int]],
        allowed: float,
    ) -> None:
        self._program = program
        self._visit = visit
        self._jobs = jobs
        self._allowed = allowed
        self._failed = 0
        self.has_failed = False
        self.results: list[WrittenResult] = []

    def children(self, most: int) -> Generator[None, Any, None]:
        """Run the children, so many at once, until all ended or too many failed."""
        scheduler = self._visit.lane.execution.scheduler
        group = StrandGroup(scheduler)
        waiting = iter(enumerate(self._jobs))
        ended: list[WrittenResult | None] = [None] * len(self._jobs)
        running: dict[int, SingleExecution] = {}

        def start(index: int, given: JsonValue) -> None:
            running[index] = self._program.child(self._visit, given)
            group.start(running[index].steps(), index)

        try:
            for index, (given, _) in islice(waiting, most):
                start(index, given)
            while running:
                index, strand = yield from group.next_ended()
                if strand.failure is not None:
                    raise strand.failure
                child = running.pop(index)
                ended[index] = _written(child, stopped=True)
                if child.status != "SUCCEEDED":
                    self._failed += self._jobs[index][1]
                    if self._failed > self._allowed:
                        self.has_failed = True
                        break
                for following, (given, _) in islice(waiting, 1):
                    start(following, given)
        finally:
            for child in running.values():
                child.abort()
            group.cancel()
        for index, child in running.items():
            ended[index] = _written(child, stopped=True)
        self.results = [
            one if one is not None else self._pending(number) for number, one in enumerate(ended)
        ]

    def check(self) -> None:
        """Fail if more items failed than are tolerated; what became of them is written before."""
        if self.has_failed:
            raise StateFailure(_THRESHOLD, "The specified tolerated failure threshold was exceeded")

    def _pending(self, index: int) -> WrittenResult:
        return _written(self._program.child(self._visit, self._jobs[index][0]), stopped=False)


def _written(child: SingleExecution, *, stopped: bool) -> WrittenResult:
    failed = child.status in {"FAILED", "TIMED_OUT", "ABORTED"}
    return WrittenResult(
        arn=child.arn,
        name=child.name,
        machine_arn=child.machine_arn,
        status="PENDING" if not stopped else "FAILED" if failed else "SUCCEEDED",
        input=child.input.value,
        output=None if child.output is None else child.output.value,
        error=child.error,
        cause=child.cause,
        started=iso_time(child.started) if stopped else None,
        stopped=iso_time(child.scheduler.now()) if stopped else None,
    )


def processor_config(fields: dict[str, Any]) -> dict[str, Any]:
    """The ProcessorConfig of a Map; empty where there is none."""
    processor = fields.get("ItemProcessor") or fields.get("Iterator") or {}
    config = processor.get("ProcessorConfig")
    return config if isinstance(config, dict) else {}
