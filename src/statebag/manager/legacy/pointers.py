"""Follow legacy pointers, in the places where they can stand and nowhere else.

A pointer can be the whole value, a field of an object (two levels of objects below a state, as in
`current_state`), or the head of a list (older history). It may also be next to a bag's stub, if a
function that does not know stubs put it there. The value of a field's pointer is data, and pointers
in it are not followed. The value of a whole state's pointer is a state again, so its pointers are
followed, as are those of archives to older archives. Nothing that was read is a stub: data that
looks like one is returned escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, LimitExceeded, NotPermitted
from statebag.format import json_text
from statebag.format.derived import DERIVED
from statebag.format.escape import escape
from statebag.format.json_memory import OpenedValues
from statebag.format.json_type import json_type
from statebag.format.paths import render_path
from statebag.format.stub import KEY, Escaped
from statebag.format.stub_parsing import parse_stub
from statebag.manager.control_fields import OF_ROUTERS
from statebag.manager.legacy.pointer_format import (
    as_pointer,
    decode_checked,
    decompress_text,
    fits_pointer,
)
from statebag.manager.legacy.pointer_scope import PointerScope
from statebag.manager.scheduling import FULL, SUMMARY, is_summary_of, may_be_summary
from statebag.opening.foreign_pointers import POINTER_LEVELS, put_at, siblings_of, split_at
from statebag.store.confinement import name_below
from statebag.telemetry import usage

if TYPE_CHECKING:
    from statebag.format.paths import Path
    from statebag.manager.legacy.pointer_format import Pointer
    from statebag.policy import Policy
    from statebag.store.contract import Store

__all__ = ["PointerReader"]

_MOST_WRAPPED = 8  # whole states within whole states. Chosen: a writer makes one
_MOST_ARCHIVES = 10_000  # each names the one before. Chosen: no history has as many
_ABSENT = object()
_OWN_KEYS = frozenset(
    {
        "__s3_offloaded",
        "__s3_path",
        "__original_size_kb",
        "sha256",
        "__scheduling_metadata",
        "__guardrail_verified",
        "__batch_count_actual",
    }
)
"""Members of a pointer to a whole state that are not fields of the state."""

_DEFAULTS = {**OF_ROUTERS, "scheduling_metadata": {}}
"""Fields next to such a pointer, which writers add if the state does not have them."""


class PointerReader:
    """Replace pointers by their values, within the policy's limits.

    Args:
        store: The configured root; no other place is read.
        policy: Limits on bytes, objects and requests.
        scope: The reader's scope, as for `open`, or the objects that it may read.
        foreign_is_data: Whether a pointer to an object outside the root counts as data, instead
            of being refused. In both cases the object is not read.
        of_branches: Whether objects of the execution's branches are allowed too.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        scope: str | PointerScope | None = None,
        *,
        foreign_is_data: bool = False,
        of_branches: bool = False,
    ) -> None:
        self._store = store
        self._scope = scope if isinstance(scope, PointerScope) else PointerScope(scope, policy)
        self._of_branches = of_branches
        self._learns = not isinstance(scope, PointerScope)
        self._foreign_is_data = foreign_is_data
        self._policy = policy
        self._bytes = 0
        self._values = OpenedValues(policy.max_open_bytes)
        self._objects = 0

    def resolve(self, value: Any, path: Path = (), *, state_at: Path = ()) -> Any:
        """Return a copy of a value with its pointers replaced by their values.

        Args:
            value: A state, or an event with a state in it.
            path: Its path, for messages.
            state_at: Where in `value` the state is.

        Raises:
            NotPermitted: A pointer leads out of the root or to another execution's object, or
                signatures are required, which a pointer cannot have.
            BlobMissing, BlobCorrupt, StoreUnavailable, LimitExceeded: As for any open.
        """
        event, state = split_at(value, state_at)
        if self._learns:
            self._scope.learn(event)
            self._scope.learn(state)
        state = self._field(state, (*path, *state_at), POINTER_LEVELS, wrapped=0)
        if not state_at:
            return state
        # Without the state: the value of a pointer is data, in which no pointer is followed.
        event = self._field(event, path, POINTER_LEVELS, wrapped=0)
        return put_at(event, state_at, state)

    def _field(self, value: Any, path: Path, levels: int, *, wrapped: int) -> Any:
        pointer = as_pointer(value)
        if pointer is None or pointer.kind == "history" or self._is_data(pointer):
            return self._inside(value, path, levels, wrapped=wrapped)
        if pointer.kind != "whole":
            return self._read(pointer, path)
        if wrapped >= _MOST_WRAPPED:
            raise LimitExceeded(
                f"more than {_MOST_WRAPPED} pointers of whole states are inside each other",
                path=_at(path),
            )
        state = self._read(pointer, path)
        # The fields next to the pointer win, since the engine may have changed them.
        if isinstance(state, dict):
            return self._merged(state, value, path, levels, wrapped + 1)
        return self._field(state, path, levels, wrapped=wrapped + 1)

    def _merged(
        self, state: dict[str, Any], pointer: dict[str, Any], path: Path, levels: int, wrapped: int
    ) -> Any:
        """Return a state that was read, with the fields next to its pointer merged into it.

        A summary next to the pointer is dropped if a writer derived it from the state's metadata.
        """
        beside = {
            key: one
            for key, one in pointer.items()
            if key not in _OWN_KEYS and not (_is_default(key, one) and _stands_in(state, key))
        }
        if _is_marked(state):  # no engine writes in an object of the store
            state = {name: one for name, one in state.items() if name != SUMMARY}
        came = beside.pop(SUMMARY, _ABSENT)
        merged = self._field({**state, **beside}, path, levels, wrapped=wrapped)
        if came is _ABSENT or not isinstance(merged, dict):
            return merged
        sources = [merged[FULL]] if FULL in merged else []
        if sources and FULL in beside and FULL in state and state[FULL] != beside[FULL]:
            # The engine may have replaced the metadata, but not the summary derived from it.
            sources.append(self._field(state[FULL], (*path, FULL), levels - 1, wrapped=wrapped))
        # The first version wrote a summary for a state without metadata too.
        is_derived = _is_summary(came, sources) if sources else may_be_summary(came)
        return merged if is_derived else {**merged, SUMMARY: came}

    def _is_data(self, pointer: Pointer) -> bool:
        if not self._foreign_is_data or pointer.kind == "compressed":
            return False
        try:
            name_below(self._store.url, pointer.s3_path)
        except NotPermitted:
            return True
        return False

    def _inside(self, value: Any, path: Path, levels: int, *, wrapped: int) -> Any:
        if isinstance(value, list):
            return self._history(value, path)
        fields = siblings_of(value)  # stubs are left to the opener
        if not fields or levels == 0:
            return value
        inside = {
            **value,
            **{
                key: self._field(one, (*path, key), levels - 1, wrapped=wrapped)
                for key, one in fields.items()
            },
        }
        if KEY not in value and _is_marked(value) and _is_summary(value[SUMMARY], [inside[FULL]]):
            del inside[SUMMARY]
        return inside

    def _history(self, entries: list[Any], path: Path) -> list[Any]:
        """Return a list with the archive at its head, and the older ones behind that, read in."""
        newest_first: list[list[Any]] = []
        seen: set[str] = set()
        rest = entries
        while rest:
            pointer = as_pointer(rest[0])
            if pointer is None or pointer.kind != "history" or self._is_data(pointer):
                break
            if pointer.s3_path in seen:
                raise LimitExceeded(
                    f"archive {len(newest_first) + 1} of the history names a newer archive",
                    path=_at(path),
                    object_name=name_below(self._store.url, pointer.s3_path, path),
                    hint="Restore the state from an earlier snapshot: an archive was replaced.",
                )
            seen.add(pointer.s3_path)
            newest_first.append(rest[1:])
            archived = self._read(pointer, path)
            if not isinstance(archived, list):
                raise BlobCorrupt(
                    f"the archive of a history must be a list, not {json_type(archived)}",
                    path=_at(path),
                )
            rest = archived
            if len(newest_first) > _MOST_ARCHIVES:
                raise LimitExceeded(
                    f"the history has more than {_MOST_ARCHIVES} archives in a row", path=_at(path)
                )
        return [*rest, *(entry for part in reversed(newest_first) for entry in part)]

    def _read(self, pointer: Pointer, path: Path) -> Any:
        self._scope.must_follow(path)
        left = self._policy.max_open_bytes - self._bytes
        self._objects += 1
        if self._objects > min(self._policy.max_open_blobs, self._policy.max_open_requests):
            raise LimitExceeded(
                f"the open would read more than {self._objects - 1} pointers",
                hint="Raise Policy.max_open_blobs and Policy.max_open_requests.",
                path=_at(path),
            )
        usage.add(legacy_pointers_read=1)
        if pointer.kind == "compressed":
            text = decompress_text(pointer.data, left)
            self._bytes += len(text)
            self._values.reckon(text)
            return escape(json_text.decode(text, reckoned=True), pointers=False)
        name = name_below(self._store.url, pointer.s3_path, path)
        allowed = self._scope.allows(name, of_branch=self._of_branches)
        # A whole state may name its execution: the first version's pointer has no id next to it.
        if not allowed and pointer.kind != "whole":
            raise self._scope.refusal(name, path)
        # A pointer has no trusted length, so the store is asked before memory is filled. If the
        # object is gone, the read raises the error.
        info = self._store.head(name)
        if info is not None and info.size > left:
            raise self._too_much(path, name)
        text = self._store.get(name)
        self._bytes += len(text)
        if len(text) > left:  # it was replaced in between
            raise self._too_much(path, name)
        self._values.reckon(text, name)
        value = decode_checked(text, pointer, name)
        if not allowed and not self._scope.owns_state(value, name):
            raise self._scope.refusal(name, path)
        return escape(value, pointers=False)

    def _too_much(self, path: Path, name: str) -> LimitExceeded:
        return LimitExceeded(
            f"the open would read more than {self._policy.max_open_bytes} bytes",
            path=_at(path),
            object_name=name,
        )


def _is_marked(value: dict[str, Any]) -> bool:
    """Return whether a writer put this summary next to the pointer of the metadata."""
    full = value.get(FULL)
    if SUMMARY not in value or not isinstance(full, dict) or as_pointer(full) is None:
        return False
    return full.get(DERIVED) == [SUMMARY]


def _is_summary(value: Any, sources: list[Any]) -> bool:
    """Return whether a writer derived a summary from one of these values."""
    if not may_be_summary(value):
        return False
    return any(is_summary_of(value, _data_of(source)) for source in sources)


def _data_of(value: Any) -> Any:
    """Return a value that was read, without the escape of data that looks like a stub."""
    if not isinstance(value, dict) or KEY not in value:
        return value
    stub = parse_stub(value, "$")
    return stub.original if isinstance(stub, Escaped) else value


def _stands_in(state: dict[str, Any], key: str) -> bool:
    """Return whether a writer put a default next to a pointer, since it could not put the value."""
    return key not in state or (key in OF_ROUTERS and not fits_pointer(state[key]))


def _is_default(key: str, value: Any) -> bool:
    """Return whether a field is a default that a writer added, perhaps 1.0 instead of 1."""
    default = _DEFAULTS.get(key)
    return (
        default is not None
        and value == default
        and isinstance(value, bool) == isinstance(default, bool)
    )


def _at(path: Path) -> str:
    return render_path(path)
