"""Runs a workflow in this process, from its first event to its last: `statebag.local.run`."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from statebag.asl.definition import problems_of
from statebag.asl.model import Definition
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.errors import ConfigurationError, LimitExceeded
from statebag.local.interpreter.aws_services import AwsServices
from statebag.local.interpreter.json_value import JsonValue, checked_value
from statebag.local.interpreter.local_world import LocalWorld
from statebag.local.interpreter.machine_program import MachineProgram
from statebag.local.interpreter.map_run import DistributedMapProgram
from statebag.local.interpreter.scheduler import DeadlineError, NothingLeftError, Scheduler
from statebag.local.interpreter.task_mocks import TaskMocks
from statebag.local.interpreter.task_state import TaskProgram
from statebag.local.tokens import TokenDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.local.execution import Handler
    from statebag.local.interpreter.single_execution import SingleExecution

__all__ = ["LocalExecution", "run"]


@dataclass(frozen=True, slots=True)
class LocalExecution:
    """How a run ended.

    Attributes:
        arn: The execution's ARN.
        status: `SUCCEEDED`, `FAILED` or `TIMED_OUT`.
        output: The output; None unless it succeeded.
        error: The error's name; None where there is none.
        cause: The error's cause; None where there is none.
        history: The events, as GetExecutionHistory shapes them. Those of children of a
            distributed Map and of nested executions are not among them (`on_event` gets all).
    """

    arn: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    history: list[dict[str, Any]] = field(repr=False)


def run(
    definition: dict[str, Any] | str | Path,
    *,
    input: Any = None,  # noqa: A002 - what Step Functions calls it
    functions: Mapping[str, Handler] | None = None,
    mocks: Mapping[str, Any] | None = None,
    machines: Mapping[str, dict[str, Any]] | None = None,
    wait_scale: float = 0.0,
    timeout: float | None = 60.0,
    seed: int | None = None,
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD",  # noqa: A002 - what Step Functions calls it
    buckets: str | Path | None = None,
    name: str | None = None,
    execution_name: str | None = None,
    region: str = "us-east-1",
    endpoint: str | None = None,
    token_dir: Path | None = None,
    on_token: Callable[[str, str], None] | None = None,
    on_event: Callable[[str, dict[str, Any]], None] | None = None,
) -> LocalExecution:
    """Run a workflow to its end, and return how it ended.

    A workflow that fails is a result, not an exception: look at `status`. The order of events is
    the same in each run with the same seed.

    Where boto3 was imported before, and the extra `local` is installed, boto3 reaches the services
    of this process during the run, and never AWS.

    Args:
        definition: The state machine as a dict, or the path of a file: a definition in JSON or
            YAML, or a SAM or CloudFormation template with one state machine.
        input: The execution's input, a JSON value; None stands for an empty object.
        functions: Python functions by the name or ARN of the Lambda function or activity that
            they stand for. Each is called with `(event, context)`, one at a time.
        mocks: What Task states result in, by the state's name, whatever their resource. A list
            has an outcome for each attempt; one outcome without a list is for all attempts. An
            outcome is `{"Return": value}` or `{"Throw": {"Error": name, "Cause": text}}`. A value
            that is returned is the task's whole result: of `lambda:invoke` it has a `Payload`.
        machines: Further definitions by name, for `states:startExecution`.
        wait_scale: Real seconds that a second of a Wait, of a Retry or of a limit takes. 0 waits
            for nothing: the clock of the run jumps. 1 runs in real time.
        timeout: Real seconds after which the run ends with the status `TIMED_OUT`; None for no
            limit. A function that does not return in time is left behind in its thread. Without
            any limit functions run in the caller's thread, where a debugger finds them.
        seed: Decides about jitter, and about the order in which branches and iterations that
            could all go on take turns. None: they go on in the order in which they began.
        type: That of the machine. An `EXPRESS` one has no quota of events.
        buckets: A folder with one subfolder for each bucket of the S3 in this process. Its files
            are the objects in it, and what the workflow writes there is in it afterwards.
        name: The state machine's name; by default that in the template, or `Main`.
        execution_name: The execution's name; a random one if None.
        region: The region in ARNs and of clients.
        endpoint: The URL of a server that plays the services of AWS, such as LocalStack; None
            plays them in this process, which needs the extra `local`.
        token_dir: A folder through which other threads and processes answer task tokens
            (`statebag answer`). With it, limits of tasks that wait for an answer are real seconds.
        on_token: Called with a task token and the state's name as soon as a task waits for it.
        on_event: Called with the ARN of an execution and each of its events, as it is written.

    Raises:
        ConfigurationError: The definition is wrong, a Task of it cannot be answered here, a mock
            is of no Task or is used up, or a task waits for an answer that nobody gives.
        InvalidState: The input or a mock is no JSON value.
        LimitExceeded: The input is over 262,144 bytes, which AWS does not start either.
    """
    given = _input(input)
    if wait_scale < 0:
        raise ConfigurationError(f"wait_scale must be at least 0, not {wait_scale}")
    if not isinstance(definition, dict):
        definition, functions, machines, loaded = _loaded(
            Path(definition), functions or {}, machines or {}, region, complete=not mocks
        )
        name = name or loaded
    program = _compiled(definition, region)
    others = {one: _compiled(value, region) for one, value in (machines or {}).items()}
    with ExitStack() as stack:
        services = stack.enter_context(AwsServices(region, endpoint))
        scheduler = Scheduler(
            seed=seed or 0,
            shuffled=seed is not None,
            pace=wait_scale,
            deadline=timeout,
            helped=_helpers(everybody=token_dir is not None),
        )
        tokens = TokenDesk(None if token_dir is None else Path(token_dir))
        world = LocalWorld(
            scheduler,
            functions=functions or {},
            mocks=TaskMocks(mocks or {}),
            machines={name or "Main": program, **others},
            services=services,
            tokens=tokens,
            region=region,
            listener=on_event,
            on_token=on_token,
        )
        stack.callback(world.caller.close)
        _check(world, [program, *others.values()], express=type == "EXPRESS")
        if "botocore" in sys.modules:
            # A handler that has imported boto3 is to reach this world, and never AWS.
            if find_spec("moto") is not None:
                services.start()
            from statebag.local.interpreter.boto_hooks import answering  # noqa: PLC0415 - an extra

            stack.enter_context(answering(world))
        if buckets is not None:
            services.start()
            from statebag.local.buckets import filled_buckets  # noqa: PLC0415 - an extra

            stack.enter_context(filled_buckets(Path(buckets)))
        stack.enter_context(tokens.watched())
        execution = world.execution(
            program,
            given,
            machine=name or "Main",
            name=execution_name or str(uuid4()),
            express=type == "EXPRESS",
        )
        _run(world, execution)
    return LocalExecution(
        execution.arn,
        execution.status,
        None if execution.output is None else execution.output.copied(),
        execution.error,
        execution.cause,
        execution.log.events,
    )


def _run(world: LocalWorld, execution: SingleExecution) -> None:
    """Run an execution and all that it starts; whatever happens, each has an event that ends it."""
    scheduler = world.scheduler
    strand = scheduler.start(execution.steps(), lambda _: None)
    try:
        scheduler.run(lambda: not strand.live and not world.children.running)
    except DeadlineError:
        execution.time_out()
    except NothingLeftError:
        waiting = ", ".join(sorted(set(world.tokens.waiting_states()))) or "a state"
        raise ConfigurationError(
            f"{waiting} waits for an answer to its task token, and nobody in this run gives one",
            hint="Answer the state with a mock, or give token_dir and answer from outside.",
        ) from None
    finally:
        with ExitStack() as ending:  # all of it, also if a listener of events raises once more
            ending.callback(world.children.abort)
            ending.callback(strand.cancel)
            if isinstance(strand.failure, DeadlineError):
                execution.time_out()
            execution.abort()
    if strand.failure is not None and not isinstance(strand.failure, DeadlineError):
        raise strand.failure


def _helpers(*, everybody: bool) -> Callable[[], bool]:
    """Return a function that says whether anybody outside of the run may answer a task token.

    Another process may, where there is a folder for answers; so may a thread that a function of
    the workflow has started.
    """
    before = set(threading.enumerate())

    def helped() -> bool:
        return everybody or any(
            thread not in before and not thread.name.startswith("statebag-")
            for thread in threading.enumerate()
        )

    return helped


def _check(world: LocalWorld, programs: list[MachineProgram], *, express: bool) -> None:
    """Refuse what cannot run here, before anything runs."""
    states = [state for program in programs for state in program.programs()]
    tasks = [state for state in states if isinstance(state, TaskProgram)]
    unknown = world.mocks.unknown(task.name for task in tasks)
    if unknown:
        raise ConfigurationError(
            f"there is no Task state {', '.join(unknown)} for the mocks of that name",
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
    if any(isinstance(state, DistributedMapProgram) and state.uses_s3 for state in states):
        world.services.start()


def _compiled(definition: dict[str, Any], region: str) -> MachineProgram:
    copied = checked_value(definition, "the definition").value
    for problem in problems_of(copied):
        raise problem
    return MachineProgram(Definition(copied).machine, region)


def _loaded(
    path: Path,
    functions: Mapping[str, Handler],
    machines: Mapping[str, dict[str, Any]],
    region: str,
    *,
    complete: bool,
) -> tuple[dict[str, Any], Mapping[str, Handler], Mapping[str, dict[str, Any]], str]:
    """The definition of a file, with the functions and machines of its template, and its name."""
    from statebag.local.workflow import load_workflow  # noqa: PLC0415 - reads YAML

    workflow = load_workflow(path, handlers=functions, region=region, complete=complete)
    return (
        workflow.definition,
        workflow.functions,
        {**workflow.machines, **machines},
        workflow.name,
    )


def _input(value: Any) -> JsonValue:
    given = checked_value({} if value is None else value, "the input")
    if given.size > PAYLOAD_LIMIT:
        raise LimitExceeded(
            f"the input has {given.size:,} bytes; Step Functions starts an execution with at most "
            f"{PAYLOAD_LIMIT:,}",
            hint="Seal the input first, and start the execution with the bag.",
        )
    return given
