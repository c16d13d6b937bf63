"""The older interface: one plain JSON object in the store for each value.

For callers of the first state data manager, and for consumers that read the bucket with their own
client. Objects are readable JSON. Keys come from the content, so a retry writes the same key, and
two values written in the same second never collide. The store is that of the environment.
"""

from __future__ import annotations

import secrets
from time import monotonic
from typing import TYPE_CHECKING, Any

from statebag.default_client import from_environment
from statebag.errors import BlobCorrupt, InvalidState
from statebag.format import json_check, json_text
from statebag.format.json_type import json_type
from statebag.format.names import scope_of_execution
from statebag.manager.actions.scope import UNNAMED
from statebag.manager.legacy.pointer_format import (
    as_pointer,
    compress_text,
    decompress_text,
    field_pointer,
    history_pointer,
    kilobytes,
    object_key,
    whole_pointer,
)
from statebag.manager.legacy.pointer_scope import PointerScope
from statebag.manager.legacy.pointer_times import without_times
from statebag.manager.settings import manager_settings
from statebag.process.forking import fork_safe_lock
from statebag.process.recent import Recent
from statebag.store.confinement import name_below
from statebag.store.identity import identity_of
from statebag.telemetry.log_warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = [
    "cached_load_from_s3",
    "cached_text",
    "calculate_payload_size",
    "compress_data",
    "decompress_data",
    "fresh_text",
    "generate_s3_key",
    "load_from_s3",
    "optimize_current_state",
    "optimize_state_history",
    "read_plain",
    "read_plain_cached",
    "store_to_s3",
]

# Callers of the first version's helpers rely on its numbers: each of these was chosen there, except
# the bytes of the cache.
_FIELD_LEAVES_ABOVE = 30 * 1024  # bytes. Chosen by the first version
_STATE_LEAVES_ABOVE = 100 * 1024  # bytes, once its fields have left. Chosen by the first version
_CACHE_SECONDS = 300.0  # chosen by the first version
_CACHE_ITEMS = 20  # chosen by the first version
_CACHE_BYTES = 32 * 1024 * 1024  # chosen: a quarter of the smallest Lambda


def store_to_s3(data: Any, key: str) -> str:
    """Write a value as a plain JSON object.

    Args:
        data: Any JSON value.
        key: The object's name below the configured root.

    Returns:
        Its absolute address.

    Raises:
        InvalidState: The value is not JSON.
        StoreUnavailable, NotPermitted: It could not be written.
    """
    _must_be(str, key=key)
    json_check.check_json(data)
    return _put(key, json_text.encode(data))


def load_from_s3(s3_path: str, max_retries: int = 3, scope: str | None = None) -> Any:
    """Return the value of a plain JSON object; raise an error if it cannot be read.

    An address may lead to the same objects as a pointer: those that no execution's scope owns
    (`workflow-state/<id>/`, and those at the root), and those that `scope` may read.

    Args:
        s3_path: An absolute address below the configured root.
        max_retries: The largest number of requests, with the first one.
        scope: The reader's scope, or the ARN of its execution.

    Raises:
        NotPermitted: The address is outside the root or of another scope, or signatures are
            required, which an address cannot have.
        BlobMissing, BlobCorrupt, StoreUnavailable: It could not be read.
    """
    _must_be(str, s3_path=s3_path, scope="" if scope is None else scope)
    _must_be(int, max_retries=max_retries)
    _check_allowed(s3_path, scope)
    return read_plain(s3_path, max_retries)


def cached_load_from_s3(s3_path: str, scope: str | None = None) -> Any:
    """Do the same, from memory if the object was read within the last 300 seconds.

    Every call returns a new copy, which the caller may change.
    """
    _must_be(str, s3_path=s3_path, scope="" if scope is None else scope)
    _check_allowed(s3_path, scope)
    return read_plain_cached(s3_path)


def read_plain(s3_path: str, attempts: int = 3) -> Any:
    """Return the value of a plain JSON object that the caller knows may be read.

    Args:
        s3_path: An absolute address.
        attempts: The largest number of requests.

    Raises:
        NotPermitted: The address is outside the root.
        BlobMissing, BlobCorrupt, StoreUnavailable: It could not be read.
    """
    return json_text.decode(_get(s3_path, attempts), s3_path)


def read_plain_cached(s3_path: str) -> Any:
    """Do the same, from memory if the object was read within the last 300 seconds."""
    return json_text.decode(cached_text(s3_path), s3_path)


def cached_text(s3_path: str) -> bytes:
    """Return an object's bytes, from memory if they were read within the last 300 seconds."""
    return _cache.get(_place(s3_path), lambda: _get(s3_path, 3))


def fresh_text(s3_path: str) -> bytes:
    """Return an object's bytes from the store, and put them into memory."""
    return _cache.get(_place(s3_path), lambda: _get(s3_path, 3), fresh=True)


def _place(s3_path: str) -> Hashable:
    return (*identity_of(from_environment().store), s3_path)


def compress_data(value: Any) -> str:
    """Return a JSON value's text, compressed with gzip, as base64."""
    json_check.check_json(value)
    return compress_text(json_text.encode(value))


def decompress_data(compressed_data: Any, *, strict: bool = False) -> Any:
    """Return the value that `compress_data` was given.

    Args:
        compressed_data: The text, or a pointer `{"type": "compressed", "data": ...}`.
        strict: Whether any other value is an error. If not, it is returned unchanged, with a
            warning in the log.

    Raises:
        BlobCorrupt: `strict` is set, and the value was never compressed or is damaged.
        LimitExceeded: The decompressed text is larger than the policy's limit.
    """
    pointer = as_pointer(compressed_data)
    text = pointer.data if pointer and pointer.kind == "compressed" else compressed_data
    limit = from_environment().policy.max_open_bytes
    try:
        return json_text.decode(decompress_text(text, limit))
    except BlobCorrupt:
        if strict:
            raise
        warn(
            "NeverCompressed",
            "decompress_data got %s that was never compressed, and returned it unchanged; "
            "strict=True refuses it",
            json_type(compressed_data),
            count=1,
        )
        return compressed_data


def generate_s3_key(idempotency_key: str, data_type: str, data: Any = None) -> str:
    """Return a key: `workflow-state/<idempotency_key>/<data_type>_<16 hex>.json`.

    The digits come from a digest of `data`; if it is missing they are random, so that no two keys
    collide.
    """
    _must_be(str, idempotency_key=idempotency_key, data_type=data_type)
    if data is not None:
        json_check.check_json(data)
    text = secrets.token_bytes(16) if data is None else json_text.encode(data)
    return object_key(idempotency_key, data_type, text)


def calculate_payload_size(value: Any) -> float:
    """Return the size of a value's compact UTF-8 JSON text in KB of 1,024 bytes."""
    json_check.check_json(value)
    return kilobytes(len(json_text.encode(value)))


def optimize_state_history(
    state_history: list[Any], idempotency_key: str, max_entries: int = 50
) -> tuple[list[Any], str | None]:
    """Return the newest entries, after a pointer to an archive with all older ones.

    Args:
        state_history: Entries, oldest first; the first may be the pointer of an earlier archive.
        idempotency_key: Part of the archive's key.
        max_entries: The number of entries to keep.

    Returns:
        The list for the bag, and the archive's address (None if no entry was archived). The new
        archive names the earlier one, and its `entry_count` counts the entries of both.
    """
    _must_be(list, state_history=state_history)
    _must_be(int, max_entries=max_entries)
    _must_be(str, idempotency_key=idempotency_key)
    earlier = as_pointer(state_history[0]) if state_history else None
    has_earlier = earlier is not None and earlier.kind == "history"
    entries = state_history[1:] if has_earlier else state_history
    if len(entries) <= max_entries:
        return list(state_history), None
    cut = len(entries) - max_entries
    archived = [*state_history[:1], *entries[:cut]] if has_earlier else entries[:cut]
    count = cut
    if has_earlier:
        before = state_history[0].get("entry_count")
        count += before if isinstance(before, int) else 0
    json_check.check_json(archived)
    text = json_text.encode(archived)
    s3_path = _put(object_key(idempotency_key, "history_archive", text), text)
    return [history_pointer(s3_path, text, count), *entries[cut:]], s3_path


def optimize_current_state(
    current_state: dict[str, Any], idempotency_key: str
) -> tuple[dict[str, Any], bool]:
    """Return a state with fields over 30 KB offloaded; over 100 KB, it is offloaded as a whole.

    Returns:
        The state for the bag, and whether anything was offloaded.
    """
    _must_be(dict, current_state=current_state)
    _must_be(str, idempotency_key=idempotency_key)
    json_check.check_json(current_state)
    carried: dict[str, Any] = {}
    offloaded = False
    for name, value in current_state.items():
        text = json_text.encode(value)
        if len(text) > _FIELD_LEAVES_ABOVE and as_pointer(value) is None:
            key = object_key(idempotency_key, name, text)
            carried[name] = field_pointer(_put(key, text), text)
            offloaded = True
        else:
            carried[name] = value
    if len(json_text.encode(carried)) <= _STATE_LEAVES_ABOVE:
        return carried, offloaded
    text = json_text.encode(without_times(carried))
    s3_path = _put(object_key(idempotency_key, "current_state", text), text)
    return whole_pointer(s3_path, text, current_state), True


def _must_be(kind: type, **arguments: object) -> None:
    for name, value in arguments.items():
        if not isinstance(value, kind):
            raise InvalidState(f"{name} must be {kind.__name__}, not {type(value).__qualname__}")


def _check_allowed(s3_path: str, scope: str | None) -> None:
    sb = from_environment()
    reader = UNNAMED if scope is None else scope_of_execution(scope)
    allowed = PointerScope(reader, sb.policy, any_id=scope is None)
    allowed.must_follow(("s3_path",))
    allowed.check(name_below(sb.store.url, s3_path, ("s3_path",)), ("s3_path",))


def _put(key: str, text: bytes) -> str:
    manager_settings()  # refuses to encrypt what readers of plain objects read
    store = from_environment().store
    address = f"{store.url.rstrip('/')}/{key}"
    store.put(name_below(store.url, address), text)
    return address


def _get(s3_path: str, attempts: int) -> bytes:
    store = from_environment().store.with_attempts(max(attempts, 1))
    return store.get(name_below(store.url, s3_path))


class _RecentTexts:
    """The texts of the latest reads, bounded in age, number and bytes."""

    def __init__(self) -> None:
        self._texts: Recent[Hashable, tuple[float, bytes]] = Recent(_CACHE_BYTES)
        self._lock = fork_safe_lock()

    def get(self, key: Hashable, read: Callable[[], bytes], *, fresh: bool = False) -> bytes:
        with self._lock:
            found = self._texts.get(key)
        if found is not None and not fresh and monotonic() - found[0] < _CACHE_SECONDS:
            return found[1]
        text = read()
        with self._lock:
            # A small text counts as its share of the bytes, so that there are not too many of them.
            size = max(len(text), _CACHE_BYTES // _CACHE_ITEMS)
            self._texts.put(key, (monotonic(), text), size)
        return text

    def clear(self) -> None:
        with self._lock:
            self._texts.clear()


_cache = _RecentTexts()
