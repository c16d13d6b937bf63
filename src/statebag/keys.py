"""Choose the keys of a client: those that encrypt objects, and those that sign stubs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from statebag.environment import (
    encryption_keys_from_environment,
    sealing_is_off,
    signing_keys_from_environment,
)
from statebag.errors import ConfigurationError
from statebag.policy import PROTECTED_SINCE
from statebag.store.identity import salt_of
from statebag.store.retrying import RetryingStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.signature import Signatures
    from statebag.policy import Policy
    from statebag.store.contract import Store
    from statebag.store.encrypted import KeyProvider

__all__ = ["check_previews", "encrypting_with", "signing_with"]

_ONE_KEY = (bytes, bytearray, str)


def encrypting_with(keys: KeyProvider | None, policy: Policy) -> Callable[[Store], Store]:
    """Return a function that wraps a store in encryption, if there are keys.

    Args:
        keys: As for `Statebag`; None takes those of the environment.
        policy: The policy, which says what is required.

    Raises:
        ConfigurationError: A key is wrong, or the policy requires encryption and there is no key.
    """
    of_environment = keys is None
    keys = encryption_keys_from_environment() if keys is None else keys
    if not callable(keys) and _is_empty(keys):
        _check_not_required(
            "encryption", "encryption_keys", required=policy.require_encryption, there=False
        )
        return lambda store: store
    from statebag.store.encrypted import EncryptedStore, Keys

    _check_not_required(
        "encryption", "encryption_keys", required=policy.require_encryption, there=True
    )
    known = Keys(
        keys,
        misuse_resistant=policy.forms >= PROTECTED_SINCE,
        of_environment=of_environment,
    )
    required = policy.require_encryption

    def encrypting(store: Store) -> Store:
        inner = store.inner if isinstance(store, RetryingStore) else store
        if isinstance(inner, EncryptedStore):  # another client's store encrypts already
            return inner.with_required() if required and not inner.required else store
        return EncryptedStore(store, known, required=required)

    return encrypting


def signing_with(keys: Mapping[str, bytes] | None, policy: Policy) -> Signatures | None:
    """Return the signatures of a client; None if there are no keys.

    Args:
        keys: As for `Statebag`; None takes those of the environment.
        policy: The policy, which says what is required.

    Raises:
        ConfigurationError: A key is wrong, or the policy requires signatures and there is no key.
    """
    keys = signing_keys_from_environment() if keys is None else keys
    required = policy.require_signatures
    _check_not_required("signatures", "signing_keys", required=required, there=not _is_empty(keys))
    scoped = policy.forms >= PROTECTED_SINCE
    if required and not scoped:
        raise ConfigurationError(
            f"Policy.require_signatures needs signatures that cover the scope, and "
            f"Policy.forms={policy.forms} does not write them",
            hint=f"Set Policy.forms (STATEBAG_FORMS) to {PROTECTED_SINCE} or more.",
        )
    if _is_empty(keys):
        return None
    from statebag.format.signature import Signatures

    return Signatures(keys, scoped=scoped, required=required)


def check_previews(policy: Policy, store: Store) -> None:
    """Refuse previews of values that are encrypted in the store.

    Raises:
        ConfigurationError: The policy writes previews, and the store encrypts.
    """
    if policy.preview_bytes and salt_of(store):
        raise ConfigurationError(
            f"Policy.preview_bytes is {policy.preview_bytes}, and objects are encrypted: a preview "
            "would show in plain text what encryption hides",
            hint="Set Policy.preview_bytes (STATEBAG_PREVIEW_BYTES) to 0.",
        )


def _is_empty(keys: object) -> bool:
    """Return whether there are no keys; an empty text counts as a missing key."""
    return isinstance(keys, Collection) and not isinstance(keys, _ONE_KEY) and not keys


def _check_not_required(what: str, argument: str, *, required: bool, there: bool) -> None:
    if not required:
        return
    setting = f"Policy.require_{what}"
    if not there:
        raise ConfigurationError(
            f"{setting} is set, but {argument} has no keys",
            hint=f"Set STATEBAG_{argument.upper()}, or give {argument}=.",
        )
    if sealing_is_off():
        raise ConfigurationError(
            f"{setting} is set, but with STATEBAG_PLAIN nothing is sealed",
            hint="Unset STATEBAG_PLAIN.",
        )
