"""One item of the Map: the findings in one shard of the files."""

from __future__ import annotations

from typing import Any

from audit.rules import inspect

import statebag


@statebag.step
def handler(item: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    shard = item["shard"]
    sources = item["sources"][shard["first"] : shard["first"] + shard["count"]]
    return {
        "shard": shard["index"],
        "findings": [
            finding for source in sources for finding in inspect(source["path"], source["text"])
        ],
    }
