"""Pickle a client for another process or machine, as its settings.

Keys that were passed to the client are in the pickle. Keys of the environment are not: the
environment that restores the client must have them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from statebag.environment import encryption_keys_from_environment, signing_keys_from_environment
from statebag.environment_keys import (
    ENCRYPTION_VARIABLE,
    SIGNING_VARIABLE,
    check_mark,
    first_key_mark,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["pickled", "restored"]

_Client = TypeVar("_Client")


def pickled(
    kind: Callable[..., _Client],
    store: Any,
    settings: Mapping[str, Any],
    signing: Sequence[bytes],
    encryption: Sequence[bytes],
) -> tuple[Callable[..., _Client], tuple[Any, ...]]:
    """Return the result of a client's `__reduce__`.

    Args:
        kind: Its class.
        store: An address, a folder's path or a store.
        settings: The other arguments that it was made with.
        signing: The keys of the environment that it signs with; none if it was given keys.
        encryption: The keys of the environment that it encrypts with; none if it was given keys.
    """
    marks = first_key_mark(signing), first_key_mark(encryption)
    return restored, (kind, store, dict(settings), *marks)


def restored(
    kind: Callable[..., _Client],
    store: Any,
    settings: Mapping[str, Any],
    signing: str,
    encryption: str,
) -> _Client:
    """Return a client with these settings and its own connections.

    Raises:
        ConfigurationError: This environment does not have the keys of the client's environment; or
            as for `Statebag`.
    """
    check_mark(signing, signing_keys_from_environment().values(), SIGNING_VARIABLE)
    check_mark(encryption, encryption_keys_from_environment(), ENCRYPTION_VARIABLE)
    return kind(store, **settings)
