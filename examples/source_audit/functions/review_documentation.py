"""A branch of the Parallel state: which public names have a docstring, and which have not."""

from __future__ import annotations

from typing import Any

from audit import reviews

import statebag


@statebag.step
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    return {"name": "documentation", "review": reviews.documentation(state["modules"])}
