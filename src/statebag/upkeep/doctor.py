"""`doctor`: check with harmless probes whether a store can hold states, and give advice."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from statebag.errors import BlobCorrupt, BlobMissing, Conflict, StatebagError
from statebag.store.checked import checked
from statebag.store.contract import can_delete_if, is_conditional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.store.contract import Store

__all__ = ["PROBES", "Outcome", "examine"]

PROBES = "@doctor"
"""The folder of probes, below the root; no scope has this name. All probes are deleted again."""

_CLOCKS_APART = timedelta(minutes=5)  # chosen: a third of what S3 refuses
# S3 refuses requests that are further apart (API reference, "Error responses":
# RequestTimeTooSkewed).
_SKEW_REFUSED = timedelta(minutes=15)
_BODY = bytes(range(256)) * 64

Status = Literal["ok", "warn", "fail", "unknown"]


class Outcome(msgspec.Struct, frozen=True):
    """One check of a store, with its result.

    Attributes:
        what: What was checked, in a few words.
        status: `fail`: states may be lost or no step will work. `warn`: it works, but is less safe
            than it could be. `unknown`: the check was not possible.
        seen: What was found.
        advice: What to do; empty if there is nothing to do.
    """

    what: str
    status: Status
    seen: str
    advice: str = ""


def examine(store: Store) -> Iterator[Outcome]:
    """Check a store through its own operations, and return the outcomes.

    Writes a few objects of some KB below `@doctor` and deletes them again.
    """
    store = checked(store)
    name = f"{PROBES}/{uuid.uuid4().hex}"
    try:
        store.put(name, _BODY)
    except StatebagError as error:
        advice = "Allow writing below the root (s3:PutObject)."
        if error.hint is not None:  # the store knows better, such as of a missing bucket
            advice = f"{error.hint.removesuffix('.')}."
        yield Outcome("write", "fail", f"{error.code}: {error.message}", advice)
        return
    yield Outcome("write", "ok", f"{len(_BODY):,} bytes")
    try:
        yield from _reads(store, name)
        yield _listing(store, name)
        yield _clock(store, name)
        yield from _replaced(store, name)
        yield _conditional(store, name)
        if is_conditional(store) and can_delete_if(store):
            yield _conditional_delete(store, name)
    finally:
        deleted = _tried(lambda: store.delete(name))
    yield _deleted(store, name, deleted)


def _tried(work: Callable[[], object]) -> str | None:
    """Return None if it succeeded; otherwise the error's text, without a value."""
    try:
        work()
    except StatebagError as error:
        return f"{error.code}: {error.message}"
    return None


def _reads(store: Store, name: str) -> Iterator[Outcome]:
    try:
        same = store.get(name) == _BODY
    except StatebagError as error:
        yield Outcome(
            "read after write", "fail", error.code, "Allow reading below the root (s3:GetObject)."
        )
        return
    yield Outcome(
        "read after write",
        "ok" if same else "fail",
        "at once, byte for byte" if same else "other bytes than were written",
        "" if same else "This store cannot be used.",
    )
    try:
        spans = [(1000, 100), (0, 1), (len(_BODY) - 7, 7)]
        parts = store.get_ranges(name, spans)
        right = parts == [_BODY[start : start + length] for start, length in spans]
    except StatebagError as error:
        right, seen = False, error.code
    else:
        seen = "three spans" if right else "wrong bytes"
    advice = "" if right else "Range requests must work: every read of a blob is one."
    yield Outcome("range reads", "ok" if right else "fail", seen, advice)
    try:
        store.get_ranges(name, [(len(_BODY) - 5, 10)])
    except BlobCorrupt:
        yield Outcome("a range past the end", "ok", "refused")
    except StatebagError as error:
        yield Outcome("a range past the end", "warn", error.code, "Short objects look like that.")
    else:
        yield Outcome("a range past the end", "fail", "given", "Damage would go unnoticed here.")


def _listing(store: Store, name: str) -> Outcome:
    try:
        names = [info.name for info in store.list(PROBES)]
    except StatebagError as error:
        return Outcome(
            "listing",
            "warn",
            error.code,
            "fsck, gc and snapshots need it (s3:ListBucket); steps do not.",
        )
    if name not in names:
        return Outcome(
            "listing", "fail", "a new object is not listed at once", "gc could delete too early."
        )
    ordered = names == sorted(names)
    return Outcome(
        "listing",
        "ok" if ordered else "warn",
        "at once, by name" if ordered else "not in the order of names",
        "" if ordered else "fsck and gc take more memory.",
    )


def _clock(store: Store, name: str) -> Outcome:
    try:
        info = store.head(name)
    except StatebagError as error:
        return Outcome("clock", "unknown", error.code, "Allow looking up objects (s3:GetObject).")
    if info is None:
        return Outcome("clock", "fail", "a new object is not found", "gc needs read after write.")
    apart = abs(datetime.now(UTC) - info.modified)
    seconds = f"{apart.total_seconds():.0f} s apart"
    if apart >= _SKEW_REFUSED:
        return Outcome(
            "clock", "fail", seconds, ("Set the clock: S3 refuses requests that are this far off.")
        )
    if apart >= _CLOCKS_APART:
        return Outcome(
            "clock",
            "warn",
            seconds,
            ("Set the clock: S3 refuses requests that are 15 minutes off."),
        )
    return Outcome("clock", "ok", seconds)


def _replaced(store: Store, name: str) -> Iterator[Outcome]:
    """Check that a second PUT of a name replaces the first: a repair writes damaged packs again."""
    try:
        store.put(name, _BODY[::-1])
        new = store.get(name) == _BODY[::-1]
    except StatebagError as error:
        yield Outcome(
            "replacing an object",
            "warn",
            error.code,
            "Steps work, but repair cannot restore a damaged pack (is the bucket write-once?).",
        )
        return
    if new:
        yield Outcome("replacing an object", "ok", "seen at once")
    else:
        advice = "Readers may get old bytes after a repair."
        yield Outcome("replacing an object", "fail", "not seen", advice)


def _conditional(store: Any, name: str) -> Outcome:
    """Check whether a write can depend on the current version, which heads need."""
    what = "writes that depend on a version"
    if not is_conditional(store):
        advice = (
            "Steps do not need them. Heads and the saver for LangGraph do: keep these in another "
            "store."
        )
        return Outcome(what, "warn", "this kind of store has none", advice)
    try:
        _, version = store.get_version(name)
        newest = _BODY + version.encode()
        newer = store.put_if(name, newest, version)
        for stale in (None, version):
            try:
                store.put_if(name, _BODY[::-1], stale)
            except Conflict:
                continue
            return Outcome(
                what,
                "warn",
                "ignored",
                "Steps work; two writers of a head would lose versions here.",
            )
        right = store.get_version(name) == (newest, newer)
    except StatebagError as error:
        return Outcome(
            what, "warn", error.code, "Steps work; heads need If-Match and If-None-Match."
        )
    return Outcome(what, "ok" if right else "warn", "kept" if right else "another version is read")


def _conditional_delete(store: Any, name: str) -> Outcome:
    """Check whether a delete can depend on the current version."""
    what = "deletes that depend on a version"
    try:
        stale = store.put_if(name, _BODY, store.get_version(name)[1])
        store.put_if(name, _BODY[::-1], stale)
        try:
            store.delete_if(name, stale)
        except Conflict:
            return Outcome(what, "ok", "kept")
    except StatebagError as error:
        return Outcome(what, "warn", error.code, "Steps work; only heads would use such deletes.")
    return Outcome(
        what, "warn", "ignored", ("It deletes an object that another writer has replaced.")
    )


def _deleted(store: Store, name: str, error: str | None) -> Outcome:
    if error is not None:
        return Outcome(
            "delete",
            "warn",
            f"{error}; {name} is still in the store",
            "Steps need no delete; gc does. Delete the probe by hand.",
        )
    try:
        store.get(name)
    except BlobMissing:
        return Outcome("delete", "ok", "gone at once")
    except StatebagError as failed:
        advice = "Check again: gc must be able to see what it deleted."
        return Outcome("delete", "unknown", failed.code, advice)
    return Outcome("delete", "fail", "the object is still there", "gc frees nothing here.")
