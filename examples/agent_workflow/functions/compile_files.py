"""The long check: it answers with its token when it is done, in as many bytes as it takes.

What it answers is sealed, since a token's answer has the limit of any payload.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
from agent.bags import opened, sealed
from agent.checks import compile_all


def handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's
    current = opened(event, "current_state", ["files", "root"])
    answer = compile_all(current["root"], [file["path"] for file in current["files"]])
    boto3.client("stepfunctions").send_task_success(
        taskToken=event["token"], output=json.dumps(sealed(event, answer))
    )
