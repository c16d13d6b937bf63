"""The simplest way: the whole state as one new object a step."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from benchmarks.ways.way import WholeState

if TYPE_CHECKING:
    from benchmarks.ways.audited_way import Objects

__all__ = ["WholeWay"]


class WholeWay(WholeState):
    """One object a step.

    Args:
        objects: Where to.
    """

    name = "one object for the whole state"

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def first(self, state: dict[str, Any]) -> Any:
        key = f"state_{uuid.uuid4().hex[:16]}.json"
        self._objects.put(key, json.dumps(state).encode())
        return {"execution_id": state["execution_id"], "s3_path": key}

    def read(self, payload: Any) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._objects.get(payload["s3_path"]))
        return state

    def forget(self) -> None:
        self._objects.forget()
