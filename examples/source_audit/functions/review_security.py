"""A branch of the Parallel state: the security findings, with the code around each."""

from __future__ import annotations

from typing import Any

from audit import reviews

import statebag


@statebag.step
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    return {"name": "security", "review": reviews.security(event["findings"], event["sources"])}
