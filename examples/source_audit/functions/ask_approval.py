"""Shows a person what the audit found, with the token that lets the workflow go on.

The answer comes from elsewhere, whenever it comes: `SendTaskSuccess` with the token and
`{"approved": true, "by": "..."}`, or `statebag answer` for a workflow on this machine. What is
shown goes to the function's log; a team would post it to its chat. With `auto_approve` in the
request this function answers at once, so that a demonstration needs nobody.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import boto3

import statebag

log = logging.getLogger("source_audit")


@statebag.step
def handler(asked: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    question = {"asks": "Publish this audit?", "summary": asked["summary"]}
    # Not just information: somebody has to act.
    log.warning("%s", json.dumps({**question, "token": asked["token"]}))
    if asked["request"].get("auto_approve"):
        answer = {"approved": True, "by": "auto_approve"}
        boto3.client("stepfunctions").send_task_success(
            taskToken=asked["token"], output=json.dumps(answer)
        )
    return question
