"""Runs a definition in this process: no AWS account, no Docker, no network.

The language is interpreted by moto's Step Functions, corrected where it differs from AWS (see
`corrections`). Handlers are called in the interpreter's threads. Calls of boto3 that a handler
makes are answered in this process too, except those to an S3 endpoint that the environment
names (`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`).
"""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.arns import ACCOUNT
from statebag.asl.definition import check_definition, function_uses, with_function_arns
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.environment import missing_aws_settings
from statebag.errors import ConfigurationError, InvalidState, LimitExceeded
from statebag.format.json_depth import MAX_DEPTH, text_is_deeper
from statebag.local.execution import Execution, Observer
from statebag.local.handler_environment import environment_filled
from statebag.local.moto_run import Run
from statebag.local.reads import Bags
from statebag.local.records import Records
from statebag.local.tokens import TokenDesk
from statebag.sealing.rehearsal import rehearsed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from statebag.local.execution import Handler

__all__ = ["run_definition"]

_ROLE = f"arn:aws:iam::{ACCOUNT}:role/local"
_GRACE_SECONDS = 5.0
_STOP_SECONDS = 1.0
_LATE_SECONDS = 0.5  # twice, after a timeout: `statebag run` ends the process after two seconds
_one_run = threading.Lock()


def run_definition(
    definition: dict[str, Any],
    functions: Mapping[str, Handler],
    input_value: Any,
    *,
    name: str = "Main",
    execution_name: str | None = None,
    region: str = "us-east-1",
    observer: Observer | None = None,
    token_dir: Path | None = None,
    bucket_dir: Path | None = None,
    machines: Mapping[str, dict[str, Any]] | None = None,
    wait_scale: float = 1.0,
    timeout_seconds: float | None = None,
    history_dir: Path | None = None,
    strict: bool = True,
    allow_unopened: Collection[str] = (),
) -> Execution:
    """Run a workflow to its end.

    A workflow that fails is a result, not an exception: look at `status`.

    Args:
        definition: The state machine in Amazon States Language.
        functions: Handlers by function name. A Task names one by its bare name or its ARN, as
            its Resource or as the FunctionName of `lambda:invoke`.
        input_value: The execution's input, a JSON value.
        name: The state machine's name.
        execution_name: The execution's name; a random one if None.
        region: The region in all ARNs.
        observer: Told of each state as it is entered and left.
        token_dir: A folder through which other processes answer task tokens
            (`statebag.local.tokens`).
        bucket_dir: A folder with one subfolder for each bucket. Its files are the objects that
            the workflow finds in S3, and what the workflow writes there is in it afterwards.
            Not used with an S3 endpoint.
        machines: Further definitions by name, for `states:startExecution`.
        wait_scale: What the seconds of Wait states and of Retry intervals are multiplied by.
            Timeouts and heartbeats keep their length.
        timeout_seconds: Stop after this long with the status `TIMED_OUT`, at most a second
            late. An expression or a pattern is ended then. A handler that does not return cannot
            be: its thread is left behind (`Execution.threads_left`), and one that is inside of C
            code which never lets other threads run, such as a regular expression that
            backtracks, keeps this call from returning. `statebag run --timeout` ends then, too.
        history_dir: A folder in which the history of each execution is kept, event by event, for
            `statebag log` (`statebag.local.records`); None keeps none.
        strict: Whether every seal of a handler is strict (`Policy.strict`), whatever its policy
            says: a path that no control path names is then never in a payload, so that what would
            fail on the day a value is large fails here. False seals as the functions would, as
            `statebag run --as-deployed` does.
        allow_unopened: Patterns (`*`, `?`) of names of functions that may be given a stub and not
            open it; of others it ends the run.

    A path that leads into a stub ends the run, and so does a function that is given a stub and
    does not open it. The status is `FAILED` then, whatever a Catch takes, and the cause says
    which state, which path, and what to do.

    Raises:
        ConfigurationError: the definition is wrong, it names a function that is not there,
            another run is under way in this process, or the extra `local` is not installed.
        InvalidState: the input is no JSON value.
        LimitExceeded: the input is over 262,144 bytes, which AWS does not start either.
    """
    further = dict(machines or {})
    for machine in (definition, *further.values()):
        check_definition(machine)
    _check_functions((definition, *further.values()), functions)
    text = _input_text(input_value)
    if not wait_scale >= 0:
        raise ConfigurationError(f"wait_scale must be at least 0, not {wait_scale}")
    run = Run(
        name=name,
        region=region,
        functions=functions,
        observer=observer or Observer(),
        wait_scale=wait_scale,
        tokens=TokenDesk(None if token_dir is None else Path(token_dir)),
        bags=Bags(strict=strict),
        allow_unopened=tuple(allow_unopened),
    )
    with ExitStack() as stack:
        stack.enter_context(_alone())
        # Dummy credentials and a region for boto3, only where the environment has none.
        stack.enter_context(environment_filled(missing_aws_settings(region)))
        stack.enter_context(_quiet())
        stack.enter_context(rehearsed(run.bags))
        stack.callback(run.expressions.close)
        if history_dir is not None:
            run.records = Records(Path(history_dir))
            stack.callback(run.records.close)
        interpreter = _interpreter()
        stack.enter_context(interpreter.in_process(run, bucket_dir))
        stack.enter_context(run.tokens.watched())
        started = time.perf_counter()
        for machine_name, machine in {**further, name: definition}.items():
            arn = interpreter.create_machine(
                machine_name, with_function_arns(machine, region), _ROLE, region
            )
        execution = interpreter.start(arn, execution_name or str(uuid4()), text, region)
        ended = run.ended(execution.exec_arn)
        grace = _GRACE_SECONDS
        threads_left = False
        try:
            if not ended.wait(timeout_seconds):
                grace = _LATE_SECONDS
                interpreter.time_out(execution, run)
                threads_left = not ended.wait(grace)
            if run.refusal is not None:
                interpreter.stop(execution)
                run.wait_for_states(_STOP_SECONDS)
        except BaseException:
            interpreter.stop(execution)
            ended.wait(_STOP_SECONDS)  # so that what it still tells comes before the end
            raise
        finally:
            # A handler that still runs, of a branch that was given up or of a task that timed
            # out, would otherwise find boto3 unmocked under its feet.
            threads_left = not run.wait_for_handlers(grace) or threads_left
        seconds = time.perf_counter() - started
        if run.failure is not None:
            interpreter.stop(execution)
            raise run.failure
        result: Execution = interpreter.result(execution, run, seconds, threads_left=threads_left)
        return result


def _check_functions(
    machines: tuple[dict[str, Any], ...], functions: Mapping[str, Handler]
) -> None:
    uses = [use for machine in machines for use in function_uses(machine)]
    missing = sorted({use.name for use in uses if use.name not in functions})
    if missing:
        first = next(use for use in uses if use.name in missing)
        raise ConfigurationError(
            f"there is no handler for {', '.join(missing)}",
            path=first.path,
            hint=f"The known functions are {', '.join(sorted(functions)) or 'none'}.",
        )


def _input_text(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidState(
            f"the input is not a JSON value ({type(error).__name__})", path="$", hint=str(error)
        ) from error
    if text_is_deeper(text.encode()):
        raise InvalidState(
            f"the input's arrays and objects nest deeper than {MAX_DEPTH} levels",
            path="$",
            hint="Store the inner part as a string, or flatten it.",
        )
    if size > PAYLOAD_LIMIT:
        raise LimitExceeded(
            f"the input has {size:,} bytes; Step Functions starts an execution with at most "
            f"{PAYLOAD_LIMIT:,}",
            hint="Seal the input first, and start the execution with the bag.",
        )
    return text


def _interpreter() -> Any:
    try:
        from statebag.local import (  # noqa: PLC0415 - an extra, and slow
            moto_interpreter as interpreter,
        )
    except ImportError as error:
        raise ConfigurationError(
            f"running a workflow on this machine needs the package {error.name!r}",
            hint="Install the extra: pip install 'statebag[local]'.",
        ) from error
    return interpreter


@contextmanager
def _alone() -> Iterator[None]:
    """One run at a time: the interpreter's corrections and its backends are process-wide."""
    if not _one_run.acquire(blocking=False):
        raise ConfigurationError(
            "another run is active in this process",
            hint="Wait for it, or start this one in a process of its own.",
        )
    try:
        yield
    finally:
        _one_run.release()


@contextmanager
def _quiet() -> Iterator[None]:
    """The interpreter logs states' values at every error; none of it leaves the process."""
    logger = logging.getLogger("moto.stepfunctions")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.propagate = propagate
