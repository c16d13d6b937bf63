"""Conditional writes for stores without versions: a digest of the content is the version."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from statebag.errors import BlobMissing, Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statebag.store.contract import Store

__all__ = ["content_version", "delete_if_unchanged", "exclusively", "put_if_unchanged"]


def content_version(data: bytes) -> str:
    """Return the version of an object with this content."""
    from hashlib import sha256  # noqa: PLC0415  # few calls need it

    return sha256(data).hexdigest()


def put_if_unchanged(store: Store, name: str, data: bytes, version: str | None) -> str:
    """Write an object if its current version is this one; the caller holds a lock.

    Raises:
        Conflict: The version is another one, or the object is gone; with None, the object exists.
    """
    _check_unchanged(store, name, version, "replace")
    store.put(name, data)
    return content_version(data)


def delete_if_unchanged(store: Store, name: str, version: str) -> None:
    """Delete an object if its current version is this one. The caller holds a lock.

    Raises:
        Conflict: The object has changed since, or is gone.
    """
    _check_unchanged(store, name, version, "delete")
    store.delete(name)


def _check_unchanged(store: Store, name: str, version: str | None, action: str) -> None:
    try:
        present = content_version(store.get(name))
    except BlobMissing:
        present = None
    if present != version:
        raise Conflict(
            f"{store.url} did not {action} the object: it is not what was read",
            object_name=name,
            hint="Read the object again, and apply the change to what you read.",
        )


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Let only one thread of one process at a time into the block, by a lock on a folder."""
    import fcntl  # noqa: PLC0415  # not on every system, and few calls need it

    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which ends the lock
