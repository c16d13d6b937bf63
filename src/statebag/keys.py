"""Which keys a client uses: those to encrypt a store's objects with, and those to sign stubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.environment import encryption_keys_from_environment, signing_keys_from_environment
from statebag.errors import ConfigurationError
from statebag.store.retrying import RetryingStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.signature import Signatures
    from statebag.policy import Policy
    from statebag.store.contract import Store
    from statebag.store.encrypted import KeyProvider

__all__ = ["encrypting_with", "signing_with"]


def encrypting_with(keys: KeyProvider | None, policy: Policy) -> Callable[[Store], Store]:
    """What a store is used through: encryption, where there are keys for it.

    Args:
        keys: As for `Statebag`; None takes those of the environment.
        policy: For its wire version.

    Raises:
        ConfigurationError: A key is no key, or objects of this wire version cannot be encrypted.
    """
    keys = encryption_keys_from_environment() if keys is None else keys
    if not keys:
        return lambda store: store
    from statebag.store.encrypted import EncryptedStore, Keys

    if policy.wire == 0:
        raise ConfigurationError(
            "objects of wire version 0 are plain, for consumers that read them without this "
            "library, so they cannot be encrypted",
            hint="Use wire=1, or no encryption keys.",
        )
    known = Keys(keys)

    def encrypting(store: Store) -> Store:
        inner = store.inner if isinstance(store, RetryingStore) else store
        # The store of another client does it already.
        return store if isinstance(inner, EncryptedStore) else EncryptedStore(store, known)

    return encrypting


def signing_with(keys: Mapping[str, bytes] | None) -> Signatures | None:
    """What signs stubs and checks them, where there are keys for it.

    Args:
        keys: As for `Statebag`; None takes those of the environment.

    Raises:
        ConfigurationError: A key is no key.
    """
    keys = signing_keys_from_environment() if keys is None else keys
    if not keys:
        return None
    from statebag.format.signature import Signatures

    return Signatures(keys)
