"""A branch of the Parallel state: the security findings, with the code around each."""

from __future__ import annotations

from typing import Any

from audit import reviews

import statebag


@statebag.step
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    texts = {source["path"]: source["text"] for source in state["sources"]}
    return {"name": "security", "review": reviews.security(state["findings"], texts)}
