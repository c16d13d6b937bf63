"""Deliver the results of a distributed Map's children: as files in S3, or as the state's result.

Shapes as in the Developer Guide, "ResultWriter (Map)": `<prefix>/<map run>/manifest.json`, and one
file each for the children that succeeded, failed, or were not started. Values are kept as JSON
texts, since a Map may have very many children.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.local.interpreter.json_value import json_text
from statebag.local.interpreter.state_visit import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from statebag.local.interpreter.result_writer import Writer

__all__ = ["RunResult", "result_objects", "returned_results"]

_STATUSES = ("FAILED", "PENDING", "SUCCEEDED")
# Bytes after which the next result begins another object. Chosen: on its way to the S3 of this
# process an object is copied several times, and from 5 MiB on it is kept in a file.
_OBJECT_BYTES = 6_000_000
_INCLUDED = {"Included": True}


class RunResult(NamedTuple):
    """A child execution of a Map Run.

    Attributes:
        machine_arn: The ARN of its machine.
        name: Its name.
        status: `SUCCEEDED`, `FAILED`, or `PENDING` for one that was never started.
        input: Its input, as JSON text.
        output: Its output, as JSON text; None unless it succeeded.
        error: The error's name, if it failed.
        cause: The error's cause, if it failed.
        started: When it started; None if it never did.
        stopped: When it ended; None if it never started.
    """

    machine_arn: str
    name: str
    status: str
    input: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    started: datetime | None = None
    stopped: datetime | None = None


def returned_results(children: Iterable[RunResult], transformation: str) -> list[Any]:
    """Return the results as the state's result; failed children are described in every form."""
    results: list[Any] = []
    for child in children:
        if child.output is None or transformation == "NONE":
            results.append(_described(child))
            continue
        value = json.loads(child.output)
        if transformation == "FLATTEN" and isinstance(value, list):
            results.extend(value)
        else:
            results.append(value)
    return results


def result_objects(
    children: list[RunResult], form: Writer, *, bucket: str, prefix: str, map_run_arn: str
) -> Iterator[tuple[str, io.BytesIO]]:
    """Yield the keys and bodies of the objects that a ResultWriter writes, the manifest last."""
    folder = map_run_arn.rsplit(":", 1)[-1]
    home = f"{prefix.rstrip('/')}/{folder}" if prefix else folder
    listing: dict[str, list[dict[str, Any]]] = {status: [] for status in _STATUSES}
    for status, listed in listing.items():
        texts = _texts((one for one in children if one.status == status), form.transformation)
        for number, body in enumerate(_bodies(texts, lines=form.output_type == "JSONL")):
            key = f"{home}/{status}_{number}.{form.output_type.lower()}"
            listed.append({"Key": key, "Size": body.getbuffer().nbytes})
            yield key, body
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": listing}
    yield f"{home}/manifest.json", io.BytesIO(json.dumps(manifest).encode())


def _texts(children: Iterable[RunResult], transformation: str) -> Iterator[str]:
    for child in children:
        if child.output is None or transformation == "NONE":
            yield json_text(_described(child))
        elif transformation == "FLATTEN" and child.output.startswith("["):
            yield from map(json_text, json.loads(child.output))
        else:
            yield child.output


def _bodies(texts: Iterator[str], *, lines: bool) -> Iterator[io.BytesIO]:
    """Yield the texts as an array, or one per line, in as many objects as they need."""
    body = io.BytesIO()
    for text in texts:
        if not lines:
            body.write(b"," if body.tell() else b"[")
        body.write(text.encode("utf-8", "surrogatepass"))
        if lines:
            body.write(b"\n")
        if body.tell() > _OBJECT_BYTES:
            yield _whole(body, lines=lines)
            body = io.BytesIO()
    if body.tell():
        yield _whole(body, lines=lines)


def _whole(body: io.BytesIO, *, lines: bool) -> io.BytesIO:
    if not lines:
        body.write(b"]")
    body.seek(0)
    return body


def _described(child: RunResult) -> dict[str, Any]:
    """Return a child as the service describes it, with its fields in alphabetical order."""
    home = child.machine_arn.replace(":stateMachine:", ":execution:")
    described: dict[str, Any] = {}
    if child.status == "FAILED":
        described["Cause"] = child.cause or ""
        described["Error"] = child.error or ""
    described["ExecutionArn"] = f"{home}:{child.name}"
    described["Input"] = child.input
    described["InputDetails"] = _INCLUDED
    described["Name"] = child.name
    if child.output is not None:
        described["Output"] = child.output
    if child.status != "PENDING":
        described["OutputDetails"] = _INCLUDED
    described["RedriveCount"] = 0
    if child.status == "SUCCEEDED":
        described["RedriveStatus"] = "NOT_REDRIVABLE"
        described["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
    elif child.status == "FAILED":
        described["RedriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
        described["RedriveStatusReason"] = (
            "Execution is a child of a Map Run and can be redriven by it"
        )
    if child.started is not None:
        described["StartDate"] = iso_time(child.started)
    described["StateMachineArn"] = child.machine_arn
    described["Status"] = child.status
    if child.stopped is not None:
        described["StopDate"] = iso_time(child.stopped)
    return described
