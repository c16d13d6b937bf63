"""A branch of the Parallel state: complexity, repeated code and the import graph."""

from __future__ import annotations

from typing import Any

from audit import reviews

import statebag


@statebag.step
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    return {"name": "complexity", "review": reviews.complexity(state["modules"])}
