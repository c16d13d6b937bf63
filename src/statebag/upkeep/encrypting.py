"""Encrypt what a store holds from before it had keys."""

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

    The bytes are those that the name says, before and after; what is damaged is left to `repair`.
    What others wrote below the root (results of a Map) stays as it is: they could not read it.
    A crash leaves some encrypted and some not; run it again.

    Args:
        store: A client's store, with keys.
        prefix: An encoded scope; empty for the whole store.
        dry_run: Whether to write nothing.

    Returns:
        The names of the objects that were encrypted, or would be.

    Raises:
        ConfigurationError: The client has no encryption keys.
        NotPermitted: An object is encrypted with a key that is not here.
        StoreUnavailable: The store did not answer; what was encrypted by then stays so.
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
