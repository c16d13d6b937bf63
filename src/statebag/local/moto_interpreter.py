"""The only door to moto: starts its mock of AWS, its Step Functions and an execution in it."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto import mock_aws
from moto.core.config import default_user_config
from moto.core.models import MockAWS
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS

from statebag.asl.arns import ACCOUNT
from statebag.environment import s3_endpoint
from statebag.errors import ConfigurationError
from statebag.local.bucket_store import BucketStore
from statebag.local.buckets import filled_buckets
from statebag.local.corrections import corrected
from statebag.local.corrections.parsing import definition_text
from statebag.local.execution import Execution
from statebag.store.address import standing_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statebag.local.moto_run import Run
    from statebag.local.reads import Refusal

__all__ = ["create_machine", "in_process", "result", "start", "stop", "time_out"]


@contextmanager
def in_process(run: Run, bucket_dir: Path | None) -> Iterator[None]:
    """AWS as boto3 sees it is inside this process, and Step Functions is corrected."""
    endpoint = s3_endpoint()
    config: dict[str, Any] = {
        "stepfunctions": {"execute_state_machine": True},
        "core": {
            **default_user_config["core"],
            "mock_credentials": False,
            "passthrough": {
                "urls": [f"{re.escape(endpoint)}(/|$|\\?)"] if endpoint else [],
                "services": [],
            },
        },
    }
    with patch.dict(default_user_config, config), _mocked(), corrected(run):
        _forget()
        try:
            with filled_buckets(None if endpoint else bucket_dir), _own_buckets(endpoint):
                yield
        finally:
            _forget()


def create_machine(name: str, definition: dict[str, Any], role: str, region: str) -> str:
    """Register a state machine; returns its ARN.

    Raises:
        ConfigurationError: the interpreter does not take the definition.
    """
    text = definition_text(definition)
    try:
        AmazonStateLanguageParser.parse(text)
        backend = stepfunctions_parser_backends[ACCOUNT][region]
        machine = backend.create_state_machine(name, text, role)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"the definition of {name} is not valid: {_one_line(error)}", path="$"
        ) from error
    return str(machine.arn)


def start(arn: str, name: str, input_text: str, region: str) -> Any:
    """Start an execution; returns the interpreter's object for it."""
    backend = stepfunctions_parser_backends[ACCOUNT][region]
    return backend.start_execution(arn, name, input_text)


def stop(execution: Any) -> None:
    """Abort an execution that still runs."""
    worker = execution.exec_worker
    if worker is not None and worker.env is not None:
        now = datetime.now(UTC)
        worker.stop(stop_date=now, error=None, cause=None)


def time_out(execution: Any, run: Run) -> None:
    """End an execution that still runs as one that took too long."""
    worker = execution.exec_worker
    run.timed_out = True
    run.given_up_in = run.unfinished
    if worker is not None and worker.env is not None:
        worker.env.set_timed_out()
    run.tokens.release()
    run.expressions.close()


def result(execution: Any, run: Run, seconds: float, *, threads_left: bool) -> Execution:
    """What became of an execution that has ended, or was timed out and does not react."""
    if execution.status == "SUCCEEDED":
        run.check_read()
    elif run.refusal is None:
        run.warn_of_unread()
    if run.refusal is not None:
        return _refused(execution, run, run.refusal, seconds)
    gave_up = run.timed_out or execution.stop_date is None
    status = "TIMED_OUT" if gave_up else execution.status
    history = [dict(event) for event in execution.to_history_output()["events"]]
    if gave_up and history[-1]["type"] == "ExecutionFailed":
        del history[-1]  # the failure of a task that was woken to end
    if status == "TIMED_OUT" and history[-1]["type"] != "ExecutionTimedOut":
        last = history[-1]["id"]
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        history.append(
            {
                "id": last + 1,
                "previousEventId": last,
                "type": "ExecutionTimedOut",
                "timestamp": now.replace("+00:00", "Z"),
                "executionTimedOutEventDetails": {},
            }
        )
        if run.records is not None:
            run.records.add(execution.exec_arn, history[-1])
    return Execution(
        arn=execution.exec_arn,
        name=execution.name,
        status=status,
        output=None if gave_up else execution.output,
        error=None if gave_up else execution.error,
        cause=None if gave_up else execution.cause,
        seconds=seconds,
        transitions=run.transitions,
        history=history,
        warnings=tuple(run.warnings),
        unfinished=(run.given_up_in or run.unfinished) if status == "TIMED_OUT" else (),
        threads_left=threads_left,
    )


def _refused(execution: Any, run: Run, refusal: Refusal, seconds: float) -> Execution:
    """An execution that the run itself ended: it failed, whatever the interpreter made of it."""
    history = [dict(event) for event in execution.to_history_output()["events"]]
    while history and history[-1]["type"].startswith("Execution") and len(history) > 1:
        del history[-1]
    last = history[-1]["id"]
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    history.append(
        {
            "id": last + 1,
            "previousEventId": last,
            "type": "ExecutionFailed",
            "timestamp": now.replace("+00:00", "Z"),
            "executionFailedEventDetails": {"error": refusal.error, "cause": refusal.cause},
        }
    )
    if run.records is not None:
        run.records.add(execution.exec_arn, history[-1])
    return Execution(
        arn=execution.exec_arn,
        name=execution.name,
        status="FAILED",
        output=None,
        error=refusal.error,
        cause=refusal.cause,
        seconds=seconds,
        transitions=run.transitions,
        history=history,
        warnings=tuple(run.warnings),
    )


def _one_line(error: Exception) -> str:
    """What the parser says, without the dumps of its own objects that it adds."""
    said = str(getattr(error, "message", None) or error).split("\n")[0]
    return said.split(", in props ")[0].split(" in props '")[0][:300]


@contextmanager
def _mocked() -> Iterator[None]:
    """Moto's mock of AWS; one that is already there is used, with what it holds."""
    if MockAWS._nested_count > 0:  # noqa: SLF001 - moto has no public way to ask
        yield
        return
    with mock_aws():
        yield


def _own_buckets(endpoint: str | None) -> AbstractContextManager[None]:
    """Stores at s3:// addresses are in this process too, unless an endpoint is configured."""
    return nullcontext() if endpoint else standing_in("s3", BucketStore)


def _forget() -> None:
    for region in stepfunctions_parser_backends[ACCOUNT].values():
        region.reset()
    TMP_THREADS.clear()
