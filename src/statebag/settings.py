"""The settings of a client: what it is pickled as, for another process or machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.environment import encryption_keys_from_environment, signing_keys_from_environment
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.client import Statebag
    from statebag.policy import Policy

__all__ = ["Settings", "restored"]


class Settings(msgspec.Struct, frozen=True):
    """What a client was made with.

    Keys that were given are part of it, and so of a pickle. Keys of the environment are not:
    where the client is restored, the environment must have keys of its own.

    Attributes:
        store: An address, a folder's path or a store.
        policy: Limits and thresholds.
        options: Of an object storage client.
        replicas: Addresses or stores.
        signing_keys: As given; None for those of the environment.
        encryption_keys: As given; None for those of the environment.
    """

    store: Any
    policy: Policy
    options: Mapping[str, str] | None
    replicas: tuple[Any, ...]
    signing_keys: Mapping[str, bytes] | None
    encryption_keys: Any

    def __reduce__(self) -> tuple[Any, ...]:
        signs = self.signing_keys is None and bool(signing_keys_from_environment())
        encrypts = self.encryption_keys is None and bool(encryption_keys_from_environment())
        fields = tuple(getattr(self, name) for name in self.__struct_fields__)
        return _settings, (fields, signs, encrypts)


def _settings(fields: tuple[Any, ...], signs: bool, encrypts: bool) -> Settings:
    """The settings again; never less protection than they had."""
    for had, found, variable in (
        (signs, signing_keys_from_environment, "STATEBAG_SIGNING_KEYS"),
        (encrypts, encryption_keys_from_environment, "STATEBAG_ENCRYPTION_KEYS"),
    ):
        if had and not found():
            raise ConfigurationError(
                f"a client was pickled where {variable} has keys, and this process has none",
                hint=f"Set {variable} here too; a pickle does not hold the keys of an environment.",
            )
    return Settings(*fields)


def restored(kind: type[Statebag], settings: Settings) -> Statebag:
    """A client with these settings, with connections of its own."""
    return kind(
        settings.store,
        policy=settings.policy,
        options=settings.options,
        replicas=settings.replicas,
        signing_keys=settings.signing_keys,
        encryption_keys=settings.encryption_keys,
    )
