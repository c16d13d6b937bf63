"""The way that the audited state manager kept a state: plain JSON, an object for each value.

A field over 30 KB goes to a new object, history over 50 entries is archived anew, and the whole
state goes to an object where it is still over 100 KB. All is read one by one.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any, Protocol

from benchmarks.ways.way import WholeState

__all__ = ["AuditedWay", "Objects"]

_FIELD_LIMIT = 30 * 1024
_STATE_LIMIT = 100 * 1024
_KEPT_ENTRIES = 50
_POINTER = "s3_reference"


class Objects(Protocol):
    """Whole objects by key."""

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def forget(self) -> None: ...


class AuditedWay(WholeState):
    """The audited way, or a better one.

    Args:
        objects: Where to.
        skip_unchanged: Whether a field goes to a key made of its hash and is not written where
            this step read the same one.
    """

    def __init__(self, objects: Objects, *, skip_unchanged: bool = False) -> None:
        self.name = "audited way"
        if skip_unchanged:
            self.name += ", unchanged fields skipped"
        self._objects = objects
        self._skip = skip_unchanged
        self._read: set[str] = set()

    def first(self, state: dict[str, Any]) -> Any:
        return self._seal(state)

    def read(self, payload: Any) -> dict[str, Any]:
        state = dict(payload)
        state["current_state"] = current = dict(self._value(state["current_state"]))
        for name, value in current.items():
            current[name] = self._value(value)
        history = state["state_history"]
        if history and history[0].get("type") == "history_archive":
            state["state_history"] = [*self._load(history[0]["s3_path"]), *history[1:]]
        else:
            state["state_history"] = list(history)
        return state

    def forget(self) -> None:
        self._read.clear()
        self._objects.forget()

    def _seal(self, state: dict[str, Any]) -> Any:
        bag = dict(state)
        history = state["state_history"]
        if len(history) > _KEPT_ENTRIES:
            old = json.dumps(history[:-_KEPT_ENTRIES]).encode()
            archive = {"type": "history_archive", "s3_path": self._store(old, "history")}
            bag["state_history"] = [archive, *history[-_KEPT_ENTRIES:]]
        current = dict(state["current_state"])
        for name, value in current.items():
            text = json.dumps(value).encode()
            if len(text) > _FIELD_LIMIT:
                path = self._store(text, name, by_hash=self._skip)
                current[name] = {"type": _POINTER, "s3_path": path, "size_kb": len(text) // 1024}
        text = json.dumps(current).encode()
        bag["current_state"] = current
        if len(text) > _STATE_LIMIT:
            path = self._store(text, "state")
            bag["current_state"] = {"type": _POINTER, "s3_path": path}
        # What the engine carries is text, and the next step parses it.
        return json.loads(json.dumps(bag))

    def _store(self, text: bytes, kind: str, *, by_hash: bool = False) -> str:
        unique = hashlib.sha256(text).hexdigest()[:16] if by_hash else uuid.uuid4().hex[:16]
        key = f"workflow-state/run-1/{kind}_{unique}.json"
        if not by_hash or key not in self._read:
            self._objects.put(key, text)
        return key

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == _POINTER:
            return self._load(value["s3_path"])
        return value

    def _load(self, key: str) -> Any:
        data = self._objects.get(key)
        self._read.add(key)
        return json.loads(data)
