"""What becomes of the results of a Distributed Map: the files in S3, or the state's output.

Shapes as in the Developer Guide, "ResultWriter (Map)": `<prefix>/<map run>/manifest.json` and one
file each for the children that succeeded, failed, or were not started.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from statebag.asl.payload import payload_text
from statebag.errors import ConfigurationError

__all__ = ["ResultFile", "Writer", "WrittenResult", "result_files", "returned", "writer"]

_TRANSFORMATIONS = ("NONE", "COMPACT", "FLATTEN")
_OUTPUT_TYPES = ("JSON", "JSONL")
_STATUSES = ("FAILED", "PENDING", "SUCCEEDED")


@dataclass(frozen=True, slots=True)
class Writer:
    """A ResultWriter's WriterConfig, with the defaults of AWS."""

    transformation: str
    output_type: str


@dataclass(frozen=True, slots=True)
class WrittenResult:
    """A child execution of a Map Run.

    Attributes:
        arn: Its execution ARN.
        name: Its name.
        machine_arn: The ARN of the state machine that it is an execution of.
        status: `SUCCEEDED`, `FAILED` or `PENDING`, which is one that was never started.
        input: Its input.
        output: Its output; None unless it succeeded.
        error: The error's name, if it failed.
        cause: The error's cause, if it failed.
        started: When it started, in ISO 8601; None if it never did.
        stopped: When it ended, in ISO 8601; None if it did not.
    """

    arn: str
    name: str
    machine_arn: str
    status: str
    input: Any
    output: Any = None
    error: str | None = None
    cause: str | None = None
    started: str | None = None
    stopped: str | None = None


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One object that a ResultWriter writes."""

    key: str
    body: bytes


def writer(given: dict[str, Any] | None, path: str) -> Writer:
    """Read a ResultWriter; None stands for a state without one.

    Raises:
        ConfigurationError: with the place of what it does not know.
    """
    if given is None:
        return Writer("COMPACT", "JSON")
    resource = given.get("Resource")
    if resource is None and "WriterConfig" not in given:
        raise ConfigurationError(
            "the ResultWriter has neither a Resource nor a WriterConfig", path=path
        )
    if resource is not None and not str(resource).endswith(":s3:putObject"):
        raise ConfigurationError(
            f"ResultWriter must use s3:putObject, not {str(resource)!r:.80}",
            path=f"{path}.Resource",
        )
    config = given.get("WriterConfig", {})
    transformation = config.get("Transformation", "NONE" if resource else "COMPACT")
    output_type = config.get("OutputType", "JSON")
    for field, value, known in (
        ("Transformation", transformation, _TRANSFORMATIONS),
        ("OutputType", output_type, _OUTPUT_TYPES),
    ):
        if value not in known:
            raise ConfigurationError(
                f"there is no {field} {value!r}",
                path=f"{path}.WriterConfig.{field}",
                hint=f"Use {', '.join(known)}.",
            )
    return Writer(transformation, output_type)


def returned(children: list[WrittenResult], transformation: str) -> list[Any]:
    """The results as the state's output: failed children are described whatever the form."""
    results: list[Any] = []
    for child in children:
        if child.status != "SUCCEEDED" or transformation == "NONE":
            results.append(_description(child))
        elif transformation == "FLATTEN" and isinstance(child.output, list):
            results.extend(child.output)
        else:
            results.append(child.output)
    return results


def result_files(
    children: list[WrittenResult], form: Writer, *, bucket: str, prefix: str, map_run_arn: str
) -> list[ResultFile]:
    """The objects that a ResultWriter writes, the manifest last."""
    folder = map_run_arn.rsplit(":", 1)[-1]
    home = f"{prefix.rstrip('/')}/{folder}" if prefix else folder
    files = []
    listing: dict[str, list[dict[str, Any]]] = {status: [] for status in _STATUSES}
    for status, listed in listing.items():
        chosen = [child for child in children if child.status == status]
        if not chosen:
            continue
        key = f"{home}/{status}_0.{form.output_type.lower()}"
        body = _encoded(returned(chosen, form.transformation), form.output_type)
        files.append(ResultFile(key, body))
        listed.append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": listing}
    files.append(ResultFile(f"{home}/manifest.json", json.dumps(manifest).encode()))
    return files


def _encoded(results: list[Any], output_type: str) -> bytes:
    if output_type == "JSONL":
        return "".join(f"{payload_text(result)}\n" for result in results).encode()
    return payload_text(results).encode()


def _description(child: WrittenResult) -> dict[str, Any]:
    described: dict[str, Any] = {"ExecutionArn": child.arn, "Input": payload_text(child.input)}
    if child.status == "FAILED":
        described |= {"Error": child.error or "", "Cause": child.cause or ""}
    described |= {"InputDetails": {"Included": True}, "Name": child.name}
    if child.status == "SUCCEEDED":
        described |= {
            "Output": payload_text(child.output),
            "OutputDetails": {"Included": True},
            "RedriveStatus": "NOT_REDRIVABLE",
            "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        }
    elif child.status == "FAILED":
        described |= {
            "OutputDetails": {"Included": True},
            "RedriveStatus": "REDRIVABLE_BY_MAP_RUN",
            "RedriveStatusReason": "Execution is a child of a Map Run and can be redriven by it",
        }
    described |= {
        "RedriveCount": 0,
        "StartDate": child.started,
        "StateMachineArn": child.machine_arn,
        "Status": child.status,
        "StopDate": child.stopped,
    }
    return dict(sorted((key, value) for key, value in described.items() if value is not None))
