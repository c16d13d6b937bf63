"""Follow one value across the events of an execution, or the versions of a head."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.derived import parse_beside
from statebag.format.stub import KEY
from statebag.ui.state_tree import OPENED_BYTES, StateTree, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.client import Statebag
    from statebag.ui.state_moments import SeenStates
    from statebag.ui.state_tree import Part

__all__ = ["trail"]

_ABSENT = "absent"
_VEIL = secrets.token_bytes(32)


def trail(
    client: Statebag,
    seen: SeenStates,
    path: Sequence[Part],
    at: int,
    after: int = 0,
    before: str | None = None,
    *,
    values: bool,
) -> dict[str, Any]:
    """Return the events at which a value changed.

    The digest in a stub shows whether a value changed. A value inside a stored one is read only if
    the stored one changed. Only events of the same branch, or of the same iteration, count: the
    states of others have other fields.

    Args:
        client: Reads the store.
        seen: The execution, or the head.
        path: The value's path in the state.
        at: The event in whose state the value was picked.
        after: The event after which to continue.
        before: The mark of the value at that event, as the last call returned it.
        values: Whether values may be shown.

    Returns:
        `changes`: each with its `event`, the event's `type` and `state`, and `what`: `is` for the
        first, `changed`, `gone`, or `unknown` with a `note`; and the value as `StateTree` describes
        it. `mark` and `next`: for the next call; `next` is None at the end.
    """
    changes: list[dict[str, Any]] = []
    looked = 0
    mark, last = before, after
    outer: str | None = None
    text_before: str | None = None
    for moment in seen.moments(at, after):
        if looked == seen.moments_at_once:
            return {"changes": changes, "mark": mark, "next": last}
        last = moment.number
        looked += 1
        payload = moment.read()
        if payload is None or payload.text == text_before:
            continue
        text_before = payload.text
        about = {"event": moment.number, "type": moment.type, "state": moment.state}
        try:
            bag = payload.value()
            around, is_whole = _mark_around(bag, path)
            if around == outer:
                continue
            outer = around
            value = None
            if not is_whole:
                value = StateTree(client, bag).at(path, OPENED_BYTES)
                around = sha256_hex(json_text.encode(value))
            around = _veiled(around)
            if around == mark:
                continue
            node = {}
            if around != _ABSENT:
                value = StateTree(client, bag).at(path) if is_whole else value
                node = describe(path[-1] if path else None, value, values=values)
            what = "gone" if around == _ABSENT else "is" if mark in {None, _ABSENT} else "changed"
            if what != "gone" or mark is not None:
                changes.append({**about, **node, "what": what})
            mark = around
        except StatebagError as error:
            if error.code == "invalid_state" and mark not in {None, _ABSENT}:
                changes.append({**about, "what": "gone"})
                mark = _ABSENT
            elif error.code != "invalid_state":
                changes.append({**about, "what": "unknown", "note": str(error)})
    return {"changes": changes, "mark": mark, "next": None}


def _veiled(mark: str) -> str:
    """Return a mark that reveals nothing to its reader: a short value's digest can be guessed."""
    if mark == _ABSENT:
        return mark
    return hashlib.blake2b(mark.encode(), digest_size=16, key=_VEIL).hexdigest()


def _mark_around(bag: Any, path: Sequence[Part]) -> tuple[str, bool]:
    """Return a mark of the value at a path, or of the stub around it, without reading anything.

    Returns:
        The mark, and whether it is the mark of the value itself. Equal marks mean equal values.
    """
    value = bag
    for part in path:
        if isinstance(value, dict) and KEY in value:
            stub, siblings = parse_beside(value, "$")
            if part not in siblings:
                return str(stub.whole.fingerprint), False
            value = siblings[str(part)]
        elif isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            return _ABSENT, True
    if isinstance(value, dict) and KEY in value and len(value) == 1:
        stub, _ = parse_beside(value, "$")
        if stub.fingerprint is not None:
            return str(stub.fingerprint), True
    # The digest of plain text is the same as in a stub, so a change of form alone is not a change.
    return sha256_hex(json_text.encode(value)), True
