"""Run a workflow in this process, from its first event to its last: `statebag.local.run`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.environment import s3_endpoint
from statebag.errors import ConfigurationError, LimitExceeded
from statebag.format.arguments import (
    check_each_text,
    check_file,
    check_has,
    check_iterable,
    check_kind,
    check_optional,
    check_text,
    is_huge,
)
from statebag.local.execution import Handler, LocalExecution, Observer
from statebag.local.interpreter.aws_services import AwsServices
from statebag.local.interpreter.boto_hooks import answering, watch_clients
from statebag.local.interpreter.json_value import JsonValue, checked_value
from statebag.local.interpreter.local_world import LocalWorld
from statebag.local.interpreter.run_check import check_programs, compiled_machine
from statebag.local.interpreter.scheduler import DeadlineError, NothingLeftError, Scheduler
from statebag.local.interpreter.task_mocks import TaskMocks
from statebag.local.loaded_workflow import Workflow
from statebag.local.reads import RefusedError
from statebag.local.run_watch import RunWatch
from statebag.local.tokens import TokenDesk
from statebag.local.world_contents import bucket_stores, contents_of
from statebag.sealing.rehearsal import rehearsed
from statebag.store.address import standing_in

if TYPE_CHECKING:
    from statebag.local.interpreter.single_execution import SingleExecution

__all__ = ["run"]

# For functions that were left behind, so that their boto3 is answered to the end. Chosen: `statebag
# run` ends the process two seconds after its timeout.
_GRACE_SECONDS = 5.0
# Chosen, as above.
_GRACE_AFTER_TIMEOUT = 0.5


def run(
    definition: dict[str, Any] | str | Path | Workflow,
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
    seeds: str | Path | Mapping[str, Any] | None = None,
    name: str | None = None,
    execution_name: str | None = None,
    region: str = "us-east-1",
    endpoint: str | None = None,
    token_dir: Path | None = None,
    histories: Path | None = None,
    strict: bool = True,
    allow_unopened: Collection[str] = (),
    observer: Observer | None = None,
    on_event: Callable[[str, dict[str, Any]], None] | None = None,
) -> LocalExecution:
    """Run a workflow to its end, and return how it ended.

    A workflow that fails is a result, not an exception: look at `status`. The order of events is
    the same in each run with the same seed.

    boto3 reaches the services of this process during the run, and never AWS, if its client was made
    after `statebag.local` was first used. The tables, queues, topics and buckets that a template
    declares exist.

    A path that leads into a stub ends the run. So does a function that gets a stub and does not
    open it. The status is then `FAILED`, even if a Catch would take the error, and the cause names
    the state, the path, and what to do.

    Args:
        definition: The state machine as a dict, or the path of a file: a definition in JSON or
            YAML, or a SAM or CloudFormation template with one state machine. Or the result of
            `load_workflow` for such a file.
        input: The execution's input, a JSON value; None stands for an empty object.
        functions: Python functions by the name or ARN of the Lambda function or activity that
            they stand for. Each is called with `(event, context)`, one at a time.
        mocks: Results of Task states, by the state's name, whatever their resource. A list has an
            outcome for each attempt; one outcome without a list is for all attempts. An outcome is
            `{"Return": value}` or `{"Throw": {"Error": name, "Cause": text}}`. A returned value is
            the task's whole result: for `lambda:invoke` it has a `Payload`.
        machines: Further definitions by name, for `states:startExecution`.
        wait_scale: Real seconds that a second of a Wait, of a Retry or of a limit takes. 0 waits
            for nothing: the clock of the run jumps. 1 runs in real time.
        timeout: Real seconds after which the run ends with the status `TIMED_OUT`; None for no
            limit. A function that does not return in time is left behind in its thread. Without
            any limit functions run in the caller's thread, where a debugger finds them.
        seed: Determines jitter, and the order in which branches and iterations that are ready take
            turns. None: they go on in the order in which they began.
        type: The machine's type. An `EXPRESS` machine has no quota of events, and the id of its
            execution has one more part. A template that says `Type: EXPRESS` makes it one, too.
        buckets: A folder with one subfolder for each bucket of the S3 in this process. Its files
            become the objects, and what the workflow writes to the buckets is in it afterwards.
        seeds: The contents of the tables, queues and buckets when the run begins: a file, or its
            content (docs/testing.md describes its form).
        name: The state machine's name; by default that in the template, or `Main`.
        execution_name: The execution's name; a random one if None.
        region: The region in ARNs and of clients.
        endpoint: The URL of a server that plays the services of AWS, such as LocalStack; None
            plays them in this process, which needs the extra `local`.
        token_dir: A folder through which other threads and processes answer task tokens
            (`statebag answer`). With it, limits of tasks that wait for an answer are real seconds.
        histories: A folder in which the history of each execution is kept, event by event, for
            `statebag log`; None keeps none.
        strict: Whether every seal of a function is strict (`Policy.strict`), whatever its policy
            says: a value that no control path names is then never in a payload, so a path that
            would fail only once a value is large fails here. False seals as the functions would.
        allow_unopened: Patterns (`*`, `?`) of names of functions that may get a stub and not open
            it; if any other function does, the run ends.
        observer: Called for each state that is entered or left, and for each task that waits.
        on_event: Called with the ARN of an execution and each of its events, as it is written.

    Raises:
        ConfigurationError: The definition is wrong, a Task of it cannot be answered here, a mock
            belongs to no Task or is used up, or a task waits for an answer that cannot come.
        InvalidState: The input or a mock is not a JSON value.
        LimitExceeded: The input is over 262,144 bytes, which AWS does not start either.
    """
    check_optional(
        {"functions": functions, "mocks": mocks, "machines": machines}, Mapping, "an object by name"
    )
    check_optional({"seed": seed}, int, "an int")
    check_optional({"timeout": timeout}, (int, float), "a number of seconds")
    check_kind("wait_scale", wait_scale, (int, float), "a number")
    for what, number in (("timeout", timeout), ("wait_scale", wait_scale)):
        if is_huge(number):
            raise ConfigurationError(f"{what} must be below 10**18, not a longer number")
    texts = {"name": name, "execution_name": execution_name, "endpoint": endpoint, "region": region}
    for what, text in texts.items():
        if text is not None or what == "region":
            check_text(what, text)
    for what, folder in (("buckets", buckets), ("token_dir", token_dir), ("histories", histories)):
        if folder is not None:
            check_file(what, folder)
    if seeds is not None and not isinstance(seeds, Mapping):
        check_file("seeds", seeds)
    if not isinstance(definition, dict | Workflow):
        check_file("definition", definition)
    check_each_text("allow_unopened", check_iterable("allow_unopened", allow_unopened, "a list"))
    if observer is not None:
        check_has("observer", observer, "state_entered", "an Observer")
    if on_event is not None:
        check_has("on_event", on_event, "__call__", "a function")
    watch_clients()
    given = _input(input)
    if not wait_scale >= 0:
        raise ConfigurationError(f"wait_scale must be at least 0, not {wait_scale}")
    workflow = _workflow(
        definition, functions or {}, machines or {}, name, region, complete=not mocks
    )
    region = workflow.region
    program = compiled_machine(workflow.definition, region)
    others = {one: compiled_machine(value, region) for one, value in workflow.machines.items()}
    is_express = type == "EXPRESS" or workflow.express
    with ExitStack() as stack:
        records = None
        if histories is not None:
            from statebag.local.records import Records  # noqa: PLC0415 - few runs keep any

            records = Records(Path(histories))
            stack.callback(records.close)
        watch = RunWatch(
            observer,
            strict=strict,
            allow_unopened=allow_unopened,
            records=records,
            on_event=on_event,
        )
        if workflow.note is not None:
            watch.warn(workflow.note)
        stack.enter_context(rehearsed(watch.bags))
        contents = contents_of(workflow.declared, seeds, buckets, watch.warn)
        services = stack.enter_context(AwsServices(region, endpoint, contents))
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
            functions=workflow.functions,
            mocks=TaskMocks(mocks or {}),
            machines={workflow.name: program, **others},
            services=services,
            tokens=tokens,
            region=region,
            watch=watch,
        )
        stack.callback(world.caller.close)
        check_programs(world, [program, *others.values()], express=is_express)
        stack.enter_context(answering(world))
        if endpoint is None and s3_endpoint() is None:
            stack.enter_context(standing_in("s3", bucket_stores(services, workflow.mirrors)))
        # A function that has imported boto3 must reach this world, and never AWS.
        if buckets is not None or ("botocore" in sys.modules and find_spec("moto") is not None):
            services.start()
        stack.enter_context(tokens.watched())
        execution = world.execution(
            program,
            given,
            machine=workflow.name,
            name=execution_name or str(uuid4()),
            express=is_express,
            root=True,
        )
        unfinished = _run(world, execution)
        timed_out = execution.status == "TIMED_OUT"
        is_done = world.caller.are_done(_GRACE_AFTER_TIMEOUT if timed_out else _GRACE_SECONDS)
    return LocalExecution(
        execution.arn,
        execution.name,
        execution.status,
        None if execution.output is None else execution.output.copied(),
        execution.error,
        execution.cause,
        execution.log.events,
        (execution.log.time - execution.started).total_seconds(),
        watch.states.transitions,
        tuple(watch.warnings),
        unfinished,
        not is_done,
    )


def _run(world: LocalWorld, execution: SingleExecution) -> tuple[str, ...]:
    """Run an execution and all that it starts; each gets an event that ends it in any case.

    Returns:
        The paths of the states that were running when the time was up.
    """
    scheduler, children = world.scheduler, world.children
    strand = scheduler.start(execution.steps(), lambda _: None)
    unfinished: tuple[str, ...] = ()
    is_refused = False
    try:
        scheduler.run(lambda: children.failure is not None or not (strand.live or children.running))
        failure = strand.failure or children.failure
        if failure is not None:
            raise failure
    except DeadlineError:
        unfinished = world.states.unfinished
        execution.time_out()
    except RefusedError as refused:
        execution.fail(refused.error, refused.cause, 0)
        is_refused = True
    except NothingLeftError:
        waiting = ", ".join(sorted(set(world.tokens.waiting_states()))) or "a state"
        raise ConfigurationError(
            f"{waiting} waits for an answer to its task token, but nothing in this run gives one",
            hint="Answer the state with a mock, or give token_dir and answer from outside.",
        ) from None
    finally:
        with ExitStack() as ending:  # all of it, also if a listener of events raises once more
            ending.callback(children.abort)
            ending.callback(strand.cancel)
            execution.abort()
    if execution.status == "FAILED" and not is_refused:
        world.stubs.warn_of_failed()
    return unfinished


def _helpers(*, everybody: bool) -> Callable[[], bool]:
    """Return a function that says whether anyone outside the run may answer a task token.

    Another process may, if there is a folder for answers. So may a thread that a function of the
    workflow has started.
    """
    before = set(threading.enumerate())

    def helped() -> bool:
        return everybody or any(
            thread not in before and not thread.name.startswith("statebag-")
            for thread in threading.enumerate()
        )

    return helped


def _workflow(
    definition: dict[str, Any] | str | Path | Workflow,
    functions: Mapping[str, Handler],
    machines: Mapping[str, dict[str, Any]],
    name: str | None,
    region: str,
    *,
    complete: bool,
) -> Workflow:
    """Return the workflow to run: what the caller gave, together with what a file has."""
    if isinstance(definition, dict):
        return Workflow(name or "Main", definition, functions, machines, region)
    if not isinstance(definition, Workflow):
        from statebag.local.workflow import load_workflow  # noqa: PLC0415 - reads YAML

        definition = load_workflow(definition, handlers=functions, region=region, complete=complete)
        functions = {}
    return replace(
        definition,
        name=name or definition.name,
        functions={**definition.functions, **functions},
        machines={**definition.machines, **machines},
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
