"""Shows a person what was found, with the token that lets the workflow go on.

The answer is `{"approved": true, "by": "..."}`, through `SendTaskSuccess` or, for a workflow on
this machine, `statebag answer`. With `auto_approve` this function answers at once; with
`"fail": "timeout"` nobody does.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import boto3
from agent.bags import opened

log = logging.getLogger("agent_workflow")


def handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's
    request, summary = opened(event, "request"), opened(event, "summary")
    # Not just information: somebody has to act.
    log.warning("%s", json.dumps({"summary": summary, "token": event["token"]}))
    if request.get("auto_approve") and request.get("fail") != "timeout":
        answer = {"approved": True, "by": "auto_approve"}
        boto3.client("stepfunctions").send_task_success(
            taskToken=event["token"], output=json.dumps(answer)
        )
