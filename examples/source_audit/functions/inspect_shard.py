"""One item of the Map: the findings in one shard of the files."""

from __future__ import annotations

from typing import Any

from audit.rules import inspect

import statebag


@statebag.step
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    shard = event["shard"]
    files = event["files"][shard["first"] : shard["first"] + shard["count"]]
    return {
        "shard": shard["index"],
        "findings": [
            finding
            for file in files
            if file["path"] in event["sources"]
            for finding in inspect(file["path"], event["sources"][file["path"]])
        ],
    }
