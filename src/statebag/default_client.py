"""The client that the environment describes, and the decorator that uses it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from statebag.client import Statebag
from statebag.environment import (
    encryption_keys_from_environment,
    policy_from_environment,
    replica_addresses,
    signing_keys_from_environment,
    store_address,
    store_settings,
)
from statebag.step import StepDecorator

if TYPE_CHECKING:
    from statebag.policy import Policy

__all__ = ["from_environment", "step"]

_CLIENTS = 32  # settings of which the clients are kept


def from_environment() -> Statebag:
    """The client that the environment asks for; one for each set of settings."""
    keys = tuple(signing_keys_from_environment().items())
    return _client(
        store_address(),
        policy_from_environment(),
        replica_addresses(),
        keys,
        encryption_keys_from_environment(),
        store_settings(),
    )


@lru_cache(_CLIENTS)
def _client(
    address: str,
    policy: Policy,
    replicas: tuple[str, ...],
    signing_keys: tuple[tuple[str, bytes], ...],
    encryption_keys: tuple[bytes, ...],
    surroundings: tuple[tuple[str, str], ...],
) -> Statebag:
    del surroundings  # the store's client reads them itself, when it is made
    return Statebag(
        address,
        policy=policy,
        replicas=replicas,
        signing_keys=dict(signing_keys),
        encryption_keys=encryption_keys,
    )


step = StepDecorator(from_environment)
"""Decorates a Lambda handler with the client of the environment. See `StepDecorator.__call__`."""
