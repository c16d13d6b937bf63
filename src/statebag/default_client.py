"""The client that the environment describes, and the decorator that uses it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from statebag.client import Statebag
from statebag.environment import (
    all_variables,
    encryption_keys_from_environment,
    folder_of_store,
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

# Clients that are kept. Chosen: a process has a few environments, a test suite some more
_CLIENTS = 32


def from_environment() -> Statebag:
    """Return the client of the environment, one for each set of settings."""
    # In a warm process nothing in them changed, and the settings are not even read.
    return _of_environment(all_variables(), folder_of_store())


@lru_cache(1)
def _of_environment(items: tuple[tuple[str, str], ...], folder: str | None) -> Statebag:
    variables = dict(items)
    return _client(
        folder,
        store_address(variables),
        policy_from_environment(variables),
        replica_addresses(variables),
        tuple(signing_keys_from_environment(variables).items()),
        encryption_keys_from_environment(variables),
        store_settings(variables),
    )


@lru_cache(_CLIENTS)
def _client(
    folder: str | None,
    address: str,
    policy: Policy,
    replicas: tuple[str, ...],
    signing_keys: tuple[tuple[str, bytes], ...],
    encryption_keys: tuple[bytes, ...],
    surroundings: tuple[tuple[str, str], ...],
) -> Statebag:
    # The client reads these itself: as arguments, keys would be a part of its pickle.
    del folder, signing_keys, encryption_keys, surroundings
    return Statebag(address, policy=policy, replicas=replicas)


step = StepDecorator(from_environment)
"""Decorate a Lambda handler with the client of the environment: `StepDecorator.__call__`."""
