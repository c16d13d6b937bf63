"""Encrypt the objects that were written before their store had keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import BlobCorrupt, BlobMissing, ConfigurationError
from statebag.store.encrypted import EncryptedStore
from statebag.store.retrying import RetryingStore
from statebag.upkeep.objects import fits_its_name, kind_of

if TYPE_CHECKING:
    from statebag.store.contract import Store

__all__ = ["encrypt_plain"]


def encrypt_plain(store: Store, prefix: str = "", *, dry_run: bool = False) -> list[str]:
    """Encrypt each pack and snapshot that is not encrypted as this client encrypts.

    It checks each object by its name, and leaves damaged ones to `repair`. Objects of other writers
    below the root (results of a Map) stay as they are, so that their writers can still read them.
    After a crash, some objects are encrypted and some are not; run it again.

    Args:
        store: A client's store, with keys.
        prefix: An encoded scope; empty for the whole store.
        dry_run: Whether to write nothing.

    Returns:
        The names of the objects that were encrypted, or would be.

    Raises:
        ConfigurationError: The client has no encryption keys.
        NotPermitted: An object is encrypted with a key that the client does not have.
        StoreUnavailable: The store did not answer. Objects that were encrypted before stay so.
    """
    through = store.inner if isinstance(store, RetryingStore) else store
    if not isinstance(through, EncryptedStore):
        raise ConfigurationError(
            "the store has no encryption keys", hint="Set STATEBAG_ENCRYPTION_KEYS."
        )
    written = []
    for info in list(store.list(prefix)):
        if kind_of(info.name) not in {"pack", "snapshot"} or through.is_newest(info.name):
            continue
        try:
            data = through.get_in_any_form(info.name)
        except (BlobCorrupt, BlobMissing):
            continue
        if fits_its_name(info.name, data):
            if not dry_run:
                store.put(info.name, data)
            written.append(info.name)
    return written
