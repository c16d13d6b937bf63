# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""A Distributed Map runs child executions, in batches, tolerates failures and writes results.

AWS starts an execution of its own for each item or batch: its context object tells of itself,
not of the parent, and outer variables are not visible in it. The state fails with
`States.ExceedToleratedFailureThreshold` once more items failed than are tolerated, none by
default; a batch that fails counts with all its items. Results go to S3 or into the output.
Reading and writing fail with `States.ItemReaderFailed` and `States.ResultWriterFailed`.

The interpreter gives children the parent's context, takes null for a failed child's result and
goes on whatever is tolerated, knows no batches, and writes a manifest without result files.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (  # noqa: E501 - a name of the interpreter
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore

from statebag.asl.payload import payload_size
from statebag.asl.quotas import INLINE_CONCURRENCY, PAYLOAD_LIMIT
from statebag.environment import s3_endpoint
from statebag.local.buckets import s3_client
from statebag.local.corrections.failures import failed_with
from statebag.local.corrections.map_fields import MapFields, evaluated, map_fields
from statebag.local.corrections.patch import Patch
from statebag.local.corrections.recording import begin_child, end_child
from statebag.local.corrections.visits import set_place, visit_of
from statebag.local.result_writer import WrittenResult, result_files, returned

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["batches_of", "patches"]

_THRESHOLD = "States.ExceedToleratedFailureThreshold"


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""

    def _map_run(self: Any, env: Any, eval_input: Any) -> None:
        items = env.stack.pop()
        visit = visit_of(env)
        assert visit is not None
        fields = map_fields(visit.state)
        selected = [_selected(env, eval_input, index, item) for index, item in enumerate(items)]
        jobs = _jobs(env, fields, selected)
        map_run = _MapRun(
            env=env,
            program=self._get_iteration_program(),
            record=eval_input.map_run_record,
            path=visit.path,
            run=run,
            jobs=jobs,
            allowed=_allowed(fields, eval_input, len(items)),
        )
        map_run.run()
        if not env.is_running():
            return
        output = _delivered(env, fields, map_run, run.region)
        if map_run.failed_items > map_run.allowed:
            raise failed_with(
                env, _THRESHOLD, "The specified tolerated failure threshold was exceeded"
            )
        env.stack.append(output)

    return [Patch(DistributedIterationComponent, "_map_run", _map_run)]


@dataclass(frozen=True, slots=True)
class _Job:
    """One child execution to start: its input, and how many items are in it."""

    input: Any
    items: int


def batches_of(
    items: list[Any], most_items: int | None, most_bytes: int | None, batch_input: Any = None
) -> list[tuple[dict[str, Any], int]]:
    """Inputs of batches, and how many items each has.

    Args:
        items: The items in order.
        most_items: Most items of a batch; None: as many as fit.
        most_bytes: Most bytes of a batch's input; None: the payload quota.
        batch_input: What each batch has under `BatchInput`; None: nothing.

    An item that is too large for any batch gets one of its own.
    """
    frame: dict[str, Any] = {} if batch_input is None else {"BatchInput": batch_input}
    empty = payload_size({**frame, "Items": []})
    room = min(most_bytes or PAYLOAD_LIMIT, PAYLOAD_LIMIT)
    batches: list[list[Any]] = []
    size = 0
    for item in items:
        added = payload_size(item) + 1  # with the comma
        full = not batches or len(batches[-1]) == most_items or size + added - 1 > room
        if full:
            batches.append([])
            size = empty
        batches[-1].append(item)
        size += added
    return [({**frame, "Items": batch}, len(batch)) for batch in batches]


class _MapRun:
    """Runs child executions in a few threads, until all ended or too many items failed."""

    def __init__(
        self,
        *,
        env: Any,
        program: Any,
        record: Any,
        path: str,
        run: Run,
        jobs: list[_Job],
        allowed: float,
    ) -> None:
        self.allowed = allowed
        self.failed_items = 0
        self.record = record
        self._env = env
        self._program = program
        self._run = run
        self._path = path
        self._jobs = jobs
        self._next = 0
        self._lock = threading.Lock()
        machine = record.map_state_machine_arn
        self._prefix = machine.replace(":stateMachine:", ":execution:")
        names = [str(uuid4()) for _ in jobs]
        self.children = [
            WrittenResult(
                arn=f"{self._prefix}:{name}",
                name=name,
                machine_arn=machine,
                status="PENDING",
                input=job.input,
            )
            for name, job in zip(names, jobs, strict=True)
        ]
        for counter in (record.item_counter, record.execution_counter):
            counter.total.count(sum(job.items for job in jobs))

    def run(self) -> None:
        """Run the children; their results are in `children` afterwards."""
        most = self.record.max_concurrency or INLINE_CONCURRENCY
        threads = [
            threading.Thread(target=self._work, daemon=True)
            for _ in range(min(most, INLINE_CONCURRENCY, len(self._jobs)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        while self._env.is_running():
            with self._lock:
                index = self._next
                if index >= len(self._jobs) or self.failed_items > self.allowed:
                    return
                self._next += 1
            child = self._child(index)
            with self._lock:
                self.children[index] = child
                counter = self.record.item_counter
                if child.status == "SUCCEEDED":
                    counter.succeeded.count(self._jobs[index].items)
                else:
                    counter.failed.count(self._jobs[index].items)
                    self.failed_items += self._jobs[index].items

    def _child(self, index: int) -> WrittenResult:
        planned = self.children[index]
        started = _now()
        variables: Any = VariableStore
        frame: Any = Environment.as_inner_frame_of(env=self._env, variable_store=variables())
        with self._env._state_mutex:
            self._env._frames.append(frame)
        set_place(frame, f"{self._path}[{index}]")
        context = frame.states.context_object.context_object_data
        context.pop("Task", None)
        machine = planned.machine_arn
        context["Execution"] = {
            **context["Execution"],
            "Id": planned.arn,
            "Input": planned.input,
            "Name": planned.name,
            "StartTime": started,
        }
        context["StateMachine"] = {"Id": machine, "Name": machine.split(":stateMachine:")[-1]}
        frame.states.reset(input_value=planned.input)
        begin_child(self._run, frame, planned.arn, planned.input)
        try:
            self._program.eval(frame)
        finally:
            self._env.delete_frame(frame)
        end = frame.program_state()
        if isinstance(end, ProgramEnded):
            output = frame.states.get_input()
            end_child(self._run, frame, planned.arn, output=output)
            return replace(
                planned, status="SUCCEEDED", output=output, started=started, stopped=_now()
            )
        error: Any = (end.error or {}) if isinstance(end, ProgramError) else {}
        end_child(self._run, frame, planned.arn, failed=error)
        return replace(
            planned,
            status="FAILED",
            error=error.get("error"),
            cause=error.get("cause"),
            started=started,
            stopped=_now(),
        )


def _selected(env: Any, eval_input: Any, index: int, item: Any) -> Any:
    """An item as its ItemSelector, or a legacy Map's Parameters, makes it."""
    selector = eval_input.item_selector or eval_input.parameters
    if not selector:
        return item
    frame = env.open_inner_frame()
    try:
        data = frame.states.context_object.context_object_data
        data["Map"] = {"Item": {"Index": index, "Value": item}}
        value = env.stack[-1] if env.stack else env.states.get_input()
        frame.states.reset(input_value=value)
        frame.stack.append(value)
        selector.eval(frame)
        return frame.stack.pop()
    finally:
        env.delete_frame(frame)


def _jobs(env: Any, fields: MapFields, items: list[Any]) -> list[_Job]:
    if fields.batcher is None:
        return [_Job(item, 1) for item in items]
    values = evaluated(env, fields.batcher)
    for field in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
        value = values.get(field)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise failed_with(env, "States.Runtime", f"{field} must be a positive integer")
    batches = batches_of(
        items,
        values.get("MaxItemsPerBatch"),
        values.get("MaxInputBytesPerBatch"),
        values.get("BatchInput"),
    )
    return [_Job(batch, count) for batch, count in batches]


def _allowed(fields: MapFields, eval_input: Any, items: int) -> float:
    """How many items may fail."""
    allowed = []
    if "ToleratedFailureCount" in fields.limits:
        allowed.append(float(eval_input.tolerated_failure_count))
    if "ToleratedFailurePercentage" in fields.limits:
        allowed.append(items * float(eval_input.tolerated_failure_percentage) / 100)
    return min(allowed, default=0.0)


def _delivered(env: Any, fields: MapFields, map_run: _MapRun, region: str) -> Any:
    """Write the results, or return them as the state's output."""
    if fields.writer_template is None:
        return returned(map_run.children, fields.writer.transformation)
    target = evaluated(env, fields.writer_template)
    arn = map_run.record.map_run_arn
    files = result_files(
        map_run.children,
        fields.writer,
        bucket=target["Bucket"],
        prefix=target.get("Prefix", ""),
        map_run_arn=arn,
    )
    client = s3_client(region)
    try:
        if s3_endpoint() is None:  # this process's S3 starts empty: nobody else can make it
            known = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
            if target["Bucket"] not in known:
                client.create_bucket(Bucket=target["Bucket"])
        for file in files:
            client.put_object(Bucket=target["Bucket"], Key=file.key, Body=file.body)
    except (BotoCoreError, ClientError) as error:
        raise failed_with(env, "States.ResultWriterFailed", str(error)) from error
    return {
        "MapRunArn": arn,
        "ResultWriterDetails": {"Bucket": target["Bucket"], "Key": files[-1].key},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
